"""A small Feast repository in a folder of its own: rows whose numbers tell courier, depot and day apart, and a store over them."""

import datetime as dt
import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from feast import FeatureStore

UTC = dt.UTC
STAMP = pa.timestamp("us", tz="UTC")
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
LAG = 2 * HOUR
START = dt.datetime(2024, 3, 1, tzinfo=UTC)
DAYS = 12
NOW = START + 11 * DAY + 6 * HOUR
"""The instant at which the repository's clock stands: six hours after the newest daily row."""
BEGINNING = dt.datetime(2000, 1, 1, tzinfo=UTC)

COURIERS = ("ana", "ben", "cleo", "dag")
DEPOTS = (1, 2, 3)
LAST_DAY_OF_CLEO = 5
CORRECTED_DAY, CORRECTED_AT, CORRECTION = 4, START + 8 * DAY, -1000.0
"""Ana's row of this day is said again, otherwise, this late."""
LATE_EVENT, LATE_AT, LATE_PACE = START + 10 * DAY + 12 * HOUR, START + 11 * DAY + 5 * HOUR, 777.0
"""Ben's row of this event arrives so late that the one of the next day was there before it."""

_ABSOLUTE, _RELATIVE = 'DATA = Path(__file__).resolve().parent / "data"', 'DATA = Path("data")'

OURS: dict[str, Any] = {
    "provider": "tradewind_features.provider.TradewindProvider",
    "registry": {"registry_store_type": "tradewind_features.registry_file.AtomicFileRegistryStore", "path": "registry.db"},
    "offline_store": {"type": "tradewind_features.offline.store.PointInTimeOfflineStore", "threads": 1, "memory_limit": "1GB"},
    "online_store": {
        "type": "tradewind_features.online.store.PackedSqliteOnlineStore",
        "path": "online.db",
        "frozen_at": NOW.isoformat(),
    },
}
FEASTS: dict[str, Any] = {
    "provider": "local",
    "registry": "registry.db",
    "offline_store": {"type": "duckdb"},
    "online_store": {"type": "sqlite", "path": "online.db"},
}


def day(number: float, hours: float = 0.0) -> dt.datetime:
    """The start of day ``number`` plus hours."""
    return START + number * DAY + hours * HOUR


def pace(courier: str, number: int) -> float:
    """What the rows say of a courier's pace on a day."""
    return 10.0 * COURIERS.index(courier) + number + 0.25


def traffic(depot: int, number: int) -> int:
    """What the rows say of a depot's visits on a day."""
    return 1000 * depot + number


def courier_pace_rows() -> pa.Table:
    """A row for each courier and day, one correction and one late row. Cleo stops early; every fifth grade is null."""
    rows = [
        (courier, day(number), day(number) + LAG, pace(courier, number), 100 * place + number, "ABC"[number % 3], number < 3)
        for place, courier in enumerate(COURIERS)
        for number in range(LAST_DAY_OF_CLEO + 1 if courier == "cleo" else DAYS)
    ]
    rows += [
        ("ana", day(CORRECTED_DAY), CORRECTED_AT, CORRECTION, 0, "corrected", False),
        ("ben", LATE_EVENT, LATE_AT, LATE_PACE, 0, "late", False),
    ]
    return pa.table(
        {
            "courier_id": pa.array([row[0] for row in rows], pa.string()),
            "event_timestamp": pa.array([row[1] for row in rows], STAMP),
            "created_timestamp": pa.array([row[2] for row in rows], STAMP),
            "pace": pa.array([row[3] for row in rows], pa.float64()),
            "trips": pa.array([row[4] for row in rows], pa.int64()),
            "grade": pa.array([None if place % 5 == 4 else row[5] for place, row in enumerate(rows)], pa.string()),
            "is_new": pa.array([row[6] for row in rows], pa.bool_()),
        }
    )


def depot_profile_rows() -> pa.Table:
    """Where depots are, since long ago; no created time."""
    since = START - 400 * DAY
    return pa.table(
        {
            "depot_id": pa.array(DEPOTS, pa.int64()),
            "event_timestamp": pa.array([since] * len(DEPOTS), STAMP),
            "city": pa.array(["Porto", "Lyon", None], pa.string()),
            "docks": pa.array([10 * depot for depot in DEPOTS], pa.int64()),
            "area_m2": pa.array([100.5 * depot for depot in DEPOTS], pa.float64()),
        }
    )


