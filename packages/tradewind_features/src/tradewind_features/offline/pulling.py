"""Rows of one source: all within a time range, or the newest of each entity."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from feast.feature_view import DUMMY_ENTITY_ID, DUMMY_ENTITY_VAL

from tradewind_contracts.errors import StateError
from tradewind_features.datasets import Dataset, quoted, type_family
from tradewind_features.offline.engine import Limits, open_engine, reading
from tradewind_features.offline.fetching import FILE_BITS, fetch
from tradewind_features.offline.joining import winner_order


@dataclass(frozen=True)
class Pull:
    """Which rows and columns of a source are asked for.

    Attributes:
        dataset: the source.
        keys: join keys; Feast's key of a view without entities may be absent from the source, and is then the empty text.
        features: feature columns.
        event: event-time column.
        created: created-time column, if there is one.
        start: first event that counts, inclusive; naive is UTC.
        end: last event, inclusive.
        known_at: whether rows created after ``end`` are left out of the newest.
    """

    dataset: Dataset
    keys: tuple[str, ...]
    features: tuple[str, ...]
    event: str
    created: str | None
    start: dt.datetime | None
    end: dt.datetime | None
    known_at: bool = False

    @property
    def columns(self) -> list[str]:
        """Columns of the answer: keys, features, event and created time."""
        return list(dict.fromkeys([*self.keys, *self.features, self.event, *([self.created] if self.created else [])]))

    def check(self) -> "Pull":
        """The same, if the source has its columns.

        Raises:
            StateError: it lacks one, or its event time is none.
        """
        lacking = [name for name in self.columns if name not in self.dataset.columns and name != DUMMY_ENTITY_ID]
        if lacking:
            raise StateError(
                f"source {self.dataset.name}, column {', '.join(lacking)}: not in {self.dataset.location} (found: {', '.join(self.dataset.columns)})"
            )
        for name in (self.event, *([self.created] if self.created else [])):
            if type_family(self.dataset.types[name]) != "time":
                raise StateError(
                    f"source {self.dataset.name}, column {name}: {self.dataset.types[name]} in {self.dataset.location}; a timestamp is expected"
                )
        return self

    def all_sql(self) -> str:
        """Places of all rows in the range, in the order of the files."""
        return f"SELECT {_PLACE} AS place FROM {self._scan([self.event])} s WHERE {self._within()} ORDER BY place"  # noqa: S608 - names are quoted

    def newest_sql(self) -> str:
        """Places of each entity's newest row in the range, in the order of the keys; of equal ones that with the greatest values."""
        keys = [quoted(key) for key in self.keys if key in self.dataset.columns]
        values = [quoted(name) for name in sorted(self.features)]
        created = quoted(self.created) if self.created else quoted(self.event)
        split = f"PARTITION BY {', '.join(keys)} " if keys else ""
        scan = self._scan([name for name in self.columns if name in self.dataset.columns])
        known = f" AND {self._bound(self.created, '<=', self.end)}" if self.known_at and self.created and self.end else ""
        return (
            f"SELECT {_PLACE} AS place FROM {scan} s WHERE {self._within()}{known}\n"  # noqa: S608 - names are quoted
            f"QUALIFY row_number() OVER ({split}ORDER BY {winner_order(quoted(self.event), created, values)}) = 1\n"
            f"ORDER BY {', '.join([*keys, 'place'])}"
        )

    def _scan(self, columns: Sequence[str]) -> str:
        return self.dataset.within(self.start, self.end).scan(columns, located=True)

    def _within(self) -> str:
        bounds = [(">=", self.start), ("<=", self.end)]
        return " AND ".join([self._bound(self.event, sign, at) for sign, at in bounds if at is not None]) or "true"

    def _bound(self, column: str, sign: str, at: dt.datetime | None) -> str:
        assert at is not None
        return f"{quoted(column)} {sign} {time_literal(self.dataset.columns[column], at)}"


_PLACE = f"(s.file_index::BIGINT << {FILE_BITS}) + s.file_row_number"


def time_literal(kind: str, at: dt.datetime) -> str:
    """An instant as a literal that compares with a column of a DuckDB type without a cast of the column; naive is UTC."""
    utc = at if at.tzinfo is None else at.astimezone(dt.UTC)
    said = utc.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    return f"TIMESTAMPTZ '{said}+00'" if kind.endswith("ZONE") else f"TIMESTAMP '{said}'"


def pull_all(pull: Pull, limits: Limits) -> pa.Table:
    """All rows in the range.

    Raises:
        StateError: a file was replaced or can't be read.
    """
    return _read(pull, pull.all_sql(), limits)


def pull_newest(pull: Pull, limits: Limits) -> pa.Table:
    """Each entity's newest row in the range.

    Raises:
        StateError: a file was replaced or can't be read.
    """
    return _read(pull, pull.newest_sql(), limits)


def distinct_keys(plans: Sequence[tuple[Pull, Sequence[tuple[str, str]]]], limits: Limits) -> pa.Table:
    """Every combination of keys with an event in the range in any of several sources, sorted; keys that a source does not have are null.

    Args:
        plans: for each source the range, and (name in the answer, column) of its keys.
        limits: what DuckDB may use.
    """
    selects = list(_distinct_selects(plans))
    names = list(dict.fromkeys(name for _, keys in plans for name, _ in keys))
    if not names:
        return pa.table({})
    order = ", ".join(map(quoted, names))
    with open_engine(limits) as engine:
        for pull, _ in plans:
            pull.dataset.footers()
        with reading(", ".join(pull.dataset.name for pull, _ in plans)):
            return engine.arrow(f"SELECT DISTINCT {order} FROM ({' UNION ALL BY NAME '.join(selects)}) ORDER BY {order}")  # noqa: S608 - names are quoted


def _distinct_selects(plans: Sequence[tuple[Pull, Sequence[tuple[str, str]]]]) -> Iterator[str]:
    for pull, keys in plans:
        if keys:
            listed = ", ".join(f"{quoted(column)} AS {quoted(name)}" for name, column in keys)
            present = " AND ".join(f"{quoted(column)} IS NOT NULL" for _, column in keys)
            scan = pull.dataset.within(pull.start, pull.end).scan([*dict.fromkeys([*(column for _, column in keys), pull.event])])
            yield f"SELECT DISTINCT {listed} FROM {scan} s WHERE {pull._within()} AND {present}"  # noqa: S608 - names are quoted


def _read(pull: Pull, sql: str, limits: Limits) -> pa.Table:
    dataset = pull.dataset.within(pull.start, pull.end)
    with reading(f"source {dataset.name}", dataset), open_engine(limits) as engine:
        places = np.asarray(engine.arrays(sql)["place"], np.int64)
        held = [name for name in pull.columns if name in dataset.columns]
        values = dict(zip(held, fetch(dataset, places, held, limits.threads), strict=True))
    if len(held) < len(pull.columns):
        values[DUMMY_ENTITY_ID] = pa.array([DUMMY_ENTITY_VAL] * len(places), pa.string())
    return pa.table([values[name] for name in pull.columns], names=pull.columns)
