"""The data of the offline benchmarks: entity rows, and feature views as Parquet files, as a shipper's look.

A view's rows: each key has one row every ``every_hours``, created some hours after its event; a few are late by days, a few are
corrected (the same event again, created later). No two rows of a key share event *and* created time unless ``tied_share`` asks for
it. Entity rows ask for random keys at random seconds, some for keys that no view has.
"""

import datetime as dt
import functools
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

FIRST_DAY = dt.datetime(2017, 1, 1, tzinfo=dt.UTC)
INSTANT = pa.timestamp("us", tz="UTC")
LAG_HOURS = 6
"""From a row's event to its creation, where it is not late."""
_HOUR = 3_600_000_000
_START = int(FIRST_DAY.timestamp()) * 1_000_000
_ROWS_PER_GROUP = 122_880  # DuckDB's own, so that one row group is the work of one thread


@dataclass(frozen=True)
class Shape:
    """How much data of which form. Defaults: the issue's 1.1 million rows a view.

    ``by_day``: a view is a folder with one file a day and not one file. ``distinct_values``: a feature has so many values, to keep large
    files small; 0: as many as rows.
    """

    name: str
    views: int = 1
    features: int = 20
    keys: int = 1_500
    days: int = 365
    every_hours: float = 12.0
    entity_rows: int = 500_000
    ttl_days: int = 30
    late_share: float = 0.03
    late_days: int = 10
    corrected_share: float = 0.01
    tied_share: float = 0.0
    unknown_share: float = 0.002
    integer_keys: bool = False
    by_day: bool = False
    distinct_values: int = 0
    seed: int = 7


@dataclass(frozen=True)
class World:
    """Where a shape's data lie. ``folder/<view>.parquet`` (or a folder of days) and ``folder/entities.parquet``."""

    folder: Path
    shape: Shape

    @property
    def views(self) -> dict[str, list[str]]:
        """The features of each view, in order."""
        return {f"v{v}": [f"v{v}_f{i}" for i in range(self.shape.features)] for v in range(self.shape.views)}

    @property
    def rows_per_view(self) -> int:
        """About: corrected and tied rows are drawn."""
        regular = self.shape.keys * round(self.shape.days * 24 / self.shape.every_hours)
        return round(regular * (1 + self.shape.corrected_share + self.shape.tied_share))

    @property
    def ttl(self) -> dt.timedelta:
        return dt.timedelta(days=self.shape.ttl_days)

    def path(self, view: str) -> Path:
        """What a view's source names: a file, or a folder with one folder a day."""
        return self.folder / (view if self.shape.by_day else f"{view}.parquet")

    def files(self, view: str) -> str:
        """The same as a glob, for those who read by globs."""
        return str(self.path(view) / "*" / "*.parquet") if self.shape.by_day else str(self.path(view))

    def entities(self, rows: int) -> pa.Table:
        """The first ``rows`` entity rows: ``row`` (0, 1, …), ``merchant_id``, ``event_timestamp``."""
        return pq.read_table(self.folder / "entities.parquet").slice(0, rows)

    def to_json(self) -> str:
        return json.dumps({"folder": str(self.folder), "shape": asdict(self.shape)})

    @classmethod
    def from_json(cls, text: str) -> "World":
        found = json.loads(text)
        return cls(Path(found["folder"]), Shape(**found["shape"]))


def make_world(folder: Path, shape: Shape) -> World:
    """Write a shape's data below ``folder``; the same shape gives the same bytes."""
    folder.mkdir(parents=True)
    world = World(folder, shape)
    for number, (view, features) in enumerate(world.views.items()):
        _write_view(world, view, features, np.random.default_rng([shape.seed, number]))
    pq.write_table(_entity_rows(shape), folder / "entities.parquet")
    return world


def tiny(shape: Shape) -> Shape:
    """A few rows of the same form: what a contender warms up on."""
    return replace(shape, name="warming up", keys=5, days=10, every_hours=24.0, entity_rows=20)


