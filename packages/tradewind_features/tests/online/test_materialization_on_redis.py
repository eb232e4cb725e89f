"""Materialization, push and erasure with the online store on Redis: what a file holds, a server holds."""

from pathlib import Path

import pytest
from feast import RepoConfig
from parcel_rows import Ground, at, ground

from tradewind_features.materialization import materialize_view, materialized_now, read_materializations, standing
from tradewind_features.online.reader import OnlineReader, Presence
from tradewind_features.pushing.erasing import erase_entity
from tradewind_features.pushing.intake import PushIntake, write_online

pytestmark = pytest.mark.redis
KEYS = ["ana", "ben", "cleo"]


@pytest.fixture
def place(tmp_path: Path, server_location: str) -> Ground:
    """Rows of two couriers by day, and a store on the server whose clock is frozen."""
    made = ground(tmp_path)
    made.write_days([("ana", 0, 1, 1.0, "A"), ("ben", 0, 1, 2.0, "B"), ("ana", 24, 25, 3.0, "C"), ("ben", 10, 26, 4.0, "late")])
    url, _, prefix = server_location.partition("?prefix=")
    config = RepoConfig(
        project="couriers",
        provider="tradewind_features.provider.TradewindProvider",
        registry=str(tmp_path / "registry.db"),
        offline_store={"type": "tradewind_features.offline.store.PointInTimeOfflineStore", "pushed": str(tmp_path / "pushed")},
        online_store={
            "type": "tradewind_features.online.store.PackedRedisOnlineStore",
            "url": url,
            "prefix": prefix,
            "materializations": str(tmp_path / "materializations"),
            "frozen_at": at(30),
        },
        entity_key_serialization_version=3,
        repo_path=tmp_path,
    )
    return Ground(tmp_path, made.view, config)


def grades(location: str, hours: float) -> list[str | None]:
    """The couriers' grades as they are served."""
    rows = OnlineReader(location).read("courier_pace", KEYS, at(hours))
    return [grade if presence == Presence.PRESENT else None for grade, presence in zip(rows.values["grade"], rows.presence, strict=True)]


def test_it_goes_on_by_increments_and_back_with_a_clock_that_is_set_back(place: Ground, server_location: str) -> None:
    first = materialize_view(place.config, place.view, at(12))
    assert (first.mode, first.offered, grades(server_location, 12)) == ("whole", 2, ["A", "B", None])
    second = materialize_view(place.config, place.view, at(30))
    assert (second.mode, second.offered, second.written, grades(server_location, 30)) == ("incremental", 2, 2, ["C", "late", None])
    assert standing(place.config, place.view, at(30)) == second
    assert materialized_now(server_location) == {"courier_pace": second}
    back = materialize_view(place.config, place.view, at(12))
    assert (back.mode, back.forgotten, back.offered, grades(server_location, 12)) == ("whole", 2, 2, ["A", "B", None])
    assert [record.id for record in read_materializations(place.folder / "materializations")] == [first.id, back.id, second.id]


def test_a_writer_that_died_is_mended_by_doing_it_again(place: Ground, server_location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tradewind_features.online.redis_store import RedisBackend

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    materialize_view(place.config, place.view, at(12))
    with monkeypatch.context() as patched:
        patched.setattr(RedisBackend, "note_materialized", dies)
        with pytest.raises(KeyboardInterrupt):
            materialize_view(place.config, place.view, at(30))
    again = materialize_view(place.config, place.view, at(30))
    assert (again.mode, again.offered, grades(server_location, 30)) == ("incremental", 2, ["C", "late", None])


def test_what_is_pushed_and_erased_is_so_on_the_server_and_in_the_log(place: Ground, server_location: str) -> None:
    import pyarrow as pa

    materialize_view(place.config, place.view, at(30))
    record = pa.table({"courier_id": ["ana"], "event_timestamp": [at(29)], "pace": [9.0], "grade": ["pushed"]})
    assert write_online(place.config, place.view, PushIntake().take(place.config, place.view, record, "online")) == 1
    assert grades(server_location, 30) == ["pushed", "late", None]
    done = erase_entity(place.config, [place.view], "courier_id", "ana")
    assert (done.online, done.pushed) == ({"courier_pace": 1}, {"courier_pace": 1})
    materialize_view(place.config, place.view, at(30), whole=True)
    assert grades(server_location, 30) == [None, "late", None]
