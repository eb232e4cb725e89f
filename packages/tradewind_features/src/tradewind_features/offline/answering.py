"""From entity rows and joins to an answer: one view after another, then the values, whole or slice by slice into a file."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from tradewind_contracts.errors import SettingsError
from tradewind_features.offline.engine import Engine, Limits, memory_bytes, open_engine, reading
from tradewind_features.offline.entity_rows import NANOS, EntityRows, EntityTables, load
from tradewind_features.offline.fetching import column_types, fetch
from tradewind_features.offline.joining import Matches, ViewJoin, asof_sql, candidates_sql, join, key_types, visible_sql

ROW_EVENT_AT = "row_event_at"
"""Name of the added column, ``<view>__row_event_at``: event time of the row that gave the values, null without one."""
_SPARE = 0.25
"""Chosen: share of the memory limit that one slice of a streamed answer may take."""


@dataclass(frozen=True)
class JoinRecord:
    """What one view's join did; figures are ``None`` before it ran.

    Attributes:
        view: the view's name as asked for.
        sql: the statements, in order.
        files: Parquet files opened.
        skipped_partitions: files left out by the days in their names.
        source_rows: rows in the files opened.
        entity_rows: rows that were asked for.
        candidate_rows: source rows of the keys and times asked for.
        matched_rows: entity rows that got values.
        read_bytes: compressed bytes of the columns used, in the files opened.
        seconds: join and fetch together.
    """

    view: str
    sql: str
    files: int
    skipped_partitions: int
    source_rows: int
    entity_rows: int
    candidate_rows: int | None = None
    matched_rows: int | None = None
    read_bytes: int | None = None
    seconds: float | None = None

    def __str__(self) -> str:
        parts = f", {self.skipped_partitions} partitions skipped" if self.skipped_partitions else ""
        head = f"{self.view}: {self.entity_rows:,} entity rows against {self.source_rows:,} rows in {self.files:,} files{parts}"
        if self.seconds is not None:
            head += (
                f"\n  {self.candidate_rows:,} rows within reach, {self.matched_rows:,} entity rows matched, "
                f"{(self.read_bytes or 0) / 1e6:,.1f} MB read, {self.seconds:.2f} s"
            )
        return head + "\n" + "\n".join("  " + line for line in self.sql.splitlines())


@dataclass(frozen=True)
class Description:
    """The joins of a retrieval, one record for each view; as text, one paragraph for each."""

    joins: tuple[JoinRecord, ...]

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.joins))


@dataclass
class _Figures:
    sql: str
    candidates: int
    matched: int
    seconds: float


@dataclass
class Question:
    """Features asked for, of which rows.

    Attributes:
        rows: the entity rows.
        joins: one for each view.
        answer: (name of the column, index of its join) in the order of the answer.
        limits: what DuckDB may use.
        row_event_at: whether ``<view>__row_event_at`` (timestamp[us, UTC]) follows for each view.
    """

    rows: EntityRows
    joins: Sequence[ViewJoin]
    answer: Sequence[tuple[str, int]]
    limits: Limits
    row_event_at: bool = False

    def __post_init__(self) -> None:
        skipped = [len(plan.dataset.parts) for plan in self.joins]
        self.joins = [plan.within(self.rows) for plan in self.joins]
        self._figures: dict[int, _Figures] = {}
        self._skipped = [before - len(plan.dataset.parts) for before, plan in zip(skipped, self.joins, strict=True)]
        doubled = sorted(set(self.rows.columns) & set(self.names()))
        if doubled:
            raise SettingsError(
                f"entity rows: a feature asked for is named as a column of theirs, {', '.join(doubled)}; ask with full_feature_names, or rename"
            )

    def names(self) -> list[str]:
        """Names of the columns that are added to the entity rows."""
        events = [f"{plan.view}__{ROW_EVENT_AT}" for plan in self.joins] if self.row_event_at else []
        return [*(name for name, _ in self.answer), *events]

    def describe(self) -> Description:
        """Each join's SQL, and what it did if it has run."""
        return Description(tuple(self._record(index) for index in range(len(self.joins))))

    def features(self) -> pa.Table:
        """The features of all entity rows, in order.

        Raises:
            StateError: a file was replaced or can't be read, or memory is short.
            SettingsError: the entity rows lack a key.
        """
        return self._fetch(self._match(), slice(0, len(self.rows)))

    def slices(self) -> Iterator[tuple[slice, pa.Table]]:
        """The features, as many entity rows at a time as fit beside the memory limit; the joins run once."""
        matches, types = self._match(), self._types()
        size = max(1, int(memory_bytes(self.limits.memory) * _SPARE) // max(1, self._row_bytes()))
        for start in range(0, max(1, len(self.rows)), size):
            chosen = slice(start, min(start + size, len(self.rows)))
            yield chosen, self._fetch(matches, chosen, types)

    def _match(self) -> list[Matches]:
        found = [Matches(np.full(len(self.rows), -1, np.int64), np.zeros(len(self.rows), np.int64)) for _ in self.joins]
        tables: dict[Any, EntityTables] = {}
        self._figures.clear()
        with open_engine(self.limits) as engine:
            for index, plan in enumerate(self.joins):
                if self.rows.known.any() and plan.dataset.parts:
                    with reading(plan.view, plan.dataset, last=False):
                        found[index] = join(engine, plan, self.rows, self._tables(engine, plan, tables))
                matched = int((found[index].places >= 0).sum())
                self._figures[index] = _Figures(";\n".join(found[index].sql), found[index].candidates, matched, found[index].seconds)
        return found

    def _tables(self, engine: Engine, plan: ViewJoin, known: dict[Any, EntityTables]) -> EntityTables:
        keys, kinds = [entity for entity, _ in plan.keys], key_types(plan)
        name = (tuple(keys), tuple(kinds.items()), plan.unit)
        if name not in known:
            known[name] = load(engine, self.rows, keys, kinds, plan.unit, len(known))
        return known[name]

    def _types(self) -> list[list[Any]]:
        """Types of the features, join by join: the same for each slice, whichever files it meets."""
        return [column_types(plan.dataset, [source for _, source in plan.features]) for plan in self.joins]

    def _fetch(self, matches: Sequence[Matches], chosen: slice, types: Sequence[Sequence[Any]] | None = None) -> pa.Table:
        columns: dict[str, Any] = {}
        for index, plan in enumerate(self.joins):
            began = time.perf_counter()
            with reading(plan.view, plan.dataset):
                sources = [source for _, source in plan.features]
                values = fetch(plan.dataset, matches[index].places[chosen], sources, self.limits.threads, types[index] if types else None)
            columns |= {f"{index}:{name}": value for (name, _), value in zip(plan.features, values, strict=True)}
            self._figures[index].seconds += time.perf_counter() - began
        arrays = [columns[f"{index}:{name}"] for name, index in self.answer]
        if self.row_event_at:
            arrays += [_event_times(plan, one, chosen) for plan, one in zip(self.joins, matches, strict=True)]
        return pa.table(arrays, names=self.names()) if arrays else pa.table({})

    def _row_bytes(self) -> int:
        """About how many bytes an entity row takes in the answer, features and columns given, twice over while it is put together."""
        kinds = [kind for of_join in self._types() for kind in of_join]
        return 2 * sum(_width(kind) for kind in kinds) + 64 * len(self.rows.columns)

    def _record(self, index: int) -> JoinRecord:
        plan, figures = self.joins[index], self._figures.get(index)
        tables = EntityTables("entity_keys_0", "entity_rows_0")
        statements = [candidates_sql(plan, self.rows, tables), visible_sql(), asof_sql(plan, tables)]
        used = [source for _, source in (*plan.keys, *plan.features)] + [name for name in (plan.event, plan.created) if name]
        return JoinRecord(
            view=plan.view,
            sql=(figures.sql if figures else "") or ";\n".join(statements),
            files=len(plan.dataset.parts),
            skipped_partitions=self._skipped[index],
            source_rows=plan.dataset.rows(),
            entity_rows=len(self.rows),
            candidate_rows=figures.candidates if figures else None,
            matched_rows=figures.matched if figures else None,
            read_bytes=plan.dataset.column_bytes(used) if figures else None,
            seconds=figures.seconds if figures else None,
        )


def write_parquet(path: Any, tables: Iterator[pa.Table]) -> int:
    """Write tables of one schema as a Parquet file, one after another; the number of rows."""
    rows, writer = 0, None
    try:
        for table in tables:
            if writer is None:
                writer = pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table, row_group_size=122_880)
            rows += table.num_rows
    finally:
        if writer is not None:
            writer.close()
    return rows


def _event_times(plan: ViewJoin, matches: Matches, chosen: slice) -> Any:
    events, absent = matches.events[chosen], matches.places[chosen] < 0
    whole: npt.NDArray[np.int64] = events // NANOS if plan.unit == "ns" else events
    return pa.array(whole, pa.timestamp("us", "UTC"), mask=absent)


def _width(kind: pa.DataType) -> int:
    """Bytes of a value; of texts and nested values a guess (64), since files do not say."""
    try:
        return max(1, int(kind.bit_width) // 8)
    except ValueError:
        return 64