def feature_rows(
    shape: Shape, random: np.random.Generator, first_day: int, days: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Key numbers, event and created time (µs since 1970) of some days of one view, ordered by event, key, created."""
    steps = round(days * 24 / shape.every_hours)
    key = np.tile(np.arange(shape.keys), steps)
    start = _START + first_day * 24 * _HOUR
    event = start + (np.repeat(np.arange(steps), shape.keys) * (shape.every_hours * _HOUR)).astype(np.int64)
    created = event + LAG_HOURS * _HOUR
    is_late = random.random(len(key)) < shape.late_share
    created += np.where(is_late, random.integers(1, shape.late_days * 24, len(key)) * _HOUR, 0)
    again = np.flatnonzero(random.random(len(key)) < shape.corrected_share)
    tied = np.flatnonzero(random.random(len(key)) < shape.tied_share)
    later = created[again] + random.integers(1, 20 * 24, len(again)) * _HOUR
    key, event = np.concatenate([key, key[again], key[tied]]), np.concatenate([event, event[again], event[tied]])
    created = np.concatenate([created, later, created[tied]])
    order = np.lexsort([created, key, event])
    return key[order], event[order], created[order]


def key_column(shape: Shape, numbers: NDArray[np.int64]) -> pa.Array:
    """Keys as the shape has them: 15 letters of text, or integers."""
    if shape.integer_keys:
        return pa.array(numbers)
    return _names(int(numbers.max(initial=0)) + 1).take(pa.array(numbers))


@functools.lru_cache(maxsize=2)
def _names(count: int) -> pa.Array:
    return pa.array([f"merchant_{number:06d}" for number in range(count)])


def _write_view(world: World, view: str, features: list[str], random: np.random.Generator) -> None:
    shape = world.shape
    if not shape.by_day:
        table = _feature_table(shape, features, random, 0, shape.days)
        pq.write_table(table, world.path(view), compression="zstd", row_group_size=_ROWS_PER_GROUP)
        return
    for day in range(shape.days):
        folder = world.path(view) / f"event_date={FIRST_DAY + dt.timedelta(days=day):%Y-%m-%d}"
        folder.mkdir(parents=True)
        table = _feature_table(shape, features, random, day, 1)
        pq.write_table(table, folder / "part.parquet", compression="zstd", row_group_size=_ROWS_PER_GROUP)


def _feature_table(shape: Shape, features: list[str], random: np.random.Generator, first_day: int, days: int) -> pa.Table:
    key, event, created = feature_rows(shape, random, first_day, days)
    columns = {
        "merchant_id": key_column(shape, key),
        "event_timestamp": pa.array(event).cast(INSTANT),
        "created_timestamp": pa.array(created).cast(INSTANT),
    }
    for i, name in enumerate(features):
        is_count = i % 5 == 4
        values = random.integers(0, shape.distinct_values or 1_000, len(key)) if is_count else _numbers(shape, random, len(key))
        columns[name] = pa.array(values, mask=None if is_count else random.random(len(key)) < 0.02)
    return pa.table(columns)


def _numbers(shape: Shape, random: np.random.Generator, count: int) -> NDArray[np.float64]:
    if shape.distinct_values:
        return random.integers(0, shape.distinct_values, count) / 8
    return random.normal(size=count)


def _entity_rows(shape: Shape) -> pa.Table:
    random = np.random.default_rng([shape.seed, 99])
    key = random.integers(0, shape.keys, shape.entity_rows)
    is_unknown = random.random(shape.entity_rows) < shape.unknown_share
    first = min(20, shape.days // 2) * 86_400
    at = _START + random.integers(first, shape.days * 86_400, shape.entity_rows) * 1_000_000
    return pa.table(
        {
            "row": pa.array(np.arange(shape.entity_rows)),
            "merchant_id": key_column(shape, np.where(is_unknown, key + shape.keys, key)),
            "event_timestamp": pa.array(at).cast(INSTANT),
        }
    )
