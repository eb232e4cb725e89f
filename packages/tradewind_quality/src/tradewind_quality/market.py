"""Claims about the landing tables of the market: traffic, outreach, creators and the calendar."""

from typing import Any

import pandas as pd

from tradewind_contracts.verdicts import Severity
from tradewind_quality.claims import Claim, Sight, each_row, not_before, share_between, true_where

_FUNNEL = ("impressions_count", "clicks_count", "carts_count", "orders_count", "units_count")


def claims() -> dict[str, tuple[Claim, ...]]:
    """The claims written by hand, by landing table."""
    return {"product_traffic": _traffic(), "outreach": _outreach(), "calendar": _calendar()}


def _traffic() -> tuple[Claim, ...]:
    def narrows(sight: Sight) -> "pd.Series[Any]":
        return (sight.rows["clicks_count"] <= sight.rows["impressions_count"]) & (sight.rows["carts_count"] <= sight.rows["clicks_count"])

    def shared(sight: Sight) -> "pd.Series[Any]":
        return (sight.rows["price"] + sight.rows["subsidy"] - sight.rows["list_price"]).abs() < 0.005

    def placed(sight: Sight) -> "pd.Series[Any]":
        return sight.rows["position_mean"].notna() == (sight.rows["impressions_count"] > 0)

    return (
        each_row("who clicks has seen it, who carts has clicked", _FUNNEL[:3], narrows, Severity.WARNING, at_least=0.99),
        each_row("an order has a unit or more", _FUNNEL[3:], lambda s: s.rows["units_count"] >= s.rows["orders_count"], Severity.WARNING),
        each_row("price and subsidy are the list price", ("price", "subsidy", "list_price"), shared, Severity.WARNING, at_least=0.99),
        each_row("a product that was shown has a position", ("position_mean", _FUNNEL[0]), placed, Severity.WARNING, at_least=0.99),
        share_between("the price is an experiment's", ("pricing_arm",), lambda s: s.rows["pricing_arm"] == "experiment", 0.0, 0.5),
    )


def _outreach() -> tuple[Claim, ...]:
    def one_party(sight: Sight) -> "pd.Series[Any]":
        return sight.rows["lead_id"].notna() != sight.rows["merchant_id"].notna()

    def withheld(sight: Sight) -> "pd.Series[Any]":
        return (sight.rows["arm"] == "control") == (sight.rows["channel"] == "none")

    def treated(sight: Sight) -> "pd.Series[Any]":
        return true_where(sight.rows["arm"] == "treatment", sight.rows["assignment"] == "randomised")

    return (
        each_row(
            "a contact is with a lead or a merchant, not both", ("lead_id", "merchant_id"), one_party, Severity.WARNING, at_least=0.99
        ),
        each_row(
            "a contact has a channel exactly where it was not withheld", ("arm", "channel"), withheld, Severity.WARNING, at_least=0.99
        ),
        not_before("responded_at", "sent_at"),
        share_between("of those drawn by lot, one is contacted", ("arm", "assignment"), treated, 0.2, 0.95),
    )


def _calendar() -> tuple[Claim, ...]:
    def whole(sight: Sight) -> "pd.Series[Any]":
        return sight.rows.groupby("date")["region"].transform("size") == sight.rows["region"].nunique()

    def named(sight: Sight) -> "pd.Series[Any]":
        return sight.rows["is_holiday"] == sight.rows["holiday"].notna()

    return (
        each_row("each day has every region", ("date", "region"), whole, Severity.WARNING),
        each_row("a holiday has a name, no other day has", ("is_holiday", "holiday"), named, Severity.WARNING),
        share_between("a day is a holiday", ("is_holiday",), lambda s: s.rows["is_holiday"], 0.0, 0.15),
        share_between("a day has a campaign", ("campaign",), lambda s: s.rows["campaign"].notna(), 0.0, 0.5),
    )
