"""Claims about the landing tables of the network: hubs, lanes, scans, attempts, claims, and the work inside warehouses.

Critical claims are identities that hold by construction. Scanners and couriers err: what they say is bounded by shares, as warnings.
"""

from typing import Any

import pandas as pd

from tradewind_contracts.verdicts import Severity
from tradewind_quality.claims import Claim, Sight, each_row, median_between, not_before, share_between, true_where

LATE_UPLOAD_HOURS = 6
"""As ``late_upload_hours`` in dbt_project.yml, after which ``fct_scans`` marks an upload as late."""
LEAST_KM_PER_HOUR, GREATEST_KM_PER_HOUR = 20, 120
"""Planned speed of a lane. Chosen: what trucks do on city streets and on motorways."""
GREATEST_HOURS_PER_PERSON = 12
"""Hours that a person works on a day (chosen: a shift with overtime)."""


def claims() -> dict[str, tuple[Claim, ...]]:
    """The claims written by hand, by landing table."""
    return {
        "hubs": (not_before("closed_at", "opened_at"),),
        "warehouses": (not_before("closed_at", "opened_at"),),
        "addresses": (
            share_between("postal_area_id is known", ("postal_area_id",), lambda s: s.rows["postal_area_id"].notna(), 0.7, 1.0),
            each_row("raw_text is not blank", ("address_id", "raw_text"), lambda s: s.rows["raw_text"].str.strip() != "", Severity.WARNING),
        ),
        "lanes": _lanes(),
        "scan_events": _scans(),
        "delivery_attempts": _attempts(),
        "claims": _claims(),
        "stock_daily": _stock(),
        "shifts_daily": _shifts(),
    }


def _lanes() -> tuple[Claim, ...]:
    def plausible(sight: Sight) -> "pd.Series[Any]":
        minutes = sight.rows["planned_minutes"]
        speed = sight.rows["distance_km"] / (minutes / 60)
        return true_where(speed.between(LEAST_KM_PER_HOUR, GREATEST_KM_PER_HOUR), minutes > 0)

    text = f"a lane's planned speed is {LEAST_KM_PER_HOUR} to {GREATEST_KM_PER_HOUR} km/h"
    return (
        not_before("valid_until_at", "valid_from_at"),
        each_row(text, ("distance_km", "planned_minutes"), plausible, Severity.WARNING, at_least=0.99),
        each_row(
            "a lane leads elsewhere",
            ("origin_hub_id", "destination_hub_id"),
            lambda s: s.rows["origin_hub_id"] != s.rows["destination_hub_id"],
            Severity.WARNING,
        ),
    )


def _scans() -> tuple[Claim, ...]:
    def prompt(sight: Sight) -> "pd.Series[Any]":
        return (sight.rows["recorded_at"] - sight.rows["occurred_at"]) <= pd.Timedelta(hours=LATE_UPLOAD_HOURS)

    columns = ("occurred_at", "recorded_at")
    return (
        not_before("recorded_at", "occurred_at", Severity.WARNING, at_least=0.98),
        share_between(f"a scan is uploaded within {LATE_UPLOAD_HOURS} hours", columns, prompt, 0.85, 1.0),
    )


def _attempts() -> tuple[Claim, ...]:
    def numbered(sight: Sight) -> "pd.Series[Any]":
        attempts = sight.rows.groupby("parcel_id")["attempt_number"]
        return attempts.transform("max") == attempts.transform("size")

    def reasoned(sight: Sight) -> "pd.Series[Any]":
        return sight.rows["reason"].notna() == (sight.rows["outcome"] == "failed")

    def first_succeeds(sight: Sight) -> "pd.Series[Any]":
        return true_where(sight.rows["outcome"] == "delivered", sight.rows["attempt_number"] == 1)

    return (
        # The upload of an attempt may still be under way.
        each_row(
            "attempts of a parcel are numbered from 1 without gaps",
            ("parcel_id", "attempt_number"),
            numbered,
            Severity.WARNING,
            at_least=0.95,
        ),
        each_row("an attempt has a reason exactly where it failed", ("outcome", "reason"), reasoned, Severity.WARNING, at_least=0.98),
        not_before("recorded_at", "attempted_at", Severity.WARNING, at_least=0.98),
        share_between("the first attempt succeeds", ("attempt_number", "outcome"), first_succeeds, 0.7, 0.99),
    )


