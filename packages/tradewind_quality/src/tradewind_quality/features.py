"""Claims about feature tables and labels: they follow from names and from the design's rules of time."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from tradewind_contracts.verdicts import Severity
from tradewind_quality.claims import (
    Claim,
    Context,
    Sight,
    between,
    each_row,
    median_between,
    not_before,
    not_null,
    some_rows,
    true_where,
    unique,
)

DAY = 86_400
EVENT, CREATED = "event_timestamp", "created_timestamp"


def claims_of_features(table: str, columns: Iterable[str], context: Context) -> tuple[Claim, ...]:
    """The claims about the feature table ``table``.

    Ranges are read from the names (style: ``_count``, ``_share``): counts are not negative, shares in 0 to 1. All columns
    of one kind are one claim over all rows, so that a view of a million rows is checked in a fraction of a second.
    """
    names = list(columns)
    key = context.keys.get(table, ())
    rows = () if table in context.may_be_empty else (some_rows(),)
    found: list[Claim] = [*rows, *(not_null(name) for name in (EVENT, CREATED) if name in names)]
    if key:
        found.append(unique(key))
    if CREATED in names:
        found.append(_created_after_event(table, context))
    if EVENT in names:
        found.append(_not_stamped_ahead())
    counts = tuple(n for n in names if "_count" in n)
    shares = tuple(n for n in names if "_share" in n)
    if counts:
        found.append(_all_between(counts, 0, None, "counts are not negative"))
    if shares:
        found.append(_all_between(shares, 0, 1, "shares are in 0 to 1"))
    return tuple(found)


def claims_of_labels(columns: Iterable[str]) -> tuple[Claim, ...]:
    """The claims about a label table with event_timestamp, outcome_at, duration_days and observed_until_at."""
    names = set(columns)
    found: list[Claim] = [some_rows(), not_null(EVENT)]
    if {"outcome_at", "duration_days"} <= names:
        found += [
            between("duration_days", 0, None),
            not_before("outcome_at", EVENT),
            each_row("there is a duration exactly where there is an outcome", ("outcome_at", "duration_days"), _timed),
            each_row("duration_days is the time from the event to the outcome", (EVENT, "outcome_at", "duration_days"), _took),
            median_between("duration_days", ("duration_days",), lambda s: s.rows["duration_days"], 1, 30),
        ]
    if {"outcome_at", "observed_until_at"} <= names:
        found += [not_before("observed_until_at", "outcome_at"), not_before("observed_until_at", EVENT)]
    return tuple(found)


def _created_after_event(table: str, context: Context) -> Claim:
    lag = context.lags.get(table)
    text = "no row is created before its event" + (f" plus the publication lag of {int(lag.total_seconds() // 60)} minutes" if lag else "")

    def after(sight: Sight) -> "pd.Series[Any]":
        return sight.rows[CREATED] >= sight.rows[EVENT] + (lag or pd.Timedelta(0))

    return each_row(text, (EVENT, CREATED), after)


def _not_stamped_ahead() -> Claim:
    def known(sight: Sight) -> "pd.Series[Any]":
        return sight.rows[EVENT] <= pd.Timestamp(sight.context.known_until) + pd.Timedelta(days=1)

    return each_row("no row is stamped more than a day after the newest fact", (EVENT,), known)


def _all_between(columns: tuple[str, ...], least: float, greatest: float | None, text: str) -> Claim:
    def inside(sight: Sight) -> "pd.Series[Any]":
        outside = pd.Series(False, index=sight.rows.index)
        for name in columns:
            values = sight.rows[name]
            outside |= values < least
            if greatest is not None:
                outside |= values > greatest
        return ~outside

    return each_row(f"{text} ({', '.join(columns)})", columns, inside, Severity.CRITICAL)


def _timed(sight: Sight) -> "pd.Series[Any]":
    return sight.rows["outcome_at"].notna() == sight.rows["duration_days"].notna()


def _took(sight: Sight) -> "pd.Series[Any]":
    took = (sight.rows["outcome_at"] - sight.rows[EVENT]).dt.total_seconds() / DAY
    return true_where((took - sight.rows["duration_days"]).abs() < 1e-4, took.notna())
