"""Claims about the landing tables that no declaration can say: accounting, order of milestones, plausible shares and spans.

Critical claims are identities that hold by construction; a breach means that landing is wrong. Plausibility is a
warning: the world may change. Bounds were chosen with room around the public Olist data (as of July 2018), and are wide enough for
a marketplace with other habits. Tables that only some sources have stand in ``market`` and ``network``.
"""

from typing import Any

import pandas as pd

from tradewind_contracts.verdicts import Severity
from tradewind_quality import market, network
from tradewind_quality.claims import Claim, Sight, each_row, median_between, not_before, share_between, true_where

SUITE = "is_plausible"

DAY = 86_400
BOXES: dict[str, tuple[float, float, float, float]] = {"BR": (-34.0, 6.0, -74.0, -28.0)}
"""Latitude and longitude that hold a country with its islands, in degrees: least and greatest of each (chosen: rounded outwards)."""


def claims() -> dict[str, tuple[Claim, ...]]:
    """The claims written by hand, by landing table."""
    return {
        "orders": _orders(),
        "order_items": _order_items(),
        "parcels": _parcels(),
        "payments": _payments(),
        "reviews": _reviews(),
        "postal_areas": (_inside_the_country(),),
        "customers": (not_before("last_ordered_at", "first_ordered_at"),),
        "products": (share_between("weight_g is known", ("weight_g",), lambda s: s.rows["weight_g"].notna(), 0.95, 1.0),),
        "deals": (_won_after_contact(),),
        **market.claims(),
        **network.claims(),
    }


def _orders() -> tuple[Claim, ...]:
    return (
        not_before("approved_at", "ordered_at", Severity.WARNING, at_least=0.99),
        not_before("promised_at", "ordered_at", Severity.WARNING, at_least=0.99),
        share_between("approved_at is known", ("approved_at",), lambda s: s.rows["approved_at"].notna(), 0.95, 1.0),
        median_between("days from purchase to promise", ("promised_at", "ordered_at"), _days("promised_at", "ordered_at"), 3, 60),
        each_row(
            "orders are fresh: the newest lies at most 7 days before the newest fact",
            ("ordered_at",),
            lambda s: pd.Series(
                s.rows["ordered_at"].max() >= pd.Timestamp(s.context.known_until) - pd.Timedelta(days=7), index=s.rows.index
            ),
            Severity.WARNING,
        ),
    )


def _order_items() -> tuple[Claim, ...]:
    def numbered(sight: Sight) -> "pd.Series[Any]":
        items = sight.rows.groupby("order_id")["item_number"]
        return items.transform("max") <= items.transform("size")

    return (
        each_row("items of an order are numbered from 1 without gaps", ("order_id", "item_number"), numbered, Severity.WARNING),
        share_between("price is above 0", ("price",), lambda s: s.rows["price"] > 0, 0.99, 1.0),
        median_between("freight as a share of price", ("freight", "price"), lambda s: s.rows["freight"] / s.rows["price"], 0.02, 1.0),
        _copied("ordered_at"),
        _copied("approved_at"),
    )


def _parcels() -> tuple[Claim, ...]:
    return (
        each_row("an order has one parcel per merchant", ("order_id", "merchant_id"), _one_per_merchant),
        each_row(
            "price is the sum of its items' prices", ("order_id", "merchant_id", "price"), _sum_of_items("price"), elsewhere=_items("price")
        ),
        each_row(
            "freight is the sum of its items' freight",
            ("order_id", "merchant_id", "freight"),
            _sum_of_items("freight"),
            elsewhere=_items("freight"),
        ),
        _copied("ordered_at"),
        _copied("approved_at"),
        not_before("delivered_at", "ordered_at"),
        not_before("delivered_at", "handed_over_at", Severity.WARNING, at_least=0.99),
        not_before("handed_over_at", "ordered_at", Severity.WARNING, at_least=0.99),
        not_before("handed_over_at", "approved_at", Severity.WARNING, at_least=0.95),
        share_between("delivered_at is known", ("delivered_at",), lambda s: s.rows["delivered_at"].notna(), 0.5, 1.0),
        median_between("days from purchase to delivery", ("delivered_at", "ordered_at"), _days("delivered_at", "ordered_at"), 1, 30),
        each_row("a delivery takes at most 250 days", ("delivered_at", "ordered_at"), _within_days(250), Severity.WARNING),
    )


