"""Claims about the marts: what joins and sums must keep. Keys, nulls and relationships are dbt's tests."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from tradewind_contracts.verdicts import Severity
from tradewind_quality.claims import Claim, Sight, between, each_row, median_between, not_before, share_between, some_rows, true_where

DAY = 86_400


def claims() -> dict[str, tuple[Claim, ...]]:
    """The claims written by hand, by mart. Each mart is also checked for rows and a unique key."""
    return {
        "fct_parcels": _parcels(),
        "fct_orders": _orders(),
        "fct_order_items": (_one_row_per_item(),),
        "fct_delivery_milestones": _milestones(),
        "fct_reviews": (between("score", 1, 5),),
        "dim_merchants": (share_between("the merchant's place is known", ("lat",), lambda s: s.rows["lat"].notna(), 0.9, 1.0),),
        "dim_postal_areas": (some_rows(2),),
        "fct_scans": _scans(),
        "fct_parcel_legs": _legs(),
        "fct_delivery_attempts": (not_before("known_at", "attempted_at", Severity.WARNING, at_least=0.98),),
        "fct_claims": (between("delivered_to_opened_seconds", 0, None), between("resolution_seconds", 0, None)),
        "fct_outreach": (between("response_seconds", 0, None),),
        "fct_product_days": (share_between("the category is known", ("category",), lambda s: s.rows["category"].notna(), 0.9, 1.0),),
        "fct_stock_days": (between("closing_units_count", 0, None),),
        "fct_shift_days": (between("backlog_units_count", 0, None),),
    }


def _parcels() -> tuple[Claim, ...]:
    def delivered_is_timed(sight: Sight) -> "pd.Series[Any]":
        return sight.rows["delivery_seconds"].notna() == sight.rows["delivered_at"].notna()

    def took_so_long(sight: Sight) -> "pd.Series[Any]":
        took = (sight.rows["delivered_at"] - sight.rows["ordered_at"]).dt.total_seconds()
        return true_where((took - sight.rows["delivery_seconds"]).abs() <= 1, took.notna() & sight.rows["delivery_seconds"].notna())

    parts = ("approval_seconds", "handling_seconds", "transit_seconds", "delivery_seconds")
    return (
        *(between(part, 0, None) for part in parts),
        each_row("a delivered parcel has its time, no other has", ("delivered_at", "delivery_seconds"), delivered_is_timed),
        each_row(
            "delivery_seconds is the time from purchase to delivery", ("ordered_at", "delivered_at", "delivery_seconds"), took_so_long
        ),
        not_before("transit_known_at", "delivered_at"),
        not_before("transit_known_at", "handed_over_at"),
        not_before("handover_judged_at", "handed_over_at"),
        share_between("a delivered parcel is late", ("is_late",), _late, 0.0, 0.4),
        share_between("the lane is known", ("state_lane_id",), lambda s: s.rows["state_lane_id"].notna(), 0.95, 1.0),
        median_between("delivery in days", ("delivery_seconds",), lambda s: s.rows["delivery_seconds"].astype("float64") / DAY, 1, 30),
    )


def _orders() -> tuple[Claim, ...]:
    def is_sum(sight: Sight) -> "pd.Series[Any]":
        items = sight.tables["fct_order_items"]
        summed = sight.rows["order_id"].map(items.groupby("order_id")["price"].sum()).fillna(0.0)
        return (sight.rows["price"] - summed).abs() < 0.005

    def paid(sight: Sight) -> "pd.Series[Any]":
        due = sight.rows["price"] + sight.rows["freight"]
        return true_where((due - sight.rows["paid"]).abs() < 0.05, (sight.rows["items_count"] > 0) & (sight.rows["payments_count"] > 0))

    return (
        each_row(
            "price is the sum of the order's items", ("order_id", "price"), is_sum, elsewhere={"fct_order_items": ("order_id", "price")}
        ),
        each_row(
            "items and freight are what was paid, to 5 cents",
            ("price", "freight", "paid", "items_count", "payments_count"),
            paid,
            Severity.WARNING,
            at_least=0.99,
        ),
        not_before("delivered_at", "ordered_at"),
        share_between("an order has items", ("items_count",), lambda s: s.rows["items_count"] > 0, 0.95, 1.0),
    )


def _one_row_per_item() -> Claim:
    def unique(sight: Sight) -> "pd.Series[Any]":
        return ~sight.rows.duplicated(["order_id", "item_number"], keep=False)

    return each_row("joins add no item", ("order_id", "item_number"), unique)


def _milestones() -> tuple[Claim, ...]:
    def of_parcel(sight: Sight) -> "pd.Series[Any]":
        return sight.rows["parcel_id"].isin(sight.tables["fct_parcels"]["parcel_id"])

    return (
        not_before("known_at", "occurred_at"),
        each_row("each milestone is of a parcel", ("parcel_id",), of_parcel, elsewhere={"fct_parcels": ("parcel_id",)}),
    )


def _scans() -> tuple[Claim, ...]:
    def numbered(sight: Sight) -> "pd.Series[Any]":
        numbers = sight.rows.groupby("parcel_id")["scan_number"]
        return numbers.transform("max") == numbers.transform("size")

    def of(column: str) -> Callable[[Sight], "pd.Series[Any]"]:
        return lambda sight: sight.rows[column]

    return (
        between("scan_number", 1, None),
        each_row("scans of a parcel are numbered from 1 without gaps", ("parcel_id", "scan_number"), numbered),
        share_between("a scan was uploaded more than once", ("uploads_count",), lambda s: s.rows["uploads_count"] > 1, 0.0, 0.1),
        share_between("a scan's clock stands before that of one before it", ("is_out_of_order",), of("is_out_of_order"), 0.0, 0.05),
        share_between("a scan is uploaded late", ("is_late_upload",), of("is_late_upload"), 0.0, 0.15),
        share_between("a scan is missing before a scan", ("has_gap_before",), of("has_gap_before"), 0.0, 0.15),
    )


def _legs() -> tuple[Claim, ...]:
    def numbered(sight: Sight) -> "pd.Series[Any]":
        numbers = sight.rows.groupby("parcel_id")["leg_number"]
        return numbers.transform("max") == numbers.transform("size")

    def over_plan(sight: Sight) -> "pd.Series[Any]":
        minutes = sight.rows["planned_minutes"]
        return sight.rows["travel_seconds"].astype("float64") / 60 / minutes.where(minutes > 0)

    return (
        each_row("legs of a parcel are numbered from 1 without gaps", ("parcel_id", "leg_number"), numbered),
        between("dwell_seconds", 0, None),
        between("travel_seconds", 0, None),
        share_between("a leg has a lane", ("lane_id",), lambda s: s.rows["lane_id"].notna(), 0.9, 1.0),
        share_between("an end of a leg was not scanned", ("has_gap",), lambda s: s.rows["has_gap"], 0.0, 0.15),
        share_between("a parcel was diverted", ("is_diverted",), lambda s: s.rows["is_diverted"], 0.0, 0.1),
        # Chosen: around the median of 2.0 of actual to planned transit in Delhivery's public trip data.
        median_between("travel over plan", ("travel_seconds", "planned_minutes"), over_plan, 0.8, 4),
    )


def _late(sight: Sight) -> "pd.Series[Any]":
    return sight.rows["is_late"].eq(True)