def shift_load_rows() -> pa.Table:
    """A row for each courier, depot and day, every second day; the key and a value bear other names than the view's."""
    stamps = [(courier, depot, day(number)) for courier in COURIERS for depot in DEPOTS for number in range(0, DAYS, 2)]
    return pa.table(
        {
            "courier": pa.array([courier for courier, _, _ in stamps], pa.string()),
            "depot_id": pa.array([depot for _, depot, _ in stamps], pa.int64()),
            "observed_at": pa.array([at for _, _, at in stamps], STAMP),
            "recorded_at": pa.array([at + LAG for _, _, at in stamps], STAMP),
            "load_raw": pa.array([float(place) for place in range(len(stamps))], pa.float64()),
            "parcels": pa.array(range(len(stamps)), pa.int64()),
        }
    )


def depot_traffic_rows() -> pa.Table:
    """A row for each depot and day, its instants without a zone (they are UTC)."""
    stamps = [(depot, number) for depot in DEPOTS for number in range(DAYS)]
    naive = pa.timestamp("us")
    return pa.table(
        {
            "depot_id": pa.array([depot for depot, _ in stamps], pa.int64()),
            "event_timestamp": pa.array([day(number).replace(tzinfo=None) for _, number in stamps], naive),
            "created_timestamp": pa.array([(day(number) + LAG).replace(tzinfo=None) for _, number in stamps], naive),
            "visits": pa.array([traffic(depot, number) for depot, number in stamps], pa.int64()),
            "queue_minutes": pa.array([number / depot for depot, number in stamps], pa.float64()),
        }
    )


TABLES = {
    "courier_pace": courier_pace_rows,
    "depot_profile": depot_profile_rows,
    "shift_load": shift_load_rows,
    "depot_traffic": depot_traffic_rows,
}


def write_repository(folder: Path, settings: dict[str, Any] | None = None, relative: bool = False) -> Path:
    """Make ``folder`` a Feast repository: declarations, ``feature_store.yaml`` and the rows. Nothing is applied yet.

    ``relative``: the sources' paths are relative to the repository, so that a copy of it is one too. (Feast's DuckDB store would take
    them from the folder that the process runs in.)
    """
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    for name, rows in TABLES.items():
        pq.write_table(rows(), data / f"{name}.parquet")
    said = Path(__file__).with_name("courier_repository.py").read_text(encoding="utf-8")
    assert _ABSOLUTE in said
    (folder / "definitions.py").write_text(said.replace(_ABSOLUTE, _RELATIVE) if relative else said, encoding="utf-8")
    config = {"project": "couriers", "entity_key_serialization_version": 3} | (OURS if settings is None else settings)
    (folder / "feature_store.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return folder


def declarations(folder: Path) -> ModuleType:
    """What the repository in ``folder`` declares, over its own data."""
    name = f"definitions_of_{abs(hash(str(folder)))}"
    spec = importlib.util.spec_from_file_location(name, folder / "definitions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Feast asks for an on-demand function's source by its module
    spec.loader.exec_module(module)
    return module


def declared_objects(folder: Path) -> list[Any]:
    """Entities, views and services of the repository in ``folder``, as ``apply`` takes them."""
    module = declarations(folder)
    names = (
        "courier", "depot", "courier_pace_pushed", "courier_pace", "depot_profile", "shift_load", "depot_traffic", "delivery_estimate",
        "dispatch", "lanes",
    )  # fmt: skip
    return [getattr(module, name) for name in names]


def applied(folder: Path) -> FeatureStore:
    """Feast's store over the repository in ``folder``, everything applied."""
    store = FeatureStore(repo_path=str(folder))
    store.apply(declared_objects(folder))
    return store


def copied(folder: Path, to: Path) -> FeatureStore:
    """Feast's store over a copy of an applied repository with relative paths."""
    shutil.copytree(folder, to)
    return FeatureStore(repo_path=str(to))


def entity_rows(count: int = 40) -> pd.DataFrame:
    """``count`` entity rows over all days: known and unknown couriers, instants between and on those of the rows; ``row`` numbers them."""
    couriers, depots = [*COURIERS, "nobody"], [*DEPOTS, 9]
    instants = [day((7 * number) % (DAYS + 3), hours=(5 * number) % 24) for number in range(count)]
    return pd.DataFrame(
        {
            "row": range(count),
            "courier_id": [couriers[number % len(couriers)] for number in range(count)],
            "depot_id": [depots[number % len(depots)] for number in range(count)],
            "event_timestamp": pd.to_datetime(instants, utc=True).as_unit("us"),
            "distance_km": [1.0 + number for number in range(count)],
        }
    )
