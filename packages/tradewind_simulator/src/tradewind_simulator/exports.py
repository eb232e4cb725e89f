"""What a platform would have exported: one file per table and UTC day, with the rows created or changed during it.

Two ways in. ``append`` takes rows with the instant at which they came to be; of several versions of a key in one day the newest
counts. A ``Ledger`` holds entities whose milestones are filled in as they are decided; each day that a milestone falls on, the
row is written as it stood at the end of that day, later milestones null.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from tradewind_contracts.digests import digest_bytes
from tradewind_contracts.tables import TABLES, Table
from tradewind_simulator.columns import Column
from tradewind_simulator.days import DAY, NEVER, utc_date
from tradewind_simulator.entities import Arrays, Entities
from tradewind_simulator.manifests import FileEntry
from tradewind_simulator.streams import Integers

Columns: TypeAlias = Mapping[str, Column]
_Dated: TypeAlias = tuple[Integers, pa.Table]
Dirty: TypeAlias = Callable[[str, int, pa.Table], pa.Table]
"""Plants junk: gets the table's name, the UTC day (days since 1970) and its rows, in order of the key; returns them with the junk."""

APPENDED = frozenset({"scan_events", "delivery_attempts", "product_traffic", "stock_daily", "shifts_daily", "calendar"})
"""Tables whose rows never change: no key comes twice."""

_AT = "_at_seconds"


class Ledger:
    """Entities that are exported whenever one of their milestones falls on a day.

    ``render(arrays, until)`` makes the table's columns of the entities given as arrays; what is known only at or after the
    instant ``until`` must be null in them (``columns.instants(seconds, until)`` does that for milestones).
    """

    def __init__(self, milestones: tuple[str, ...], render: Callable[[Arrays, int], Columns], **columns: npt.DTypeLike) -> None:
        self.milestones = milestones
        self.entities = Entities(**columns, **dict.fromkeys(milestones, np.int64), closed=np.bool_)
        self._render = render

    def add(self, **columns: npt.ArrayLike) -> Integers:
        """Append entities (positions are returned); milestones that are not given are ``NEVER``."""
        unset = {name: NEVER for name in self.milestones if name not in columns}
        return self.entities.add(**{**unset, "closed": False, **columns})

    def set(self, column: str, numbers: npt.NDArray[np.integer], values: npt.ArrayLike) -> None:
        """Fill in a column of the entities ``numbers``."""
        self.entities[column][self.entities.positions(numbers)] = values

    def close(self, numbers: npt.NDArray[np.integer]) -> None:
        """Nothing more will be filled in for ``numbers``: they are let go of after their last milestone is written."""
        self.entities["closed"][self.entities.positions(numbers)] = True

    def changed(self, start: int, end: int) -> Columns | None:
        """The rows with a milestone in [start, end), as they stand before ``end``; None where there is none."""
        instants = [self.entities[name] for name in self.milestones]
        hit = np.zeros(len(self.entities), dtype=bool)
        for values in instants:
            hit |= (values >= start) & (values < end)
        rows = np.flatnonzero(hit)
        rendered = self._render({name: self.entities[name][rows] for name in self.entities.names}, end) if len(rows) else None
        over = self.entities["closed"].copy()
        for values in instants:
            over &= (values < end) | (values == NEVER)
        if over.any():
            self.entities.keep(~over)
        return rendered


