"""Junk rows among the exported ones: what a landing must refuse, each kind at a known rate and counted in truth.

A junk row is added, never made of a good one that then lacks: so the number of rows that a landing refuses is the number planted.
It is a copy of a row of the same file with one thing wrong. Truth table ``dirt``: one row per table, reason and day.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from tradewind_contracts.tables import TABLES, Column, Kind, Table
from tradewind_simulator.days import DAY, utc_date
from tradewind_simulator.streams import Integers, Stream, Streams
from tradewind_simulator.truth import Truth

REFERENCE_DATA = frozenset({"postal_areas", "hubs", "lanes", "warehouses", "calendar"})
"""Tables that are kept by hand: no junk is planted there."""

_DAYS_AHEAD = 3


class DirtParameters(BaseModel):
    """How much junk there is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: float = Field(
        default=0.00015,
        ge=0,
        le=0.05,
        description="Junk rows of each kind per good row. Chosen: some of each kind in a month, far below 1 %.",
    )


@dataclass(frozen=True)
class _Flaw:
    reason: str
    spoil: Callable[[pa.Table, int], pa.Table]


class Dirt:
    """Plants junk in files as they are written; a function of the seed, the table, the day and the rows of the file."""

    def __init__(self, parameters: DirtParameters, streams: Streams, truth: Truth) -> None:
        self._rate = parameters.rate
        self._stream: Stream = streams.stream("dirt")
        self._truth = truth
        self._flaws = {name: _flaws_of(table) for name, table in TABLES.items() if name not in REFERENCE_DATA}
        self._places = {name: place for place, name in enumerate(sorted(TABLES))}

    def __call__(self, table: str, utc_day: int, rows: pa.Table) -> pa.Table:
        """``rows`` with junk among them, in order of the key."""
        junk, planted = [], []
        for slot, flaw in enumerate(self._flaws.get(table, ())):
            place = self._places[table]
            count = int(self._stream.poisson(self._rate * rows.num_rows, utc_day, place, slot=slot))
            if count:
                drawn = self._stream.integers(rows.num_rows, np.arange(count), utc_day, place, slot=1000 + slot)
                # Each good row is copied once at most: two copies of one would make a duplicate key of their own.
                chosen = np.unique(drawn)
                spoilt = flaw.spoil(_renamed(rows.take(_positions(chosen)), TABLES[table], flaw.reason, slot), utc_day)
                junk.append(spoilt)
                planted.append((flaw.reason, len(chosen)))
        if not junk:
            return rows
        day = utc_date(utc_day).isoformat()
        self._truth.append(
            "dirt",
            {
                "table": pa.array([table] * len(planted)),
                "reason": pa.array([reason for reason, _ in planted]),
                "day": pa.array([day] * len(planted)),
                "rows_count": pa.array([count for _, count in planted], pa.int64()),
            },
        )
        whole = pa.concat_tables([rows, *junk])
        return whole.sort_by([(column, "ascending") for column in TABLES[table].key]).combine_chunks()


def _flaws_of(table: Table) -> list[_Flaw]:
    required = [c for c in table.columns if not c.nullable and c.name not in table.key]
    references = [r.column for r in table.references if r.mandatory]
    flaws = [_Flaw(f"{c.name}_missing", _putter(c, None)) for c in required[:1]]
    flaws += [
        _Flaw(f"{c.name}_out_of_range", _putter(c, _below(c))) for c in table.columns if c.least is not None and c.name not in table.key
    ][:1]
    flaws += [_Flaw(f"{c.name}_not_allowed", _putter(c, "unheard_of")) for c in table.columns if c.allowed][:1]
    flaws.append(_Flaw("duplicate_key", lambda rows, _: rows))
    flaws += [_Flaw(f"unknown_{name}", _unknown(name)) for name in references[:1]]
    if table.milestones:
        flaws.append(_Flaw("in_the_future", _in_the_future(table.milestones[-1])))
    return flaws


def _below(column: Column) -> Decimal | float | int:
    assert column.least is not None
    below = column.least - 1
    return int(below) if column.kind is Kind.INTEGER else Decimal(below) if column.kind is Kind.MONEY else below


def _putter(column: Column, value: Any) -> Callable[[pa.Table, int], pa.Table]:
    def put(rows: pa.Table, _: int) -> pa.Table:
        values: Any = pa.array([value] * rows.num_rows, column.kind.arrow)
        return rows.set_column(rows.schema.get_field_index(column.name), column.name, values)

    return put


def _unknown(reference: str) -> Callable[[pa.Table, int], pa.Table]:
    def put(rows: pa.Table, _: int) -> pa.Table:
        # Each its own: a reference may be a part of the key.
        nobody: Any = pa.array([f"nobody{place}" for place in range(rows.num_rows)], pa.string())
        return rows.set_column(rows.schema.get_field_index(reference), reference, nobody)

    return put


def _in_the_future(milestone: str) -> Callable[[pa.Table, int], pa.Table]:
    def put(rows: pa.Table, utc_day: int) -> pa.Table:
        instant = (utc_day + _DAYS_AHEAD) * DAY * 1_000_000
        ahead: Any = pa.array([instant] * rows.num_rows, pa.timestamp("us", tz="UTC"))
        return rows.set_column(rows.schema.get_field_index(milestone), milestone, ahead)

    return put


def _renamed(rows: pa.Table, table: Table, reason: str, slot: int) -> pa.Table:
    """The rows under keys that no other row has, but for what shall be a duplicate."""
    if reason == "duplicate_key":
        return rows
    column = _free_key(table)
    place = rows.schema.get_field_index(column.name)
    old: list[Any] = rows.column(column.name).to_pylist()
    if column.kind is Kind.STRING:
        made: Any = pa.array([f"{value}-junk{slot}" for value in old])
    elif column.kind is Kind.INTEGER:
        made = pa.array([value + 1000 * (slot + 1) for value in old], pa.int64())
    else:
        made = pa.array([value - dt.timedelta(days=10_000 + slot) for value in old], column.kind.arrow)
    return rows.set_column(place, column.name, made)


def _free_key(table: Table) -> Column:
    """A part of the key that may be anything: not a mandatory reference, where there is such a part."""
    bound = {r.column for r in table.references if r.mandatory}
    free = [table.column(name) for name in table.key if name not in bound]
    return (free or [table.column(table.key[0])])[-1]


def _positions(rows: Integers) -> "pa.Array[pa.Int64Scalar]":
    return pa.array(rows, pa.int64())
