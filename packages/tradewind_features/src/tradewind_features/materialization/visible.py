"""What a materialization takes from a view's source: the newest row of each entity that was visible at an instant.

A row is visible once both its event and its created time have come. Of an entity's visible rows the newest counts, by event, then by
created time, then by a fixed order of values, as in the offline join; past its ttl the entity has none.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from tradewind_contracts.errors import SourceError, StateError
from tradewind_features.datasets import Dataset, quoted, text, type_family
from tradewind_features.materialization.batches import KEY, VALUE
from tradewind_features.offline.engine import Engine, reading
from tradewind_features.offline.joining import winner_order
from tradewind_features.online.backend import ViewSpec
from tradewind_features.online.entity_keys import SINGLE_ENTITY
from tradewind_features.online.packing import FieldType

if TYPE_CHECKING:
    from feast import FeatureView

_WITHOUT_ENTITY = "__dummy_id"
"""Feast's join key of a view without entities; no source has such a column."""
_FAMILIES = {
    **dict.fromkeys((FieldType.FLOAT64, FieldType.FLOAT32, FieldType.INT64, FieldType.INT32), "number"),
    FieldType.STRING: "text",
    FieldType.BOOL: type_family(pa.bool_()),
    FieldType.TIMESTAMP: "time",
}
"""Kind of column that holds a field of a type; bytes are taken as they come."""
_KEYS = {"STRING": FieldType.STRING, "INT32": FieldType.INT64, "INT64": FieldType.INT64}
"""What the online store keeps a join key of a declared type as."""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MOST_NANOSECONDS = dt.timedelta(microseconds=2**63 // 1000 - 1)
"""How far from 1970 nanoseconds of 64 bits reach, in whole microseconds."""
_SQL_KEYS = {FieldType.STRING: "VARCHAR", FieldType.INT64: "BIGINT"}


@dataclass(frozen=True)
class Since:
    """What was there the last time: rows visible at ``instant``, and none of those in the files named ``changed`` (new or replaced)."""

    instant: dt.datetime
    changed: frozenset[str]


@dataclass(frozen=True)
class Visible:
    """How many rows were looked at; entities with a visible row, those of them within the ttl, and rows to be offered to the store."""

    scanned: int
    entities: int
    within_ttl: int
    offered: int


def newest_visible_rows(
    engine: Engine, view: "FeatureView", spec: ViewSpec, dataset: Dataset, end: dt.datetime, since: Since | None = None
) -> Visible:
    """Find the newest row of each entity that was visible at ``end``; :func:`read_offered` gives them.

    With ``since`` only those that were not visible at that instant, or stand in a changed file; the others were offered before. Rows past
    their ttl are among them: readers tell an entity that has expired from one that never was, whenever the store was filled.

    Raises:
        StateError: the source lacks a column, can't be read, or changed while it was read.
        SourceError: a column holds what it can't.
    """
    columns = _Columns.of(view, spec, dataset)
    until = dataset.within(None, end)
    oldest = _oldest(end, spec.ttl_us)
    keys = columns.keys
    ttl = f"event >= {columns.event.literal(oldest)}" if oldest is not None else "true"
    with reading(f"view {view.name}, source {dataset.name}", until):
        engine.run(
            f"CREATE OR REPLACE TEMP TABLE newest AS SELECT {keys}, max(event) AS event, bool_or(fresh) AS touched"  # noqa: S608 - names are quoted
            f" FROM ({columns.visible(until, end, since, features=False)}) GROUP BY {keys}"
        )
        entities, within_ttl = engine.row(f"SELECT count(*), count(*) FILTER (WHERE {ttl}) FROM newest")  # noqa: S608 - made above
        engine.run(
            # A row that stood in the shade of one of the same instants comes out when that one is repaired, though it is not fresh itself.
            f"CREATE OR REPLACE TEMP TABLE offered AS SELECT {columns.offered} FROM (SELECT *,"  # noqa: S608 - names are quoted
            f" bool_or(fresh) OVER (PARTITION BY {keys}, event_us, created_us) AS contested FROM"
            f" ({columns.visible(_of_days(until, engine), end, since, features=True)}) AS visible"
            f" JOIN (SELECT {keys}, event FROM newest WHERE touched) AS touched USING ({keys}, event)"
            f" QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {columns.winner_first}) = 1) WHERE contested"
        )
        offered = engine.row("SELECT count(*) FROM offered")[0]
        scanned = until.rows()
    return Visible(scanned, entities, within_ttl, offered)


def read_offered(engine: Engine, spec: ViewSpec, rows_per_batch: int) -> "Iterator[pa.RecordBatch]":
    """The rows that :func:`newest_visible_rows` found, in order of their keys, as :func:`~.batches.packed_rows` takes them."""
    keys = ", ".join(quoted(f"{KEY}{name}") for name in spec.key_name.split(","))
    yield from engine.connection.execute(f"SELECT * FROM offered ORDER BY {keys}").to_arrow_reader(rows_per_batch)  # noqa: S608 - names are quoted


def _oldest(end: dt.datetime, ttl_us: int) -> dt.datetime | None:
    """The oldest event that is within the ttl; ``None`` where every one is: no ttl, or one that reaches before year 1."""
    if not ttl_us:
        return None
    try:
        return end - dt.timedelta(microseconds=ttl_us)
    except OverflowError:
        return None


def _of_days(dataset: Dataset, engine: Engine) -> Dataset:
    """The dataset less the partitions in which no row that may be offered stands."""
    days = {day for (day,) in engine.connection.execute("SELECT DISTINCT CAST(event AS DATE) FROM newest WHERE touched").fetchall()}
    return replace(dataset, parts=tuple(part for part in dataset.parts if part.day is None or part.day in days))


@dataclass(frozen=True)
class _Instants:
    """One time column of a source."""

    column: str
    expression: str
    kind: str

    @classmethod
    def of(cls, view: "FeatureView", dataset: Dataset, column: str) -> "_Instants":
        kind = dataset.columns[column]
        if kind == "DATE":
            return cls(column, f"CAST({quoted(column)} AS TIMESTAMP)", "TIMESTAMP")
        if not kind.startswith("TIMESTAMP"):
            raise SourceError(f"view {view.name}, column {column}: {kind} in {dataset.location}, but a timestamp is expected")
        return cls(column, quoted(column), kind)

    def literal(self, instant: dt.datetime) -> str:
        """``instant`` as SQL, in a type that the column is compared with as it stands: files are then left out by their statistics."""
        if self.kind == "TIMESTAMP_NS":  # DuckDB compares in nanoseconds, which end where no row can stand beyond
            instant = min(max(instant, _EPOCH - _MOST_NANOSECONDS), _EPOCH + _MOST_NANOSECONDS)
        utc = instant.astimezone(dt.UTC).replace(tzinfo=None).isoformat(sep=" ")
        return f"TIMESTAMPTZ '{utc}+00'" if self.kind == "TIMESTAMP WITH TIME ZONE" else f"TIMESTAMP '{utc}'"


@dataclass(frozen=True)
class _Key:
    """One join key's column, in the type that the view declares: readers ask by that one."""

    column: str | None
    expression: str

    @classmethod
    def of(cls, view: "FeatureView", dataset: Dataset, column: str, declared: str) -> "_Key":
        wanted = _KEYS.get(declared)
        if wanted is None:
            return cls(column, quoted(column))
        _refuse_another_kind(view, dataset, column, wanted)
        kind = _SQL_KEYS[wanted]
        return cls(column, quoted(column) if dataset.columns[column] == kind else f"CAST({quoted(column)} AS {kind})")


@dataclass(frozen=True)
class _Columns:
    """The SQL of one view's columns over one source."""

    key_columns: dict[str, _Key]  # by name, prefixed
    event: _Instants
    created: _Instants
    features: dict[str, str]  # the column by name, prefixed

    @classmethod
    def of(cls, view: "FeatureView", spec: ViewSpec, dataset: Dataset) -> "_Columns":
        source = view.batch_source
        named = {feature: column for column, feature in (source.field_mapping or {}).items()}
        created = source.created_timestamp_column or source.timestamp_field
        keys = [name for name in spec.key_name.split(",") if name != _WITHOUT_ENTITY]
        needed = [*(named.get(name, name) for name in (*keys, *spec.schema.names)), source.timestamp_field, created]
        absent = sorted({column for column in needed if column not in dataset.columns})
        if absent:
            raise StateError(
                f"view {view.name}: {dataset.location} has no column {', '.join(absent)} (there are: {', '.join(dataset.columns)});"
                " publish the source again, or mend the view"
            )
        for name, kind in spec.schema.fields:
            _refuse_another_kind(view, dataset, named.get(name, name), kind)
        declared = {column.name: column.dtype.to_value_type().name for column in view.entity_columns}
        return cls(
            key_columns={f"{KEY}{name}": _Key.of(view, dataset, named.get(name, name), declared.get(name, "")) for name in keys}
            or {f"{KEY}{_WITHOUT_ENTITY}": _Key(None, text(SINGLE_ENTITY))},
            event=_Instants.of(view, dataset, source.timestamp_field),
            created=_Instants.of(view, dataset, created),
            features={f"{VALUE}{name}": named.get(name, name) for name in spec.schema.names},
        )

    @property
    def keys(self) -> str:
        return ", ".join(map(quoted, self.key_columns))

    @property
    def offered(self) -> str:
        return ", ".join(map(quoted, [*self.key_columns, "event_us", "created_us", *self.features]))

    @property
    def winner_first(self) -> str:
        """Of an entity's rows of one event: the order in which the first counts, that of the offline join."""
        return winner_order("event_us", "created_us", [quoted(name) for name in sorted(self.features)])

    def visible(self, dataset: Dataset, end: dt.datetime, since: Since | None, features: bool) -> str:
        """SELECT of the rows visible at ``end``: keys, ``event``, ``fresh``; with ``features`` those and both times in microseconds too."""
        changed = [] if since is None else [place for place, part in enumerate(dataset.parts) if part.name in since.changed]
        columns = [f"{key.expression} AS {quoted(name)}" for name, key in self.key_columns.items()]
        columns += [f"{self.event.expression} AS event", f"{self._fresh(since, changed)} AS fresh"]
        if features:
            columns += [f"epoch_us({self.event.expression}) AS event_us", f"epoch_us({self.created.expression}) AS created_us"]
            columns += [f"{quoted(column)} AS {quoted(name)}" for name, column in self.features.items()]
        wanted = [f"{key.expression} IS NOT NULL" for key in self.key_columns.values()]
        wanted += [f"{each.expression} <= {each.literal(end)}" for each in (self.event, self.created)]
        read = [key.column for key in self.key_columns.values() if key.column] + [self.event.column, self.created.column]
        rows = dataset.scan(list(dict.fromkeys(read + (list(self.features.values()) if features else []))), located=bool(changed))
        return f"SELECT {', '.join(columns)} FROM {rows} WHERE {' AND '.join(wanted)}"  # noqa: S608 - names are quoted

    def _fresh(self, since: Since | None, changed: list[int]) -> str:
        """Whether a row was not there, or not visible, the last time: by its later time, or since its file is another."""
        if since is None:
            return "true"
        reasons = [f"{each.expression} > {each.literal(since.instant)}" for each in (self.event, self.created)]
        reasons += [f"file_index IN ({', '.join(map(str, changed))})"] if changed else []
        return f"({' OR '.join(reasons)})"


def _refuse_another_kind(view: "FeatureView", dataset: Dataset, column: str, declared: FieldType) -> None:
    """A cast would take the text "11.25" for a number, and one day meet "n/a": what is of another kind is refused, as the join does."""
    found, wanted = dataset.types[column], _FAMILIES.get(declared)
    if wanted is not None and type_family(found) not in (wanted, "null"):
        raise SourceError(
            f"view {view.name}, column {column}: {found} in {dataset.location}, but the view declares {declared.value};"
            " write the source as declared, or apply the view as its source is now"
        )