class Exports:
    """The folder ``observed`` while it is written; keeps what belongs to later days."""

    def __init__(self, dirty: Dirty | None = None) -> None:
        self._waiting: dict[str, list[_Dated]] = {name: [] for name in TABLES}
        self._ledgers: dict[str, Ledger] = {}
        self._dirty = dirty
        self.rows: dict[str, int] = dict.fromkeys(TABLES, 0)

    def ledger(self, table: str, ledger: Ledger) -> Ledger:
        """Name the ledger that fills ``table``."""
        self._ledgers[table] = ledger
        return ledger

    def append(self, table: str, at: npt.NDArray[np.integer], columns: Columns) -> None:
        """Rows of ``table`` that came to be at the instants ``at`` (seconds); columns left out are null."""
        if len(at):
            self._waiting[table].append((np.asarray(at, dtype=np.int64), _in_form(TABLES[table], columns, len(at))))

    def flush(self, utc_day: int, folder: Path) -> list[FileEntry]:
        """Write the files of ``utc_day`` (days since 1970); everything that came to be during it must be known."""
        written = []
        for name in TABLES:
            rows = self._of_day(name, utc_day)
            if rows is not None and self._dirty is not None:
                rows = self._dirty(name, utc_day, rows)
            if rows is not None and rows.num_rows:
                self.rows[name] += rows.num_rows
                written.append(write_day(folder, name, utc_date(utc_day), rows))
        return written

    def _of_day(self, name: str, utc_day: int) -> pa.Table | None:
        start, end = utc_day * DAY, (utc_day + 1) * DAY
        parts = []
        ledger = self._ledgers.get(name)
        changed = ledger.changed(start, end) if ledger else None
        if changed is not None:
            parts.append(_in_form(TABLES[name], changed, len(next(iter(changed.values())))))
        due, self._waiting[name] = _split(self._waiting[name], end)
        if due:
            parts.append(_rows_of(due) if name in APPENDED else _newest_of_each(due, TABLES[name]))
        if not parts:
            return None
        rows = pa.concat_tables(parts)
        return rows.sort_by([(column, "ascending") for column in TABLES[name].key]).combine_chunks()

    def waiting(self) -> dict[str, pa.Table]:
        """Rows of later days by table, for a checkpoint."""
        return {
            name: _rows_of(parts).append_column(_AT, pa.array(np.concatenate([at for at, _ in parts])))
            for name, parts in self._waiting.items()
            if parts
        }

    def arrays(self) -> Arrays:
        """The ledgers' entities, for a checkpoint."""
        return {key: values for table, ledger in self._ledgers.items() for key, values in ledger.entities.arrays(f"{table}.").items()}

    def restore(self, waiting: Mapping[str, pa.Table], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from a checkpoint."""
        self._waiting = {name: [] for name in TABLES}
        for name, rows in waiting.items():
            self._waiting[name] = [(rows.column(_AT).to_numpy(), rows.drop_columns([_AT]))]
        for table, ledger in self._ledgers.items():
            ledger.entities.restore(arrays, f"{table}.")


def write_day(folder: Path, table: str, day: dt.date, rows: pa.Table) -> FileEntry:
    """Write one file and say what it is; the bytes depend on the rows alone."""
    relative = f"{table}/{day.isoformat()}.parquet"
    path = folder / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd", compression_level=1)
    data: bytes = sink.getvalue().to_pybytes()
    path.write_bytes(data)
    return FileEntry(table=table, day=day.isoformat(), path=relative, rows=rows.num_rows, digest=digest_bytes(data))


def _in_form(table: Table, columns: Columns, count: int) -> pa.Table:
    unknown = columns.keys() - {column.name for column in table.columns}
    if unknown:
        raise ValueError(f"{table.name} has no column {', '.join(sorted(unknown))}")
    absent: Column = pa.nulls(count)
    arrays = [columns.get(c.name, absent).cast(c.kind.arrow) for c in table.columns]
    return pa.table(arrays, schema=pa.schema([pa.field(c.name, c.kind.arrow) for c in table.columns]))


def _split(parts: list[_Dated], end: int) -> tuple[list[_Dated], list[_Dated]]:
    """What came to be before ``end``, and the rest."""
    due, later = [], []
    for at, rows in parts:
        before = at < end
        if before.all():
            due.append((at, rows))
        elif not before.any():
            later.append((at, rows))
        else:
            due.append((at[before], rows.filter(pa.array(before))))
            later.append((at[~before], rows.filter(pa.array(~before))))
    return due, later


def _rows_of(parts: list[_Dated]) -> pa.Table:
    return pa.concat_tables([rows for _, rows in parts])


def _newest_of_each(parts: list[_Dated], table: Table) -> pa.Table:
    """Of rows with the same key, the one that came to be last (of equals, the one appended last)."""
    order = np.argsort(np.concatenate([at for at, _ in parts]), kind="stable")
    rows = _rows_of(parts).take(_positions(order))
    numbered = rows.select(list(table.key)).append_column("_place", pa.array(np.arange(rows.num_rows)))
    newest = numbered.group_by(list(table.key), use_threads=False).aggregate([("_place", "max")]).column("_place_max")
    return rows if len(newest) == rows.num_rows else rows.take(newest.combine_chunks().sort())


def _positions(order: Integers) -> "pa.Array[pa.Int64Scalar]":
    return pa.array(order, pa.int64())
