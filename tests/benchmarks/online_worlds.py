"""The data of the online benchmarks: views of ten features, published by day, and the stores that they are kept in."""

import contextlib
import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from feast import FeatureStore, FeatureView
from numpy.typing import NDArray

from tests.benchmarks.feast_repositories import file_view, merchant, open_store
from tests.benchmarks.joined_worlds import INSTANT
from tests.benchmarks.online_reads import FEASTS, FEASTS_ON_REDIS, OURS, OURS_ON_REDIS, SERVER, prefix

FEATURES, DAYS = 10, 5
TTL = dt.timedelta(days=30)
FIRST_DAY = dt.datetime(2018, 5, 1, tzinfo=dt.UTC)
FILLED_AT = FIRST_DAY + dt.timedelta(days=DAYS)
"""When the first materialization ends: all days are there, but for the rows that come late."""
ADDED_AT = FILLED_AT + dt.timedelta(hours=12)
"""When the second ends: late rows of the last day, and the first rows of the next, were created six hours earlier."""
_LAG = dt.timedelta(hours=6)


@dataclass(frozen=True)
class OnlineWorld:
    """``views`` views over ``entities`` keys below ``folder``: one row of each key and day, in a folder a day."""

    folder: Path
    views: int
    entities: int

    @property
    def features(self) -> dict[str, list[str]]:
        return {f"v{v}": [f"v{v}_f{i}" for i in range(FEATURES)] for v in range(self.views)}

    @property
    def references(self) -> list[str]:
        return [f"{view}:{name}" for view, names in self.features.items() for name in names]

    def late(self) -> NDArray[np.int64]:
        """Keys whose row of the last day comes after the first materialization: 0.5 %."""
        return np.arange(0, self.entities, 200)

    def forward(self) -> NDArray[np.int64]:
        """Keys that have a row of the next day at the second materialization: 0.5 %."""
        return np.arange(100, self.entities, 200)


def key_of(number: int) -> str:
    return f"merchant_{number:06d}"


def make_sources(world: OnlineWorld) -> None:
    """Write all days; rows of late keys are left out of the last."""
    for number, view in enumerate(world.features):
        for day in range(DAYS):
            keys = np.arange(world.entities)
            if day == DAYS - 1:
                keys = np.setdiff1d(keys, world.late())
            _write(world, view, day, keys, "part.parquet", np.random.default_rng([number, day]), created=None)


def add_new_rows(world: OnlineWorld) -> int:
    """Write what came between the two materializations: 1 % of the keys, half of them late, half ahead; how many rows of one view."""
    created = ADDED_AT - _LAG
    for number, view in enumerate(world.features):
        _write(world, view, DAYS - 1, world.late(), "late.parquet", np.random.default_rng([number, 98]), created)
        _write(world, view, DAYS, world.forward(), "part.parquet", np.random.default_rng([number, 99]), created)
    return len(world.late()) + len(world.forward())


def settings_of(kind: str, folder: Path) -> dict[str, Any]:
    """Of ``feature_store.yaml``, for our store or Feast's in ``folder``, or on the Redis of this machine."""
    ours = "tradewind_features.online.store"
    online: dict[str, Any] = {
        OURS: {"type": f"{ours}.PackedSqliteOnlineStore", "path": str(folder / "online.db"), "frozen_at": ADDED_AT},
        OURS_ON_REDIS: {"type": f"{ours}.PackedRedisOnlineStore", "url": SERVER, "prefix": prefix(folder), "frozen_at": ADDED_AT},
        FEASTS: {"type": "sqlite", "path": str(folder / "online.db")},
        FEASTS_ON_REDIS: {"type": "redis", "connection_string": "127.0.0.1:6379,db=15"},
    }
    if kind in {OURS, OURS_ON_REDIS}:
        offline = {"type": "tradewind_features.offline.store.PointInTimeOfflineStore"}
        return {"provider": "tradewind_features.provider.TradewindProvider", "online_store": online[kind], "offline_store": offline}
    return {"provider": "local", "online_store": online[kind], "offline_store": {"type": "duckdb"}}


def open_online(kind: str, world: OnlineWorld, folder: Path) -> FeatureStore:
    """A Feast repository of that kind with the world's views applied; nothing is materialized yet."""
    entity = merchant()
    views = [_view(kind, world, view, names) for view, names in world.features.items()]
    return open_store(folder, entity, views, **settings_of(kind, folder))


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Without the progress that Feast prints: terminals are slow."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def _view(kind: str, world: OnlineWorld, view: str, names: list[str]) -> FeatureView:
    path = world.folder / view
    return file_view(merchant(), view, str(path if kind in {OURS, OURS_ON_REDIS} else path / "*" / "*.parquet"), names, TTL)


def _write(
    world: OnlineWorld, view: str, day: int, keys: NDArray[np.int64], name: str, random: np.random.Generator, created: dt.datetime | None
) -> None:
    event = FIRST_DAY + dt.timedelta(days=day)
    columns = {
        "merchant_id": pa.array([key_of(number) for number in keys.tolist()]),
        "event_timestamp": pa.array([event] * len(keys), INSTANT),
        "created_timestamp": pa.array([created or event + _LAG] * len(keys), INSTANT),
    }
    columns |= {feature: pa.array(random.normal(size=len(keys))) for feature in world.features[view]}
    folder = world.folder / view / f"event_date={event:%Y-%m-%d}"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / name, compression="zstd")
