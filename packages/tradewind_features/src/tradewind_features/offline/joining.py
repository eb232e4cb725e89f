"""The point-in-time join of one feature view: which row of the source each entity row sees.

A source row (event ``e``, created ``c``) is *visible* at ``t`` if e ≤ t and, under known-at, c ≤ t; so it is visible from
``v = greatest(e, c)`` on. Of the visible rows the greatest (e, c) wins. ASOF takes one inequality, so it runs over v, and over those
rows alone that raise the running maximum of (e, c). In the order of v these are the rows whose event is the greatest so far: of two with
one event the one that becomes visible later was created later. Where several of them share a v, and so an event, c decides, then the
values (:func:`winner_order`).

Only keys, instants and the row's place in the files go through the join. The values of the rows that won are fetched afterwards.
"""

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from tradewind_features.datasets import Dataset, quoted
from tradewind_features.offline.engine import Engine
from tradewind_features.offline.entity_rows import NANOS, EntityRows, EntityTables, Unit
from tradewind_features.offline.fetching import FILE_BITS, fetch

_BYTES_PER_CANDIDATE = 125
"""DuckDB's peak for a row of (k, v, e, c, place) through table, window and ASOF: 107 measured at 5.5 M rows, 153 at 1.1 M; ties add 17."""
_SPARE = 0.7
"""Chosen: share of the memory limit that candidates may fill; the rest is for hash tables and entity rows. Beyond it DuckDB spills."""

_FAR = 2**62
"""A ttl above may lie further back than an integer of 64 bits reaches."""
_WRITTEN_YEARS = range(1000, 10_000)
"""Years that are written in four digits."""
_NANOSECOND_YEARS = range(1678, 2262)
"""Whole years that nanoseconds since 1970 hold."""


@dataclass(frozen=True)
class ViewJoin:
    """What is joined of one view.

    Attributes:
        view: the view's name as asked for.
        dataset: its source.
        keys: (column of the entity rows, column of the source) for each join key; none for a view of a single entity.
        event: event-time column of the source.
        created: created-time column of the source, if it has one; else a row is created when it happens.
        ttl_us: microseconds that a row counts for after its event, both ends included; 0 for ever.
        known_at: whether created time must be at or before the instant, too.
        features: (column of the answer, column of the source).
        order: source columns that tell rows of equal key, event and created time apart.
    """

    view: str
    dataset: Dataset
    keys: tuple[tuple[str, str], ...]
    event: str
    created: str | None
    ttl_us: int
    known_at: bool
    features: tuple[tuple[str, str], ...]
    order: tuple[str, ...]

    @property
    def unit(self) -> Unit:
        """Nanoseconds if the source's instants have them, else microseconds."""
        kinds = [self.dataset.types[name] for name in (self.event, self.created) if name is not None]
        return "ns" if any(pa.types.is_timestamp(kind) and kind.unit == "ns" for kind in kinds) else "us"

    def within(self, rows: EntityRows) -> "ViewJoin":
        """The join less the partitions that no entity row can reach."""
        first, last = self.bounds(rows)
        return ViewJoin(**{**self.__dict__, "dataset": self.dataset.within(instant(first), instant(last))})

    def bounds(self, rows: EntityRows) -> tuple[int | None, int | None]:
        """First and last event (microseconds) that an entity row can reach; ``None`` where open."""
        span = rows.span()
        if span is None:
            return None, None
        return (span[0] - self.ttl_us - 1 if self.ttl_us else None), span[1]


@dataclass
class Matches:
    """Which source row each entity row sees.

    Attributes:
        places: int64 [n], ``file << FILE_BITS | row in the file``; −1 without a match.
        events: int64 [n], event time of that row in the view's unit (meaningless without a match).
        candidates: source rows that any entity row could see.
        seconds: how long the join took.
        sql: the statements that ran.
    """

    places: npt.NDArray[np.int64]
    events: npt.NDArray[np.int64]
    candidates: int = 0
    seconds: float = 0.0
    sql: list[str] = field(default_factory=list)