def _payments() -> tuple[Claim, ...]:
    def covers(sight: Sight) -> "pd.Series[Any]":
        paid = sight.rows.groupby("order_id")["amount"].transform("sum")
        items = sight.tables["order_items"]
        due = sight.rows["order_id"].map((items["price"] + items["freight"]).groupby(items["order_id"]).sum())
        return true_where((paid - due).abs() < 0.05, due.notna())

    text = "payments of an order sum to its items and freight, to 5 cents"
    elsewhere = {"order_items": ("order_id", "price", "freight")}
    return (each_row(text, ("order_id", "amount"), covers, Severity.WARNING, elsewhere, at_least=0.99),)


def _reviews() -> tuple[Claim, ...]:
    def scored(sight: Sight) -> "pd.Series[Any]":
        return (sight.rows["score"].isna() | sight.rows["answered_at"].notna()) | (sight.rows["flags"] != "")

    return (
        each_row("a score is answered, or the row is flagged", ("score", "answered_at", "flags"), scored, Severity.WARNING),
        not_before("answered_at", "asked_at", Severity.WARNING, at_least=0.99),
        median_between("score", ("score",), lambda s: s.rows["score"].astype("float64"), 3, 5),
    )


def _inside_the_country() -> Claim:
    def inside(sight: Sight) -> "pd.Series[Any]":
        south, north, west, east = BOXES.get(sight.context.country, (-90.0, 90.0, -180.0, 180.0))
        return sight.rows["lat"].between(south, north) & sight.rows["lng"].between(west, east)

    return each_row("areas lie inside the world's country", ("lat", "lng"), inside)


def _won_after_contact() -> Claim:
    def after(sight: Sight) -> "pd.Series[Any]":
        leads = sight.tables["leads"]
        contacted = sight.rows["lead_id"].map(leads.set_index("lead_id")["contacted_at"])
        return true_where(sight.rows["won_at"] >= contacted, contacted.notna())

    elsewhere = {"leads": ("lead_id", "contacted_at")}
    return each_row("a deal is won after its lead was contacted", ("lead_id", "won_at"), after, Severity.WARNING, elsewhere, at_least=0.99)


def _copied(column: str) -> Claim:
    """The instant is its order's: a copy that differs would make a fact known too early."""

    def same(sight: Sight) -> "pd.Series[Any]":
        orders = sight.tables["orders"]
        wanted = sight.rows["order_id"].map(orders.drop_duplicates("order_id").set_index("order_id")[column])
        found = sight.rows[column]
        return (found == wanted) | (found.isna() & wanted.isna())

    return each_row(f"{column} is the order's", ("order_id", column), same, elsewhere={"orders": ("order_id", column)})


def _one_per_merchant(sight: Sight) -> "pd.Series[Any]":
    return ~sight.rows.duplicated(["order_id", "merchant_id"], keep=False)


def _items(column: str) -> dict[str, tuple[str, ...]]:
    return {"order_items": ("order_id", "merchant_id", column)}


def _sum_of_items(column: str) -> Any:
    def same(sight: Sight) -> "pd.Series[Any]":
        sums = sight.tables["order_items"].groupby(["order_id", "merchant_id"])[column].sum().rename("summed").reset_index()
        joined = sight.rows[["order_id", "merchant_id", column]].merge(sums, on=["order_id", "merchant_id"], how="left")
        close = (joined[column] - joined["summed"]).abs() < 0.005
        return pd.Series(close.to_numpy(), index=sight.rows.index)

    return same


def _days(later: str, earlier: str) -> Any:
    return lambda sight: (sight.rows[later] - sight.rows[earlier]).dt.total_seconds() / DAY


def _within_days(days: float) -> Any:
    def within(sight: Sight) -> "pd.Series[Any]":
        took = _days("delivered_at", "ordered_at")(sight)
        return true_where(took <= days, took.notna())

    return within
