"""The package's README is true: its rows give the values in its table of known-at, its Python runs, and its YAML is understood by Feast."""

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import small_repository as small
import yaml
from feast import FeatureStore
from feast.repo_config import RepoConfig

from tradewind_features.offline.store import PointInTimeOfflineStoreConfig
from tradewind_features.online.reader import OnlineReader
from tradewind_features.online.store import PackedSqliteOnlineStoreConfig

README = Path(__file__).resolve().parents[1] / "README.md"


def table(header: str) -> list[list[str]]:
    """The cells of the README's table with this header, row by row."""
    lines = README.read_text(encoding="utf-8").splitlines()
    first = lines.index(header) + 2
    rows = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(("column", "offline"), [("Feast's default", {"known_at": False}), ("here", {}), ("Feast's default", None)])
def test_the_readmes_rows_give_the_readmes_values(
    make_repository: Callable[..., FeatureStore], column: str, offline: dict[str, Any] | None
) -> None:
    settings = small.FEASTS if offline is None else small.OURS | {"offline_store": small.OURS["offline_store"] | offline}
    store = make_repository(settings=settings)
    rows = table("| event | created | pace | |")
    known = pa.table(
        {
            "courier_id": pa.array(["ana"] * len(rows)),
            "event_timestamp": pa.array([instant(row[0]) for row in rows], small.STAMP),
            "created_timestamp": pa.array([instant(row[1]) for row in rows], small.STAMP),
            "pace": pa.array([float(row[2]) for row in rows]),
            "trips": pa.array([1] * len(rows)),
            "grade": pa.array(["A"] * len(rows)),
            "is_new": pa.array([False] * len(rows)),
        }
    )
    pq.write_table(known, Path(store.repo_path) / "data" / "courier_pace.parquet")
    asked = table("| at | Feast's default | here | since |")
    place = {"Feast's default": 1, "here": 2}[column]
    frame = pd.DataFrame({"courier_id": "ana", "event_timestamp": [instant(row[0]) for row in asked]})
    found = store.get_historical_features(frame, ["courier_pace:pace"]).to_df().sort_values("event_timestamp")["pace"].tolist()
    assert [None if value != value else value for value in found] == [None if row[place] == "null" else float(row[place]) for row in asked]
    assert len(asked) == 5


def blocks(language: str) -> list[str]:
    """The README's code in a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_readmes_python_runs(make_repository: Callable[..., FeatureStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = small.OURS["offline_store"] | {"tables": {"orders": "data/orders.parquet"}}
    store = make_repository(settings=small.OURS | {"offline_store": settings})
    orders = pa.table({"courier_id": ["ana"], "ordered_at": pa.array([small.NOW], small.STAMP)})
    pq.write_table(orders, Path(store.repo_path) / "data" / "orders.parquet")
    store.materialize(small.BEGINNING, small.NOW)
    monkeypatch.chdir(store.repo_path)
    names: dict[str, Any] = {"now": small.NOW, "reader": OnlineReader("online.db")}
    for code in blocks("python"):
        exec(code, names)
    assert names["training"]["pace"].tolist()[0] == small.pace("ana", 3)
    assert names["trained_on"]["pace"].tolist() == [small.pace("ana", 11)]
    (described,) = names["job"].describe().joins
    assert "ASOF" in described.sql.upper()
    assert described.seconds > 0
    assert names["vectors"].values.tolist() == [[small.pace("ana", 11), 10.0], [small.pace("ben", 11), 20.0]]


def test_the_readmes_yaml_is_what_the_stores_take(tmp_path: Path) -> None:
    whole, *parts = [yaml.safe_load(code) for code in blocks("yaml")]
    for part in [{}, *parts]:
        config = RepoConfig(**(whole | part), entity_key_serialization_version=3, repo_path=tmp_path)
        assert config.provider == whole["provider"]
        for store in ("offline_store", "online_store"):
            given = (whole | part)[store]
            assert getattr(config, store).model_fields_set == set(given), store
    assert len(parts) == 3
    store = PointInTimeOfflineStoreConfig(**parts[0]["offline_store"])
    assert (store.model_fields_set, store) == (set(PointInTimeOfflineStoreConfig.model_fields), PointInTimeOfflineStoreConfig())
    online = PackedSqliteOnlineStoreConfig(**parts[1]["online_store"])
    assert (online.model_fields_set, online) == (set(PackedSqliteOnlineStoreConfig.model_fields), PackedSqliteOnlineStoreConfig())
