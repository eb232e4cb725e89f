"""Feast's feature server behind its door: who may ask, for what, how much, and the same values as the reader gives."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import small_repository
from feast import FeatureStore
from small_repository import NOW

from tradewind_contracts.errors import SettingsError
from tradewind_features.feature_server import Access, guarded_app
from tradewind_features.online.reader import OnlineReader

KEY = "k-8f2a"
ASKED = {
    "features": ["courier_pace:pace", "courier_pace:grade", "depot_profile:docks"],
    "entities": {"courier_id": ["ana", "zoe"], "depot_id": [2, 9]},
}


@pytest.fixture
def store(make_repository: Callable[..., FeatureStore]) -> FeatureStore:
    """A small repository with a log of pushed rows, materialized."""
    offline = small_repository.OURS["offline_store"] | {"pushed": "pushed"}
    made = make_repository("served", small_repository.OURS | {"offline_store": offline})
    made.materialize(small_repository.BEGINNING, NOW)
    return made


def ask(app: Any, method: str, path: str, client: str = "127.0.0.1", host: str = "localhost", **options: Any) -> httpx.Response:
    """One request to ``app`` in this process."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(client, 5))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as session:
            return await session.request(method, path, **options)

    return asyncio.run(asked())


def bearer(key: str = KEY) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def values(answer: dict[str, Any]) -> dict[str, list[Any]]:
    """Feast's answer as columns."""
    return dict(zip(answer["metadata"]["feature_names"], (result["values"] for result in answer["results"]), strict=True))


def test_it_does_not_start_without_a_key_unless_anonymous_use_of_loopback_is_asked_for() -> None:
    for host, anonymous in (("127.0.0.1", False), ("0.0.0.0", False), ("0.0.0.0", True), ("10.0.0.7", True)):
        for key in (None, ""):
            with pytest.raises(SettingsError, match=f"no key, and it binds {host}"):
                Access.of(host, key, anonymous)
    assert Access.of("127.0.0.1", None, anonymous=True) == Access(None, True)
    assert Access.of("0.0.0.0", KEY, anonymous=True) == Access(KEY.encode(), False)


def test_values_are_those_of_the_reader(store: FeatureStore) -> None:
    app = guarded_app(store, api_key=KEY)
    answer = ask(app, "POST", "/get-online-features", json=ASKED, headers=bearer())
    assert answer.status_code == 200
    reader = OnlineReader(Path(store.repo_path) / "online.db")
    pace = reader.read("courier_pace", ["ana", "zoe"], NOW)
    docks = reader.read("depot_profile", [2, 9], NOW)
    assert values(answer.json()) == {
        "courier_id": ["ana", "zoe"],
        "depot_id": [2, 9],
        "pace": [pace.values["pace"][0], None],
        "grade": [pace.values["grade"][0], None],
        "docks": [docks.values["docks"][0], None],
    }
    assert pace.values["pace"][0] == small_repository.pace("ana", 11)


def test_a_record_pushed_over_http_is_served_next_and_stands_in_the_log(store: FeatureStore) -> None:
    app = guarded_app(store, api_key=KEY)
    record = {
        "courier_id": ["zoe"],
        "event_timestamp": ["2024-03-12T05:30:00Z"],
        "pace": [3.5],
        "trips": [4],
        "grade": [None],
        "is_new": [True],
    }
    push = {"push_source_name": "courier_pace_pushed", "df": record, "to": "online_and_offline"}
    assert ask(app, "POST", "/push", json=push, headers=bearer()).status_code == 200
    assert values(ask(app, "POST", "/get-online-features", json=ASKED, headers=bearer()).json())["pace"][1] == 3.5
    import pandas as pd

    asked = pd.DataFrame(
        {"courier_id": ["zoe", "zoe"], "event_timestamp": [pd.Timestamp(NOW), pd.Timestamp(NOW - small_repository.HOUR / 4)]}
    )
    joined = store.get_historical_features(asked, ["courier_pace:pace"]).to_df().sort_values("event_timestamp")
    assert joined["pace"].fillna(-1).tolist() == [-1, 3.5]


def test_nothing_passes_without_the_key(store: FeatureStore) -> None:
    app = guarded_app(store, api_key=KEY)
    headers: list[dict[str, str]] = [
        {},
        bearer("k-8f2b"),
        bearer(""),
        {"authorization": KEY},
        {"authorization": f"Basic {KEY}"},
        {"x-api-key": "no"},
    ]
    for path in ("/get-online-features", "/push", "/docs", "/nowhere"):
        for given in headers:
            answer = ask(app, "POST", path, json=ASKED, headers=given)
            assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized")
    assert ask(app, "POST", "/get-online-features", json=ASKED, headers={"x-api-key": KEY}).status_code == 200
    assert ask(app, "GET", "/health").status_code == 200


