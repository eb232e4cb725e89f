"""Claims about the marts: what joins and sums must keep. Keys, nulls and relationships are dbt's tests."""

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


def _late(sight: Sight) -> "pd.Series[Any]":
    return sight.rows["is_late"].eq(True)
