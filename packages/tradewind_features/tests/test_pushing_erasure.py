"""One entity goes from the online store and from the logs, and does not come back; everybody else stays."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import small_repository
from feast import FeatureStore
from feast.data_source import PushMode
from small_repository import NOW

from tradewind_contracts.errors import NotFoundError
from tradewind_features.online.reader import OnlineReader, Presence
from tradewind_features.pushing.erasing import erase_entity
from tradewind_features.pushing.listing import pushed_files


@pytest.fixture
def store(make_repository: Callable[..., FeatureStore]) -> FeatureStore:
    """A small repository with a log of pushed rows, in which Ana and Ben stand, materialized."""
    offline = small_repository.OURS["offline_store"] | {"pushed": "pushed"}
    made = make_repository("erasing", small_repository.OURS | {"offline_store": offline})
    made.materialize(small_repository.BEGINNING, NOW)
    for courier in ("ana", "ben"):
        made.push("courier_pace_pushed", record(courier), to=PushMode.ONLINE_AND_OFFLINE)
    return made


def record(courier: str) -> pd.DataFrame:
    event = pd.Timestamp(NOW - small_repository.HOUR)
    return pd.DataFrame(
        {"courier_id": [courier], "event_timestamp": [event], "pace": [1.5], "trips": [1], "grade": ["x"], "is_new": [False]}
    )


def presence(store: FeatureStore, view: str, keys: list[str]) -> list[int]:
    return OnlineReader(Path(store.repo_path) / "online.db").read(view, keys, NOW).presence.tolist()


def test_an_erased_entity_is_nowhere_and_stays_away(store: FeatureStore) -> None:
    assert presence(store, "shift_load", ['["ana",1]', '["ben",1]']) == [Presence.EXPIRED] * 2
    done = erase_entity(store.config, store.list_batch_feature_views(), "courier_id", "ana")
    assert done.online == {"courier_pace": 1, "shift_load": 3}
    assert done.pushed == {"courier_pace": 1, "shift_load": 0}
    assert {name: Path(path).name for name, path in done.published.items()} == {
        "courier_pace_rows": "courier_pace.parquet",
        "shift_load_rows": "shift_load.parquet",
    }
    assert done.at == NOW
    assert presence(store, "courier_pace", ["ana", "ben"]) == [Presence.ABSENT, Presence.PRESENT]
    assert presence(store, "shift_load", ['["ana",1]', '["ben",1]']) == [Presence.ABSENT, Presence.EXPIRED]
    files = pushed_files(Path(store.repo_path) / "pushed" / "courier_pace_rows")
    log = [courier for path in files for courier in pq.ParquetFile(path).read()["courier_id"].to_pylist()]
    assert log == ["ben"]

    store.materialize(small_repository.BEGINNING, NOW, disable_event_timestamp=True)
    assert presence(store, "courier_pace", ["ana", "ben"]) == [Presence.ABSENT, Presence.PRESENT]
    record_of = {each.view: each for each in store._get_provider().materialized}
    assert record_of["courier_pace"].offered - record_of["courier_pace"].written == 1


def test_a_key_that_no_view_has_is_refused(store: FeatureStore) -> None:
    with pytest.raises(NotFoundError, match=r"join key 'customer_id': no view has it \(there are: courier_id, depot_id\)"):
        erase_entity(store.config, store.list_batch_feature_views(), "customer_id", "ana")