def winner_order(event: str, created: str, values: Sequence[str]) -> str:
    """The ``ORDER BY`` that puts the winning row first, of SQL expressions: newest event, newest created, then the greatest values.

    ``values`` in the order of their columns' names, nulls last: the answer then does not depend on the order of rows or files.
    """
    return ", ".join(f"{one} DESC NULLS LAST" for one in (event, created, *values))


def join(engine: Engine, plan: ViewJoin, rows: EntityRows, tables: EntityTables) -> Matches:
    """Find the row of ``plan`` that each entity row sees. Works through the keys in slices, if the source is too large for the memory limit."""
    began = time.perf_counter()
    matches = Matches(np.full(len(rows), -1, np.int64), np.zeros(len(rows), np.int64))
    slices = slices_needed(engine, plan)
    for index in range(slices):
        only = f"k % {slices} = {index}" if slices > 1 else "true"
        _join_slice(engine, plan, rows, tables, only, matches, first=index == 0)
    matches.seconds = time.perf_counter() - began
    return matches


def slices_needed(engine: Engine, plan: ViewJoin) -> int:
    """In how many slices of keys the source's rows fit into the memory limit."""
    return max(1, -(-plan.dataset.about_rows() * _BYTES_PER_CANDIDATE // int(engine.memory_bytes() * _SPARE)))


def _join_slice(engine: Engine, plan: ViewJoin, rows: EntityRows, tables: EntityTables, only: str, matches: Matches, first: bool) -> None:
    candidates = candidates_sql(plan, rows, tables, only)
    if _reads_through_arrow(plan):
        with engine.registered("source_rows", _arrow_rows(plan)):
            engine.run(candidates)
    else:
        engine.run(candidates)
    matches.candidates += int(engine.row("SELECT count(*) FROM candidates")[0])
    shown = "candidates" if _rises(engine, plan) else "visible"
    statements = [candidates, *([visible_sql()] if shown == "visible" else []), asof_sql(plan, tables, only, shown)]
    if shown == "visible":
        engine.run(statements[1])
        engine.run("DROP TABLE candidates")
    contested = "SELECT 1 FROM visible WHERE again" if shown == "visible" else "SELECT 1 FROM candidates GROUP BY k, v HAVING count(*) > 1"
    if engine.row(f"SELECT EXISTS ({contested})")[0]:
        _settle(engine, plan, shown)
    found = engine.arrays(statements[-1])
    engine.run(f"DROP TABLE {shown}")
    matches.places[found["row"]] = found["place"]
    matches.events[found["row"]] = found["e"]
    if first:
        matches.sql += statements


def _rises(engine: Engine, plan: ViewJoin) -> bool:
    """Whether rows become visible in the order of their events for certain: one lag for all, or none is created after its event."""
    if not plan.known_at or plan.created is None:
        return True
    # Nanoseconds of a year before 1677 stand at the least integer: taken from one of today they would overflow.
    created = "c::HUGEINT" if plan.unit == "ns" else "c"
    least, most = engine.row(f"SELECT min({created} - e), max({created} - e) FROM candidates")  # noqa: S608 - our own names
    return least is None or least == most or most <= 0


def candidates_sql(plan: ViewJoin, rows: EntityRows, tables: EntityTables, only: str = "true") -> str:
    """All source rows that some entity row could see: of its keys, not after the last instant, not past the ttl at the first."""
    through_arrow = _reads_through_arrow(plan)
    names = [*(source for _, source in plan.keys), plan.event, *([plan.created] if plan.created else [])]
    scan = "source_rows" if through_arrow else plan.dataset.scan(list(dict.fromkeys(names)), located=True)
    event = _integer(plan, plan.event, through_arrow)
    created = _integer(plan, plan.created, through_arrow) if plan.created else event
    visible = f"greatest({event}, {created})" if plan.known_at else event
    # A null created time is never visible under known-at; without, it is the oldest.
    told = created if plan.known_at else f"coalesce({created}, {np.iinfo(np.int64).min})"
    keys = " AND ".join(f"s.{quoted(source)} = n.key_{index}" for index, (_, source) in enumerate(plan.keys)) or "true"
    conditions = [
        f"{event} IS NOT NULL",
        *([f"{created} IS NOT NULL"] if plan.known_at else []),
        *_within_bounds(plan, rows, through_arrow),
    ]
    return (
        f"CREATE TEMP TABLE candidates AS SELECT n.k AS k, {visible} AS v, {event} AS e, {told} AS c, "  # noqa: S608 - names are quoted
        f"(s.file_index::BIGINT << {FILE_BITS}) + s.file_row_number AS place\nFROM {scan} s JOIN (SELECT * FROM {tables.keys} WHERE {only}) n ON {keys}\n"
        f"WHERE {' AND '.join(conditions)}"
    )


def visible_sql() -> str:
    """The rows that raise the running maximum of the event time; ``again`` if the row before became visible at the same instant."""
    return (
        "CREATE TEMP TABLE visible AS SELECT k, v, e, c, place, again FROM (\n"
        "  SELECT *, max(e) OVER w AS newest, lag(v) OVER w IS NOT DISTINCT FROM v AS again\n"
        "  FROM candidates WINDOW w AS (PARTITION BY k ORDER BY v)\n"
        ") WHERE e = newest"
    )


def asof_sql(plan: ViewJoin, tables: EntityTables, only: str = "true", shown: str = "visible") -> str:
    """For each entity row the newest visible row, if it is within the ttl."""
    ttl = plan.ttl_us * (NANOS if plan.unit == "ns" else 1)
    up = "n.up::HUGEINT" if ttl > _FAR else "n.up"
    alive = f"\nWHERE f.e >= {up} - {ttl}" if ttl else ""
    return (
        f"SELECT n.row AS row, f.place AS place, f.e AS e\n"  # noqa: S608 - our own names
        f"FROM (SELECT * FROM {tables.rows} WHERE {only}) n ASOF JOIN {shown} f ON n.k = f.k AND n.t >= f.v{alive}"
    )


def instant(microseconds: int | None) -> dt.datetime | None:
    """Microseconds since 1970 as an instant; ``None`` where Python has none (before year 1, after 9999)."""
    if microseconds is None:
        return None
    try:
        return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=microseconds)
    except OverflowError:
        return None


def _within_bounds(plan: ViewJoin, rows: EntityRows, through_arrow: bool) -> Iterator[str]:
    """Conditions on the columns as they stand in the file, so that row groups outside are not read."""
    if through_arrow:
        return
    first, last = plan.bounds(rows)
    bounds = [(plan.event, ">=", first), (plan.event, "<=", last)]
    if plan.known_at and plan.created:
        bounds.append((plan.created, "<=", last))
    for column, sign, bound in bounds:
        kind, at = plan.dataset.columns[column], instant(bound)
        if at is not None and kind.startswith("TIMESTAMP") and at.year in (_NANOSECOND_YEARS if kind == "TIMESTAMP_NS" else _WRITTEN_YEARS):
            literal = f"TIMESTAMPTZ '{at:%Y-%m-%d %H:%M:%S.%f}+00'" if kind.endswith("ZONE") else f"TIMESTAMP '{at:%Y-%m-%d %H:%M:%S.%f}'"
            yield f"s.{quoted(column)} {sign} {literal}"


def _integer(plan: ViewJoin, column: str, through_arrow: bool) -> str:
    """An instant's column as an integer in the view's unit."""
    name, kind = f"s.{quoted(column)}", plan.dataset.columns[column]
    if through_arrow:
        return name
    if plan.unit == "us":
        return f"epoch_us({name})"
    if kind == "TIMESTAMP_NS":
        return f"epoch_ns({name})"
    most = np.iinfo(np.int64).max // NANOS - 1
    # Where there is no instant DuckDB's greatest() would give the bound.
    return f"CASE WHEN {name} IS NOT NULL THEN greatest(-{most}, least({most}, epoch_us({name}))) * {NANOS} END"


def _reads_through_arrow(plan: ViewJoin) -> bool:
    """DuckDB cuts zoned nanoseconds to microseconds, so that a row would be seen up to a microsecond early: Arrow reads these whole."""
    if plan.unit == "us":
        return False
    kinds = [plan.dataset.types[name] for name in (plan.event, plan.created) if name is not None]
    return any(pa.types.is_timestamp(kind) and kind.unit == "ns" and kind.tz is not None for kind in kinds)


def _arrow_rows(plan: ViewJoin) -> pa.RecordBatchReader:
    """Keys, instants (int64 nanoseconds) and places of all rows, a row group at a time."""
    stamps = [name for name in (plan.event, plan.created) if name is not None]
    keys = [source for _, source in plan.keys]
    typed = [(key, plan.dataset.types[key]) for key in keys]
    schema = pa.schema([*typed, *((name, pa.int64()) for name in (*stamps, "file_index", "file_row_number"))])

    def batches() -> Iterator[pa.RecordBatch]:
        for index, path in enumerate(plan.dataset.files):
            start = 0
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    table = file.read_row_group(group, columns=list(dict.fromkeys([*keys, *stamps])))
                    count = table.num_rows
                    arrays = [table.column(key).cast(plan.dataset.types[key]).combine_chunks() for key in keys]
                    arrays += [_nanoseconds(table.column(stamp)) for stamp in stamps]
                    arrays += [pa.array(np.full(count, index)), pa.array(np.arange(start, start + count))]
                    yield from pa.Table.from_arrays(arrays, schema=schema).to_batches()
                    start += count

    return pa.RecordBatchReader.from_batches(schema, batches())


def _nanoseconds(values: Any) -> Any:
    zone = values.type.tz if pa.types.is_timestamp(values.type) else None
    return values.cast(pa.timestamp("ns", zone)).cast(pa.int64()).combine_chunks()


def _settle(engine: Engine, plan: ViewJoin, shown: str) -> None:
    """Of rows of one key that become visible at one instant (all of one event time) keep the one that :func:`winner_order` puts first."""
    engine.run(
        "CREATE TEMP TABLE contested AS SELECT *, count(*) OVER (PARTITION BY k, v, c) > 1 AS by_value FROM ("  # noqa: S608 - our own names
        f"SELECT k, v, e, c, place FROM {shown} SEMI JOIN (SELECT k, v FROM {shown} GROUP BY k, v HAVING count(*) > 1) USING (k, v))"
        " QUALIFY c = max(c) OVER (PARTITION BY k, v)"
    )
    best = engine.arrow("SELECT place FROM contested WHERE by_value")
    names = [f"value_{index}" for index in range(len(plan.order))]
    values = fetch(plan.dataset, best.column("place").to_numpy(), plan.order, engine.limits.threads)
    with engine.registered("valued", pa.table([best.column("place"), *values], names=["place", *names])):
        engine.run(
            "CREATE TEMP TABLE settled AS SELECT k, v, place FROM contested LEFT JOIN valued USING (place) "  # noqa: S608 - our own names
            f"QUALIFY row_number() OVER (PARTITION BY k, v ORDER BY {winner_order('e', 'c', names)}, place) = 1"
        )
    engine.run(f"DELETE FROM {shown} USING settled s WHERE {shown}.k = s.k AND {shown}.v = s.v AND {shown}.place <> s.place")  # noqa: S608 - names are our own and quoted
    engine.run("DROP TABLE contested")
    engine.run("DROP TABLE settled")


def key_types(plan: ViewJoin) -> dict[str, pa.DataType]:
    """Type of the source's key by entity column."""
    return {entity: plan.dataset.types[source] for entity, source in plan.keys}
