"""Suites pass on good tables and each claim fails on the bad row that it is there for."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tradewind_contracts.verdicts import CheckResult, Severity
from tradewind_quality import Context, Stage, check
from tradewind_quality.claims import Claim, Expectation, Suite
from tradewind_quality.running import as_frame, run

Rows = list[dict[str, Any]]
Tables = dict[str, Rows]
DAY = dt.timedelta(days=1)
FAR = dt.datetime(2118, 1, 1, tzinfo=dt.UTC)


def failed(results: list[CheckResult]) -> list[str]:
    return [f"{result.table}: {result.claim}" for result in results if not result.passed]


def arrow(tables: Tables) -> dict[str, pa.Table]:
    return {name: pa.Table.from_pylist(rows) for name, rows in tables.items()}


LANDING: list[tuple[str, Callable[[Tables], object], str, Severity]] = [
    (
        "a null",
        lambda t: t["orders"][3].update(source_status=None, flags=None),
        "orders: order_id, customer_id, ordered_at, flags are never null",
        Severity.CRITICAL,
    ),
    ("a repeated key", lambda t: t["orders"].append(dict(t["orders"][3])), "orders: order_id is unique", Severity.CRITICAL),
    (
        "a repeated compound key",
        lambda t: t["payments"].append(dict(t["payments"][3])),
        "payments: order_id and payment_number together are unique",
        Severity.CRITICAL,
    ),
    (
        "a word that is not allowed",
        lambda t: t["payments"][3].update(method="cheque"),
        "payments: method is one of credit_card, boleto, voucher, debit_card, not_defined",
        Severity.CRITICAL,
    ),
    ("a number out of range", lambda t: t["reviews"][3].update(score=6), "reviews: score is in [1, 5]", Severity.CRITICAL),
    (
        "an orphan",
        lambda t: t["order_items"][3].update(product_id="nobody's"),
        "order_items: product_id stands in products.product_id",
        Severity.CRITICAL,
    ),
    (
        "an optional reference that is neither known nor flagged",
        lambda t: t["deals"][0].update(merchant_id="unseen"),
        "deals: merchant_id stands in merchants.merchant_id, or the row is flagged",
        Severity.WARNING,
    ),
    (
        "a changed_at that is not the newest",
        lambda t: t["orders"][3].update(changed_at=t["orders"][3]["ordered_at"]),
        "orders: changed_at is the newest of ordered_at, approved_at, cancelled_at",
        Severity.CRITICAL,
    ),
    (
        "malformed flags",
        lambda t: t["orders"][3].update(flags="Odd One"),
        "orders: flags are names joined by semicolons",
        Severity.CRITICAL,
    ),
    (
        "an instant in the future",
        lambda t: t["parcels"][3].update(delivered_at=FAR, changed_at=FAR),
        "parcels: no milestone lies in the future",
        Severity.CRITICAL,
    ),
    ("an empty table", lambda t: t["orders"].clear(), "orders: there are rows", Severity.CRITICAL),
    ("an empty table that a young world may not have filled yet", lambda t: t["leads"].clear(), "leads: there are rows", Severity.WARNING),
    (
        "a price that is not its items'",
        lambda t: t["parcels"][3].update(price=Decimal("10.01")),
        "parcels: price is the sum of its items' prices",
        Severity.CRITICAL,
    ),
    (
        "a copy that is known too early",
        lambda t: t["order_items"][3].update(approved_at=t["orders"][3]["ordered_at"], changed_at=t["orders"][3]["ordered_at"]),
        "order_items: approved_at is the order's",
        Severity.CRITICAL,
    ),
    (
        "a delivery before its purchase",
        lambda t: t["parcels"][3].update(delivered_at=t["parcels"][3]["ordered_at"] - DAY),
        "parcels: delivered_at is not before ordered_at",
        Severity.CRITICAL,
    ),
    (
        "an area abroad",
        lambda t: t["postal_areas"][0].update(lat=48.8, lng=2.3),
        "postal_areas: areas lie inside the world's country",
        Severity.CRITICAL,
    ),
    (
        "payments that do not cover",
        lambda t: t["payments"][3].update(amount=Decimal("1.00")),
        "payments: payments of an order sum to its items and freight, to 5 cents, in at least 0.99 of the rows that can tell",
        Severity.WARNING,
    ),
    (
        "a gap in item numbers",
        lambda t: t["order_items"][3].update(item_number=2),
        "order_items: items of an order are numbered from 1 without gaps",
        Severity.WARNING,
    ),
    (
        "orders that stopped",
        lambda t: [row.update(ordered_at=row["ordered_at"] - 60 * DAY) for row in t["orders"]],
        "orders: orders are fresh: the newest lies at most 7 days before the newest fact",
        Severity.WARNING,
    ),
    (
        "parcels that are never delivered",
        lambda t: [row.update(delivered_at=None) for row in t["parcels"][:15]],
        "parcels: delivered_at is known in 0.5 to 1 of the rows",
        Severity.WARNING,
    ),
]


def test_good_landing_tables_pass_every_claim(landing_rows: Tables, as_landed: Any, context: Context) -> None:
    results = check("landing", as_landed(landing_rows), context)
    # The newest order is 17 days older than the newest fact of this small world: the one claim that it can't keep.
    assert failed(results) == ["orders: orders are fresh: the newest lies at most 7 days before the newest fact"]
    assert {result.table for result in results} == set(landing_rows)


@pytest.mark.parametrize(("plant", "claim", "severity"), [case[1:] for case in LANDING], ids=[case[0] for case in LANDING])
def test_a_planted_bad_row_fails_its_claim(
    landing_rows: Tables, as_landed: Any, context: Context, plant: Callable[[Tables], object], claim: str, severity: Severity
) -> None:
    plant(landing_rows)
    results = check("landing", as_landed(landing_rows), context, only=[claim.split(":")[0]])
    assert claim in failed(results)
    assert next(r.severity for r in results if f"{r.table}: {r.claim}" == claim) is severity


def test_a_column_of_another_type_fails_and_shows_both_types(landing_rows: Tables, as_landed: Any, context: Context) -> None:
    tables = as_landed(landing_rows)
    schema = tables["products"].schema
    position = schema.get_field_index("weight_g")
    tables["products"] = tables["products"].cast(schema.set(position, pa.field("weight_g", pa.float64())))
    result = next(r for r in check("landing", tables, context, only=["products"]) if r.claim.startswith("columns and types"))
    assert not result.passed
    assert result.samples == [{"found": "weight_g double", "declared": "weight_g int64"}]


def test_a_claim_whose_column_is_absent_has_failed(landing_rows: Tables, as_landed: Any, context: Context) -> None:
    tables = as_landed(landing_rows)
    tables["orders"] = tables["orders"].drop_columns(["customer_id"])
    results = check("landing", tables, context, only=["orders"])
    observed = {r.claim: r.observed for r in results if not r.passed}
    assert observed["customer_id stands in customers.customer_id"] == "not evaluated: no column orders.customer_id"
    assert any(claim.startswith("columns and types") for claim in observed)


def test_failing_rows_are_counted_and_at_most_five_are_shown_with_their_key(landing_rows: Tables, as_landed: Any, context: Context) -> None:
    for row in landing_rows["reviews"][:8]:
        row["score"] = 0
    result = next(r for r in check("landing", as_landed(landing_rows), context, only=["reviews"]) if r.claim == "score is in [1, 5]")
    assert (result.rows, result.failing_rows, len(result.samples)) == (20, 8, 5)
    assert result.samples[0] == {"review_id": "r0", "order_id": "o0", "score": 0}


def test_direct_personal_data_never_stands_in_a_sample(context: Context) -> None:
    table = pa.table({"id": ["a", "b"], "phone": ["123", None]})
    claim = Claim("phone is never null", Expectation("ExpectColumnValuesToNotBeNull", {"column": "phone"}), ("phone",))
    suite = Suite("s", "people", (claim,), ("id",), frozenset({"phone"}))
    (result,) = run(suite, {"people": table.schema}, {"people": as_frame(table)}, context, None)
    assert result.samples == [{"id": "b"}]


def test_an_expectation_that_can_not_be_evaluated_is_an_error_and_not_a_pass(context: Context) -> None:
    table = pa.table({"id": ["a", "b"]})
    claim = Claim("impossible", Expectation("ExpectColumnMeanToBeBetween", {"column": "id", "min_value": 0}), ("id",))
    with pytest.raises(ValueError, match="could not be evaluated"):
        run(Suite("s", "t", (claim,)), {"t": table.schema}, {"t": as_frame(table)}, context, None)


DOWNSTREAM: list[tuple[str, Stage, Callable[[Tables], object], str]] = [
    ("a negative time", "marts", lambda t: t["fct_parcels"][3].update(transit_seconds=-1), "fct_parcels: transit_seconds is in [0, ∞]"),
    (
        "a time that is not the one between its ends",
        "marts",
        lambda t: t["fct_parcels"][3].update(delivery_seconds=5),
        "fct_parcels: delivery_seconds is the time from purchase to delivery",
    ),
    (
        "a fact known before it happens",
        "marts",
        lambda t: t["fct_parcels"][3].update(transit_known_at=t["fct_parcels"][3]["handed_over_at"]),
        "fct_parcels: transit_known_at is not before delivered_at",
    ),
    (
        "a fan-out of a join",
        "marts",
        lambda t: t["fct_order_items"].append(dict(t["fct_order_items"][3])),
        "fct_orders: price is the sum of the order's items",
    ),
    (
        "a milestone of nobody's parcel",
        "marts",
        lambda t: t["fct_delivery_milestones"][3].update(parcel_id="x"),
        "fct_delivery_milestones: each milestone is of a parcel",
    ),
    (
        "a scan that is missing from its parcel's life",
        "marts",
        lambda t: t["fct_scans"].pop(2),
        "fct_scans: scans of a parcel are numbered from 1 without gaps",
    ),
    (
        "scans with gaps everywhere",
        "marts",
        lambda t: [row.update(has_gap_before=True) for row in t["fct_scans"][:10]],
        "fct_scans: a scan is missing before a scan in 0 to 0.15 of the rows",
    ),
    (
        "a leg twice",
        "marts",
        lambda t: t["fct_parcel_legs"].append(dict(t["fct_parcel_legs"][3])),
        "fct_parcel_legs: legs of a parcel are numbered from 1 without gaps",
    ),
    (
        "lanes that nobody planned",
        "marts",
        lambda t: [row.update(lane_id=None) for row in t["fct_parcel_legs"][:5]],
        "fct_parcel_legs: a leg has a lane in 0.9 to 1 of the rows",
    ),
    (
        "travel in no time",
        "marts",
        lambda t: [row.update(travel_seconds=60) for row in t["fct_parcel_legs"]],
        "fct_parcel_legs: the median of travel over plan is in [0.8, 4]",
    ),
    (
        "a decision before its claim",
        "marts",
        lambda t: t["fct_claims"][0].update(resolution_seconds=-1),
        "fct_claims: resolution_seconds is in [0, ∞]",
    ),
    ("an empty mart", "marts", lambda t: t["fct_delivery_milestones"].clear(), "fct_delivery_milestones: there are rows"),
    (
        "a row created before its event",
        "features",
        lambda t: t["ftr_merchant__handling_30d"][3].update(created_timestamp=t["ftr_merchant__handling_30d"][3]["event_timestamp"]),
        "ftr_merchant__handling_30d: no row is created before its event plus the publication lag of 60 minutes",
    ),
    (
        "two rows of one entity and day",
        "features",
        lambda t: t["ftr_merchant__handling_30d"].append(dict(t["ftr_merchant__handling_30d"][3])),
        "ftr_merchant__handling_30d: merchant_id and event_timestamp together are unique",
    ),
    (
        "a share in percent",
        "features",
        lambda t: t["ftr_merchant__handling_30d"][3].update(late_share_30d=25.0),
        "ftr_merchant__handling_30d: shares are in 0 to 1 (late_share_30d)",
    ),
    (
        "a negative count",
        "features",
        lambda t: t["ftr_merchant__handling_30d"][3].update(parcels_count_30d=-1),
        "ftr_merchant__handling_30d: counts are not negative (parcels_count_30d)",
    ),
    (
        "a row stamped ahead",
        "features",
        lambda t: t["ftr_merchant__handling_30d"][3].update(event_timestamp=FAR, created_timestamp=FAR + DAY),
        "ftr_merchant__handling_30d: no row is stamped more than a day after the newest fact",
    ),
    (
        "a negative duration",
        "features",
        lambda t: t["lbl_parcel__delivery"][3].update(duration_days=-1.0),
        "lbl_parcel__delivery: duration_days is in [0, ∞]",
    ),
    (
        "an outcome without duration",
        "features",
        lambda t: t["lbl_parcel__delivery"][3].update(duration_days=None),
        "lbl_parcel__delivery: there is a duration exactly where there is an outcome",
    ),
    (
        "an outcome that nobody can have seen",
        "features",
        lambda t: t["lbl_parcel__delivery"][3].update(outcome_at=FAR),
        "lbl_parcel__delivery: observed_until_at is not before outcome_at",
    ),
    (
        "an entity row after as_of",
        "training_set",
        lambda t: t["training_set"][3].update(event_timestamp=FAR),
        "training_set: no entity row at or after as_of (2018-04-01T03:00:00+00:00)",
    ),
    (
        "an outcome after as_of",
        "training_set",
        lambda t: t["training_set"][3].update(outcome_at=FAR),
        "training_set: no outcome at or after as_of",
    ),
    (
        "an entity row twice",
        "training_set",
        lambda t: t["training_set"].append(dict(t["training_set"][3])),
        "training_set: parcel_id is unique",
    ),
    (
        "a feature from the future",
        "training_set",
        lambda t: t["training_set"][3].update(merchant_handling_30d__age_hours=-0.5),
        "training_set: merchant_handling_30d__age_hours is in [0, ∞]",
    ),
    (
        "a cold store",
        "training_set",
        lambda t: [row.update(merchant_handling_30d__age_hours=None) for row in t["training_set"][:15]],
        "training_set: the view merchant_handling_30d is absent or expired in 0 to 0.5 of the rows",
    ),
]


def test_a_mart_that_may_be_empty_and_is_keeps_its_claims(mart_rows: Tables, context: Context) -> None:
    tables = arrow(mart_rows)
    tables |= {name: tables[name].slice(0, 0) for name in ("fct_scans", "fct_parcel_legs")}
    empty = replace(context, may_be_empty=frozenset({"fct_scans", "fct_parcel_legs"}))
    assert failed(check("marts", tables, empty)) == []
    assert failed(check("marts", tables, context, only=["fct_scans"])) == ["fct_scans: there are rows"]


@pytest.mark.parametrize("stage", ["marts", "features", "training_set"])
def test_good_tables_downstream_pass_every_claim(request: pytest.FixtureRequest, context: Context, stage: Stage) -> None:
    tables: Tables = request.getfixturevalue({"marts": "mart_rows", "features": "feature_rows", "training_set": "training_rows"}[stage])
    results = check(stage, arrow(tables), context)
    assert failed(results) == []
    assert len(results) > 5


@pytest.mark.parametrize(("stage", "plant", "claim"), [case[1:] for case in DOWNSTREAM], ids=[case[0] for case in DOWNSTREAM])
def test_a_planted_bad_row_downstream_fails_its_claim(
    request: pytest.FixtureRequest, context: Context, stage: Stage, plant: Callable[[Tables], object], claim: str
) -> None:
    tables: Tables = request.getfixturevalue({"marts": "mart_rows", "features": "feature_rows", "training_set": "training_rows"}[stage])
    whole = arrow(tables)
    plant(tables)
    assert claim in failed(
        check(stage, {name: pa.Table.from_pylist(rows, schema=whole[name].schema) for name, rows in tables.items()}, context)
    )


def test_the_order_of_rows_changes_no_result(landing_rows: Tables, as_landed: Any, context: Context) -> None:
    landing_rows["parcels"][3]["price"] = Decimal("6.00")
    first = check("landing", as_landed(landing_rows), context, only=["parcels", "order_items"])
    second = check(
        "landing", as_landed({name: rows[::-1] for name, rows in landing_rows.items()}), context, only=["parcels", "order_items"]
    )
    assert [r.model_dump() for r in first] == [r.model_dump() for r in second]
    assert sum(not r.passed for r in first) == 1


def test_results_are_plain_json(landing_rows: Tables, as_landed: Any, context: Context) -> None:
    for result in check("landing", as_landed(landing_rows), context, only=["orders", "parcels"]):
        assert json.loads(result.model_dump_json())["claim"] == result.claim


def test_evaluation_writes_nothing_to_the_terminal(
    landing_rows: Tables, as_landed: Any, context: Context, capfd: pytest.CaptureFixture[str]
) -> None:
    check("landing", as_landed(landing_rows), context, only=["orders"])
    assert capfd.readouterr() == ("", "")
