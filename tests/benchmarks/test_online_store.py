"""The packed online store beside Feast's own SQLite store, in one run on the same rows: filling and reading. `make bench` prints it."""

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64

from tradewind_features.online.reader import OnlineReader
from tradewind_lifecycle.feature_store import quiet_feast

pytestmark = pytest.mark.benchmark

VIEWS, FEATURES, ENTITIES, READS = 3, 10, 10_000, 400
NOW = dt.datetime(2018, 5, 1, tzinfo=dt.UTC)
OURS = {
    "provider": "tradewind_features.provider.TradewindProvider",
    "online_store": "tradewind_features.online.store.PackedSqliteOnlineStore",
}
FEASTS = {"provider": "local", "online_store": "sqlite"}


def views_of(folder: Path) -> tuple[Entity, list[FeatureView]]:
    random = np.random.default_rng(7)
    entity = Entity(name="merchant", join_keys=["merchant_id"], value_type=ValueType.STRING)
    views = []
    for number in range(VIEWS):
        names = [f"f{number}_{i}" for i in range(FEATURES)]
        stamps = pa.array([NOW - dt.timedelta(hours=6)] * ENTITIES, pa.timestamp("us", tz="UTC"))
        columns = {"merchant_id": pa.array([f"m{i:06d}" for i in range(ENTITIES)]), "event_timestamp": stamps, "created_timestamp": stamps}
        pq.write_table(pa.table(columns | {n: pa.array(random.normal(size=ENTITIES)) for n in names}), folder / f"v{number}.parquet")
        source = FileSource(
            path=str(folder / f"v{number}.parquet"), timestamp_field="event_timestamp", created_timestamp_column="created_timestamp"
        )
        schema = [Field(name=n, dtype=Float64) for n in names]
        views.append(FeatureView(name=f"v{number}", entities=[entity], ttl=dt.timedelta(days=3), schema=schema, source=source))
    return entity, views


def store_of(folder: Path, kinds: dict[str, str]) -> FeatureStore:
    folder.mkdir()
    config = RepoConfig(
        project="bench",
        provider=kinds["provider"],
        registry=str(folder / "registry.db"),
        online_store={"type": kinds["online_store"], "path": str(folder / "online.db")},
        offline_store={"type": "duckdb"},
        entity_key_serialization_version=3,
    )
    return FeatureStore(config=config)


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def quantiles(work: Callable[[int], object]) -> tuple[float, float]:
    work(0)
    taken = [seconds(lambda i=i: work(i)) for i in range(READS)]
    return float(np.median(taken)) * 1e3, float(np.quantile(taken, 0.99)) * 1e3


@pytest.mark.filterwarnings("ignore")
def test_filling_and_reading_beside_feasts_sqlite_store(tmp_path: Path) -> None:
    features = [f"v{v}:f{v}_{i}" for v in range(VIEWS) for i in range(FEATURES)]
    keys = [f"m{i * 7919 % ENTITIES:06d}" for i in range(READS)]
    filled, read = {}, {}
    with quiet_feast():
        stores = {name: store_of(tmp_path / name, kinds) for name, kinds in (("packed", OURS), ("feast", FEASTS))}
        for name, store in stores.items():
            folder = tmp_path / name
            entity, views = views_of(folder)
            store.apply([entity, *views])
            filled[name] = VIEWS * ENTITIES / seconds(lambda store=store: store.materialize(NOW - dt.timedelta(days=2), NOW))
        feast = stores["feast"]
        read["feast SDK"] = quantiles(lambda i: feast.get_online_features(features, [{"merchant_id": keys[i]}]).to_dict())
        packed = stores["packed"]
        read["feast SDK, packed store"] = quantiles(lambda i: packed.get_online_features(features, [{"merchant_id": keys[i]}]).to_dict())
    reader = OnlineReader(tmp_path / "packed" / "online.db")
    read["reader"] = quantiles(lambda i: reader.read_views({f"v{v}": [keys[i]] for v in range(VIEWS)}, NOW))
    ours = reader.read("v0", [keys[0]], NOW).values["f0_0"][0]
    reader.close()
    theirs = feast.get_online_features(["v0:f0_0"], [{"merchant_id": keys[0]}]).to_dict()["f0_0"][0]
    assert ours == theirs
    lines = pd.DataFrame({"p50 ms": {n: v[0] for n, v in read.items()}, "p99 ms": {n: v[1] for n, v in read.items()}}).round(3)
    print(f"\nfilling, {VIEWS} views × {FEATURES} features × {ENTITIES:,} entities: packed {filled['packed']:,.0f} rows/s,", end=" ")
    print(f"Feast's SQLite {filled['feast']:,.0f} rows/s, ratio {filled['packed'] / filled['feast']:.0f}")
    print(f"reading one row of {VIEWS} views:\n{lines}\nratio of p50, feast SDK to reader: {read['feast SDK'][0] / read['reader'][0]:.1f}")