def _claims() -> tuple[Claim, ...]:
    def decided(sight: Sight) -> "pd.Series[Any]":
        return sight.rows["resolution"].notna() == sight.rows["resolved_at"].notna()

    def due(sight: Sight) -> "pd.Series[Any]":
        parcels = sight.tables["parcels"].drop_duplicates("parcel_id").set_index("parcel_id")
        ends = parcels[["delivered_at", "promised_at", "returned_at"]].min(axis=1)
        since = sight.rows["parcel_id"].map(ends)
        return true_where(sight.rows["opened_at"] >= since, since.notna())

    return (
        each_row("a claim has a decision exactly where it is resolved", ("resolution", "resolved_at"), decided),
        not_before("resolved_at", "opened_at"),
        each_row(
            "a claim is opened after its parcel was delivered, sent back or promised",
            ("parcel_id", "opened_at"),
            due,
            Severity.WARNING,
            {"parcels": ("parcel_id", "delivered_at", "promised_at", "returned_at")},
            at_least=0.98,
        ),
        each_row("only a refund pays back", ("resolution", "refund"), _refunded, Severity.WARNING, at_least=0.98),
    )


def _refunded(sight: Sight) -> "pd.Series[Any]":
    paid = sight.rows["refund"].fillna(0) > 0
    return ~paid | (sight.rows["resolution"] == "refunded")


def _stock() -> tuple[Claim, ...]:
    def closes(sight: Sight) -> "pd.Series[Any]":
        rows = sight.rows
        return rows["opening_units_count"] + rows["received_units_count"] - rows["sold_units_count"] == rows["closing_units_count"]

    def opens(sight: Sight) -> "pd.Series[Any]":
        closed, follows = day_before(sight.rows, ["warehouse_id", "product_id"], "closing_units_count")
        return true_where(sight.rows["opening_units_count"] == closed, follows)

    counts = ("opening_units_count", "received_units_count", "sold_units_count", "closing_units_count")
    return (
        each_row("opening and received less sold is closing", counts, closes),
        each_row("a day opens with what the day before closed with", ("warehouse_id", "product_id", "date", counts[0], counts[3]), opens),
        share_between("a product ran out", ("is_stocked_out",), lambda s: s.rows["is_stocked_out"], 0.0, 0.3),
    )


def _shifts() -> tuple[Claim, ...]:
    def adds_up(sight: Sight) -> "pd.Series[Any]":
        rows = sight.rows
        left, follows = day_before(rows, ["warehouse_id", "task"], "backlog_units_count")
        return true_where(left + rows["arrived_units_count"] - rows["done_units_count"] == rows["backlog_units_count"], follows)

    def humane(sight: Sight) -> "pd.Series[Any]":
        return sight.rows["worked_hours"] <= GREATEST_HOURS_PER_PERSON * sight.rows["present_people_count"]

    def came(sight: Sight) -> "pd.Series[Any]":
        return sight.rows["present_people_count"] / sight.rows["planned_people_count"].where(sight.rows["planned_people_count"] > 0)

    counts = ("arrived_units_count", "done_units_count", "backlog_units_count")
    return (
        each_row("what is left is what was left, and came, less what was done", ("warehouse_id", "task", "date", *counts), adds_up),
        each_row(
            f"nobody works more than {GREATEST_HOURS_PER_PERSON} hours", ("worked_hours", "present_people_count"), humane, Severity.WARNING
        ),
        median_between("people who came, of those planned", ("present_people_count", "planned_people_count"), came, 0.7, 1.0),
    )


def day_before(rows: pd.DataFrame, key: list[str], column: str) -> "tuple[pd.Series[Any], pd.Series[Any]]":
    """``column`` of the same key on the row's day before, and whether there is such a row. In the order of ``rows``."""
    ordered = rows.sort_values([*key, "date"], kind="stable")
    history = ordered.groupby(key, sort=False)
    follows = (ordered["date"] - history["date"].shift()) == pd.Timedelta(days=1)
    return history[column].shift().reindex(rows.index), follows.reindex(rows.index)