def test_anonymous_use_is_from_this_machine_under_its_own_name(store: FeatureStore) -> None:
    app = guarded_app(store, anonymous=True)
    assert ask(app, "POST", "/get-online-features", json=ASKED).status_code == 200
    assert ask(app, "POST", "/get-online-features", json=ASKED, client="10.0.0.7").status_code == 401
    assert ask(app, "POST", "/get-online-features", json=ASKED, host="evil.example").status_code == 401


def test_what_else_feast_has_is_closed(store: FeatureStore) -> None:
    app = guarded_app(store, api_key=KEY)
    inner: Any = app._app  # type: ignore[attr-defined]  # the app behind the door
    paths = {(method, route.path) for route in inner.routes for method in getattr(route, "methods", None) or {"GET"}}
    closed = paths - {("POST", "/get-online-features"), ("POST", "/push"), ("GET", "/health")}
    assert {"/materialize", "/write-to-online-store", "/docs", "/openapi.json", "/chat", "/static"} <= {path for _, path in closed}
    for method, path in sorted(closed):
        assert ask(app, method, path, json={}, headers=bearer()).status_code == 404, path


def test_a_body_is_json_and_bounded(store: FeatureStore) -> None:
    app = guarded_app(store, api_key=KEY, max_body_bytes=200)
    form = ask(app, "POST", "/push", data={"a": "b"}, headers=bearer())
    assert (form.status_code, form.json()["error"]) == (415, "unsupported_media_type")
    packed = ask(app, "POST", "/push", content=b"{}", headers=bearer() | {"content-type": "application/json", "content-encoding": "gzip"})
    assert packed.status_code == 415
    assert ask(app, "POST", "/push", json={"a": "b" * 300}, headers=bearer()).status_code == 413

    async def trickle() -> Any:
        for _ in range(30):
            yield b" " * 10

    assert ask(app, "POST", "/push", content=trickle(), headers=bearer() | {"content-type": "application/json"}).status_code == 413


def test_a_callers_mistake_is_said_and_a_failure_inside_is_not(store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    app = guarded_app(store, api_key=KEY)

    def said(path: str, body: Any) -> tuple[int, str]:
        answer = ask(app, "POST", path, json=body, headers=bearer())
        assert set(answer.json()) == {"error", "detail", "fields"}
        return answer.status_code, answer.json()["detail"]

    record = {
        "courier_id": ["zoe"],
        "event_timestamp": ["2024-03-12T05:30:00Z"],
        "pace": ["quick"],
        "trips": [4],
        "grade": ["A"],
        "is_new": [True],
    }
    status, detail = said("/push", {"push_source_name": "courier_pace_pushed", "df": record})
    assert (status, "view courier_pace, column pace" in detail) == (422, True)
    assert said("/push", {"push_source_name": "nobody", "df": record}) == (404, "Unable to find push source 'nobody'.")
    assert said("/push", {"push_source_name": "courier_pace_pushed", "df": record, "to": "mars"})[0] == 422
    assert said("/push", {"df": record}) == (422, "push_source_name: Field required")
    assert said("/get-online-features", {"features": ["nobody:pace"], "entities": {"courier_id": ["ana"]}})[0] == 404
    assert said("/get-online-features", {"features": ["courier_pace:pace"], "entities": {"depot_id": [1]}})[0] == 422

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(store, "get_online_features", fails)
    assert said("/get-online-features", ASKED) == (500, "the server failed on this request; its log has the reason")


def test_a_store_that_can_not_be_used_is_said_to_be(store: FeatureStore) -> None:
    app = guarded_app(store, api_key=KEY)
    for path in Path(store.repo_path).glob("online.db*"):
        path.unlink()
    answer = ask(app, "POST", "/get-online-features", json=ASKED, headers=bearer())
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")


@pytest.fixture
def served(store: FeatureStore) -> Iterator[str]:
    """The address of a server on a free port of loopback."""
    import uvicorn

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(guarded_app(store, api_key=KEY), host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    up = httpx.HTTPTransport(retries=50)
    with httpx.Client(transport=up) as client:
        for _ in range(200):
            if server.started:
                break
            thread.join(0.05)
        assert client.get(f"http://127.0.0.1:{port}/health").status_code == 200
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def test_it_answers_over_http(served: str) -> None:
    answer = httpx.post(f"{served}/get-online-features", json=ASKED, headers=bearer())
    assert values(answer.json())["pace"] == [small_repository.pace("ana", 11), None]
    assert httpx.post(f"{served}/get-online-features", json=ASKED).status_code == 401
    assert httpx.get(f"{served}/docs", headers=bearer()).status_code == 404
