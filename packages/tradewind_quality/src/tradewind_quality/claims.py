"""What a claim is: a sentence about a table, the Great Expectations expectation that proves it, and how bad a breach is."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tradewind_contracts.verdicts import Severity

WITNESS = "claim_holds"
"""Stands in an expectation for the column that the claim's ``witness`` computes."""


@dataclass(frozen=True)
class Context:
    """What suites need to know of the world beside the rows. Instants are UTC.

    ``as_of`` is the world's clock, ``known_until`` the newest instant that landed of orders and parcels, ``today`` the
    wall's clock: a milestone after it can't have happened. ``keys`` gives the key of tables that are not declared in
    contracts (dbt models), ``may_be_empty`` those of them that a source may leave without rows, ``hidden`` their columns that no
    sample may show, ``lags`` the publication lag of each feature table.
    """

    as_of: dt.datetime
    known_until: dt.datetime
    today: dt.datetime
    country: str = ""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    may_be_empty: frozenset[str] = frozenset()
    lags: Mapping[str, dt.timedelta] = field(default_factory=dict)
    hidden: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Sight:
    """What a witness may look at: the claim's own columns, those of other tables that it names, and the context."""

    rows: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    context: Context


@dataclass(frozen=True)
class Expectation:
    """A Great Expectations expectation, named and not yet built: its class and arguments."""

    kind: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Claim:
    """One sentence about a table.

    ``columns`` are those that it reads; they are shown in samples of rows that break it. ``elsewhere`` are columns of
    other tables that the witness reads. ``witness`` computes a column of numbers or booleans (aligned with the rows) that
    the expectation speaks of as ``WITNESS``: for what no expectation can say alone.
    """

    text: str
    expectation: Expectation
    columns: tuple[str, ...] = ()
    severity: Severity = Severity.CRITICAL
    witness: Callable[[Sight], "pd.Series[Any]"] | None = None
    elsewhere: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    of_schema: bool = False
    """The claim is about the columns' Arrow types, not the rows."""


@dataclass(frozen=True)
class Suite:
    """The claims about one table that are checked together. ``key`` identifies rows in samples; ``hidden`` never shows."""

    name: str
    table: str
    claims: tuple[Claim, ...]
    key: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()


def not_null(*columns: str) -> Claim:
    """Each of ``columns`` has a value in every row."""
    if len(columns) == 1:
        return Claim(f"{columns[0]} is never null", Expectation("ExpectColumnValuesToNotBeNull", {"column": columns[0]}), columns)

    def known(sight: Sight) -> "pd.Series[Any]":
        return sight.rows[list(columns)].notna().all(axis=1)

    return each_row(f"{', '.join(columns)} are never null", columns, known)


def unique(key: tuple[str, ...]) -> Claim:
    """No two rows share ``key``."""
    text = f"{' and '.join(key)} {'is' if len(key) == 1 else 'together are'} unique"
    if len(key) == 1:
        return Claim(text, Expectation("ExpectColumnValuesToBeUnique", {"column": key[0]}), key)
    return Claim(text, Expectation("ExpectCompoundColumnsToBeUnique", {"column_list": list(key)}), key)


def between(column: str, least: float | None, greatest: float | None, severity: Severity = Severity.CRITICAL) -> Claim:
    """Values of ``column`` lie in [least, greatest]; nulls pass."""
    text = f"{column} is in [{'-∞' if least is None else least}, {'∞' if greatest is None else greatest}]"
    arguments = {"column": column, "min_value": least, "max_value": greatest}
    return Claim(text, Expectation("ExpectColumnValuesToBeBetween", arguments), (column,), severity)


def one_of(column: str, allowed: tuple[str, ...]) -> Claim:
    """Values of ``column`` are among ``allowed``; nulls pass."""
    expectation = Expectation("ExpectColumnValuesToBeInSet", {"column": column, "value_set": list(allowed)})
    return Claim(f"{column} is one of {', '.join(allowed)}", expectation, (column,))


def some_rows(least: int = 1, severity: Severity = Severity.CRITICAL) -> Claim:
    """The table has at least ``least`` rows."""
    text = "there are rows" if least == 1 else f"there are at least {least} rows"
    return Claim(text, Expectation("ExpectTableRowCountToBeBetween", {"min_value": least}), (), severity)


def each_row(
    text: str,
    columns: tuple[str, ...],
    holds: Callable[[Sight], "pd.Series[Any]"],
    severity: Severity = Severity.CRITICAL,
    elsewhere: Mapping[str, tuple[str, ...]] | None = None,
    at_least: float = 1.0,
) -> Claim:
    """``holds`` is true in at least the share ``at_least`` of the rows; rows where it is null are left out of the count."""
    expectation = Expectation("ExpectColumnValuesToBeInSet", {"column": WITNESS, "value_set": [1.0], "mostly": at_least})
    share = "" if at_least == 1.0 else f", in at least {at_least:.3g} of the rows that can tell"
    return Claim(text + share, expectation, columns, severity, holds, elsewhere or {})


def share_between(text: str, columns: tuple[str, ...], holds: Callable[[Sight], "pd.Series[Any]"], least: float, greatest: float) -> Claim:
    """A warning unless the share of rows where ``holds`` is true lies in [least, greatest]."""
    expectation = Expectation("ExpectColumnMeanToBeBetween", {"column": WITNESS, "min_value": least, "max_value": greatest})
    full = f"{text} in {least:.3g} to {greatest:.3g} of the rows"
    return Claim(full, expectation, columns, Severity.WARNING, lambda sight: holds(sight).astype("float64"))


def median_between(text: str, columns: tuple[str, ...], value: Callable[[Sight], "pd.Series[Any]"], least: float, greatest: float) -> Claim:
    """A warning unless the median of ``value`` lies in [least, greatest]."""
    expectation = Expectation("ExpectColumnMedianToBeBetween", {"column": WITNESS, "min_value": least, "max_value": greatest})
    return Claim(f"the median of {text} is in [{least:g}, {greatest:g}]", expectation, columns, Severity.WARNING, value)


def not_before(later: str, earlier: str, severity: Severity = Severity.CRITICAL, at_least: float = 1.0) -> Claim:
    """``later`` is at or after ``earlier`` where both are known."""

    def ordered(sight: Sight) -> "pd.Series[Any]":
        both = sight.rows[later].notna() & sight.rows[earlier].notna()
        return true_where(sight.rows[later] >= sight.rows[earlier], both)

    return each_row(f"{later} is not before {earlier}", (later, earlier), ordered, severity, at_least=at_least)


def refers(column: str, table: str, to: str, severity: Severity = Severity.CRITICAL, at_least: float = 1.0) -> Claim:
    """Each value of ``column`` stands in ``table``.``to``; nulls pass."""

    def known(sight: Sight) -> "pd.Series[Any]":
        return true_where(sight.rows[column].isin(sight.tables[table][to]), sight.rows[column].notna())

    return each_row(f"{column} stands in {table}.{to}", (column,), known, severity, {table: (to,)}, at_least)


def true_where(holds: "pd.Series[Any]", counted: "pd.Series[Any]") -> "pd.Series[Any]":
    """``holds`` as 1 and 0, null where a row is not ``counted``: expectations skip nulls."""
    values = holds.to_numpy(dtype="float64", na_value=0.0, copy=True)
    values[~counted.to_numpy(dtype=bool)] = np.nan
    return pd.Series(values, index=holds.index)
