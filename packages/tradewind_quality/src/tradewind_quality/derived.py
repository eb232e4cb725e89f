"""Suites that follow from a landing table's declaration: nobody writes these claims by hand."""

import re
from typing import Any

import numpy as np
import pandas as pd

from tradewind_contracts.tables import Column, PersonalData, Reference, Table
from tradewind_contracts.verdicts import Severity
from tradewind_quality.claims import (
    WITNESS,
    Claim,
    Expectation,
    Sight,
    Suite,
    between,
    each_row,
    not_null,
    one_of,
    refers,
    some_rows,
    true_where,
    unique,
)

_FLAGS = re.compile(r"(?:[a-z][a-z0-9_]*(?:;[a-z][a-z0-9_]*)*)?")

SUITE = "keeps_its_declaration"

ALWAYS_FILLED = frozenset({"customers", "merchants", "products", "orders", "order_items", "payments", "parcels", "postal_areas"})
"""Tables without which nothing can be built. Of the others a young world may have no row yet: that is a warning."""


def suite_for(table: Table) -> Suite:
    """The suite of a landing table: columns and types, nullability, key, allowed values, ranges, references, changed_at."""
    claims: list[Claim] = [declared_types(), there_are_rows(table), unique(table.key)]
    claims.append(not_null(*(column.name for column in table.all_columns if not column.nullable)))
    for column in table.all_columns:
        claims += _of_column(column)
    claims += [_of_reference(reference) for reference in table.references]
    claims += [_changed_at(table), _flags(), *_not_in_the_future(table)]
    hidden = frozenset(c.name for c in table.all_columns if c.personal is PersonalData.DIRECT)
    return Suite(SUITE, table.name, tuple(claims), table.key, hidden)


def declared_types() -> Claim:
    """The columns, their order and Arrow types are those declared."""
    arguments = {"column_A": "found", "column_B": "declared"}
    return Claim("columns and types are the declared ones", Expectation("ExpectColumnPairValuesToBeEqual", arguments), of_schema=True)


def there_are_rows(table: Table) -> Claim:
    """The table has rows: it must, or in a world of some age it should."""
    return some_rows(severity=Severity.CRITICAL if table.name in ALWAYS_FILLED else Severity.WARNING)


def _of_column(column: Column) -> list[Claim]:
    claims = []
    if column.allowed:
        claims.append(one_of(column.name, column.allowed))
    if column.least is not None or column.greatest is not None:
        claims.append(between(column.name, column.least, column.greatest))
    return claims


def _of_reference(reference: Reference) -> Claim:
    """Mandatory references always stand; of the others, those that do not are flagged in their row."""
    if reference.mandatory:
        return refers(reference.column, reference.table, reference.to)

    def known_or_flagged(sight: Sight) -> "pd.Series[Any]":
        value = sight.rows[reference.column]
        known = value.isin(sight.tables[reference.table][reference.to]) | (sight.rows["flags"] != "")
        return true_where(known, value.notna())

    return each_row(
        f"{reference.column} stands in {reference.table}.{reference.to}, or the row is flagged",
        (reference.column, "flags"),
        known_or_flagged,
        Severity.WARNING,
        {reference.table: (reference.to,)},
    )


def _changed_at(table: Table) -> Claim:
    milestones = list(table.milestones)

    def is_newest(sight: Sight) -> "pd.Series[Any]":
        found = sight.rows["changed_at"]
        if not milestones:
            return found.isna()
        newest = _ticks(sight.rows[milestones[0]])
        for name in milestones[1:]:
            newest = np.maximum(newest, _ticks(sight.rows[name]))
        return pd.Series(_ticks(found) == newest, index=found.index)

    newest = f"the newest of {', '.join(milestones)}" if milestones else "null: the table has no milestone"
    return each_row(f"changed_at is {newest}", ("changed_at", *milestones), is_newest)


def _ticks(instants: "pd.Series[Any]") -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Instants as integers; null is the smallest, so that it never wins a maximum."""
    return instants.to_numpy(dtype="datetime64[us]").astype(np.int64)


def _flags() -> Claim:
    def well_formed(sight: Sight) -> "pd.Series[Any]":
        flags = sight.rows["flags"]
        named = [value for value in flags.dropna().unique() if _FLAGS.fullmatch(value)]
        return flags.isin(named)

    return each_row("flags are names joined by semicolons", ("flags",), well_formed)


def _not_in_the_future(table: Table) -> list[Claim]:
    if not table.milestones:
        return []

    def known(sight: Sight) -> "pd.Series[Any]":
        changed = sight.rows["changed_at"]
        return true_where(changed <= pd.Timestamp(sight.context.today), changed.notna())

    return [each_row("no milestone lies in the future", ("changed_at",), known)]


__all__ = ["ALWAYS_FILLED", "SUITE", "WITNESS", "declared_types", "suite_for", "there_are_rows"]
