"""The claims about the market, the network and the work inside: each fails on the bad row that it is there for."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tradewind_contracts.verdicts import CheckResult, Severity
from tradewind_quality import Context, check

Rows = list[dict[str, Any]]
Tables = dict[str, Rows]
DAY = dt.timedelta(days=1)
START = dt.datetime(2018, 3, 1, 12, tzinfo=dt.UTC)

PLANTED: list[tuple[str, Callable[[Tables], object], str, Severity]] = [
    (
        "a date twice",
        lambda t: t["calendar"].append(dict(t["calendar"][3])),
        "calendar: date and region together are unique",
        Severity.CRITICAL,
    ),
    (
        "an orphan where the reference may be absent",
        lambda t: t["outreach"][3].update(merchant_id="nobody"),
        "outreach: merchant_id stands in merchants.merchant_id",
        Severity.CRITICAL,
    ),
    (
        "a truth value that is missing",
        lambda t: t["product_traffic"][3].update(is_promoted=None),
        "product_traffic: product_id, date, merchant_id, impressions_count, clicks_count, carts_count, orders_count, units_count, list_price, "
        "price, subsidy, is_promoted, pricing_arm, recorded_at, flags are never null",
        Severity.CRITICAL,
    ),
    (
        "clicks that nobody saw",
        lambda t: t["product_traffic"][3].update(clicks_count=91),
        "product_traffic: who clicks has seen it, who carts has clicked, in at least 0.99 of the rows that can tell",
        Severity.WARNING,
    ),
    (
        "an order without a unit",
        lambda t: t["product_traffic"][3].update(units_count=0),
        "product_traffic: an order has a unit or more",
        Severity.WARNING,
    ),
    (
        "a price that hides its subsidy",
        lambda t: t["product_traffic"][3].update(price=Decimal("10.00")),
        "product_traffic: price and subsidy are the list price, in at least 0.99 of the rows that can tell",
        Severity.WARNING,
    ),
    (
        "a position of nothing shown",
        lambda t: t["product_traffic"][3].update(position_mean=None),
        "product_traffic: a product that was shown has a position, in at least 0.99 of the rows that can tell",
        Severity.WARNING,
    ),
    (
        "prices that are all drawn",
        lambda t: [row.update(pricing_arm="experiment") for row in t["product_traffic"][:15]],
        "product_traffic: the price is an experiment's in 0 to 0.5 of the rows",
        Severity.WARNING,
    ),
    (
        "a contact with nobody",
        lambda t: t["outreach"][3].update(merchant_id=None),
        "outreach: a contact is with a lead or a merchant, not both, in at least 0.99 of the rows that can tell",
        Severity.WARNING,
    ),
    (
        "a call to whom it was withheld from",
        lambda t: t["outreach"][3].update(channel="phone"),
        "outreach: a contact has a channel exactly where it was not withheld, in at least 0.99 of the rows that can tell",
        Severity.WARNING,
    ),
    (
        "an answer before the question",
        lambda t: t["outreach"][2].update(responded_at=t["outreach"][2]["sent_at"] - DAY),
        "outreach: responded_at is not before sent_at",
        Severity.CRITICAL,
    ),
    (
        "a lot that contacts everyone",
        lambda t: [row.update(arm="treatment", channel="phone") for row in t["outreach"]],
        "outreach: of those drawn by lot, one is contacted in 0.2 to 0.95 of the rows",
        Severity.WARNING,
    ),
    ("a day without a region", lambda t: t["calendar"].pop(), "calendar: each day has every region", Severity.WARNING),
    (
        "a holiday without a name",
        lambda t: t["calendar"][6].update(holiday=None),
        "calendar: a holiday has a name, no other day has",
        Severity.WARNING,
    ),
    (
        "a lane that flies",
        lambda t: t["lanes"][1].update(planned_minutes=20.0),
        "lanes: a lane's planned speed is 20 to 120 km/h, in at least 0.99 of the rows that can tell",
        Severity.WARNING,
    ),
    (
        "a lane that ends before it begins",
        lambda t: t["lanes"][1].update(valid_until_at=START - 100 * DAY),
        "lanes: valid_until_at is not before valid_from_at",
        Severity.CRITICAL,
    ),
    ("a lane in a circle", lambda t: t["lanes"][1].update(destination_hub_id="b"), "lanes: a lane leads elsewhere", Severity.WARNING),
    (
        "a hub that closed before it opened",
        lambda t: t["hubs"][1].update(closed_at=START - 100 * DAY),
        "hubs: closed_at is not before opened_at",
        Severity.CRITICAL,
    ),
    (
        "scans recorded before they occurred",
        lambda t: [row.update(occurred_at=row["recorded_at"] + DAY) for row in t["scan_events"][:4]],
        "scan_events: recorded_at is not before occurred_at, in at least 0.98 of the rows that can tell",
        Severity.WARNING,
    ),
    (
        "scans that are all late",
        lambda t: [row.update(occurred_at=row["recorded_at"] - DAY) for row in t["scan_events"][:20]],
        "scan_events: a scan is uploaded within 6 hours in 0.85 to 1 of the rows",
        Severity.WARNING,
    ),
    (
        "first attempts that nobody recorded",
        lambda t: [row.update(attempt_number=2) for row in t["delivery_attempts"][:2]],
        "delivery_attempts: attempts of a parcel are numbered from 1 without gaps, in at least 0.95 of the rows that can tell",
        Severity.WARNING,
    ),
    (
        "a failure without a reason",
        lambda t: t["delivery_attempts"][4].update(reason=None),
        "delivery_attempts: an attempt has a reason exactly where it failed, in at least 0.98 of the rows that can tell",
        Severity.WARNING,
    ),
    (
        "first attempts that all fail",
        lambda t: [row.update(outcome="failed", reason="refused") for row in t["delivery_attempts"][:10]],
        "delivery_attempts: the first attempt succeeds in 0.7 to 0.99 of the rows",
        Severity.WARNING,
    ),
    (
        "a claim before its parcel was due",
        lambda t: t["claims"][0].update(opened_at=t["parcels"][3]["ordered_at"]),
        "claims: a claim is opened after its parcel was delivered, sent back or promised, in at least 0.98 of the rows that can tell",
        Severity.WARNING,
    ),
    (
        "a decision that nobody took",
        lambda t: t["claims"][0].update(resolved_at=None),
        "claims: a claim has a decision exactly where it is resolved",
        Severity.CRITICAL,
    ),
    (
        "a rejection that pays",
        lambda t: t["claims"][0].update(resolution="rejected"),
        "claims: only a refund pays back, in at least 0.98 of the rows that can tell",
        Severity.WARNING,
    ),
    (
        "stock from nowhere",
        lambda t: t["stock_daily"][3].update(received_units_count=1),
        "stock_daily: opening and received less sold is closing",
        Severity.CRITICAL,
    ),
    (
        "stock that was gone overnight",
        lambda t: t["stock_daily"][3].update(opening_units_count=46, closing_units_count=45),
        "stock_daily: a day opens with what the day before closed with",
        Severity.CRITICAL,
    ),
    (
        "work that was done twice",
        lambda t: t["shifts_daily"][3].update(backlog_units_count=1),
        "shifts_daily: what is left is what was left, and came, less what was done",
        Severity.CRITICAL,
    ),
    (
        "people without a night",
        lambda t: t["shifts_daily"][3].update(worked_hours=99.0),
        "shifts_daily: nobody works more than 12 hours",
        Severity.WARNING,
    ),
    (
        "a roster of ghosts",
        lambda t: [row.update(planned_people_count=50) for row in t["shifts_daily"]],
        "shifts_daily: the median of people who came, of those planned is in [0.7, 1]",
        Severity.WARNING,
    ),
    (
        "addresses that lie nowhere",
        lambda t: [row.update(postal_area_id=None) for row in t["addresses"][:10]],
        "addresses: postal_area_id is known in 0.7 to 1 of the rows",
        Severity.WARNING,
    ),
]


def failed(results: list[CheckResult]) -> dict[str, Severity]:
    return {f"{result.table}: {result.claim}": result.severity for result in results if not result.passed}


@pytest.mark.parametrize(("plant", "claim", "severity"), [case[1:] for case in PLANTED], ids=[case[0] for case in PLANTED])
def test_a_planted_bad_row_fails_its_claim(
    landing_rows: Tables, as_landed: Any, context: Context, plant: Callable[[Tables], object], claim: str, severity: Severity
) -> None:
    table = claim.split(":")[0]
    plant(landing_rows)
    assert failed(check("landing", as_landed(landing_rows), context, only=[table]))[claim] is severity


def test_a_table_that_the_world_lacks_is_skipped_and_one_without_rows_is_asked_only_for_them(
    landing_rows: Tables, as_landed: Any, context: Context
) -> None:
    landing_rows["claims"].clear()
    tables = as_landed(landing_rows)
    del tables["scan_events"]
    results = check("landing", tables, context, only=["claims", "scan_events", "parcels"])
    assert {result.table for result in results} == {"claims", "parcels"}
    told = [result.claim for result in results if result.table == "claims"]
    assert told == ["columns and types are the declared ones", "there are rows", "claim_id is unique", "there are rows"]
    assert [result.severity for result in results if not result.passed] == [Severity.WARNING] * 2


def test_no_sample_shows_what_an_address_says(landing_rows: Tables, as_landed: Any, context: Context) -> None:
    landing_rows["addresses"][3].update(raw_text=" ")
    result = next(r for r in check("landing", as_landed(landing_rows), context, only=["addresses"]) if r.claim == "raw_text is not blank")
    assert (result.failing_rows, result.samples) == (1, [{"address_id": "d3"}])
