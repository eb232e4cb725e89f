"""``feast plan``, ``apply``, ``materialize`` and ``teardown`` as commands, and ``feast serve`` over HTTP, on our stores."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import small_repository as small
from answers import plain
from feast import FeatureStore
from feast.cli.cli import cli

from tradewind_features.online.reader import OnlineReader, Presence

SECONDS_TO_START = 120
"""Feast's server imports all of Feast first; chosen: far more than that takes on a busy machine."""


@pytest.fixture
def feast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """``feast ARGUMENTS`` in the repository ``tmp_path / "repository"``; gives what it printed."""
    folder = small.write_repository(tmp_path / "repository")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("FEAST_NO_PROGRESS", "1")

    def run(*arguments: str) -> str:
        sys.modules.pop("definitions", None)
        capsys.readouterr()
        cli.main(["--chdir", str(folder), *arguments], standalone_mode=False)
        return capsys.readouterr().out

    return run


def test_plan_apply_materialize_and_teardown_by_command(feast: Callable[..., str], tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    planned = feast("plan")
    assert "courier_pace" in planned
    assert not (folder / "online.db").exists()
    feast("apply")
    feast("materialize", small.BEGINNING.replace(tzinfo=None).isoformat(), small.day(7, 12).replace(tzinfo=None).isoformat())
    reader = OnlineReader(folder / "online.db")
    assert reader.read("courier_pace", ["ana"], small.day(7, 12)).values["pace"].tolist() == [small.pace("ana", 7)]
    feast("materialize-incremental", small.NOW.replace(tzinfo=None).isoformat())
    assert reader.read("courier_pace", ["ana"], small.NOW).values["pace"].tolist() == [small.pace("ana", 11)]
    feast("materialize-incremental", "--views", "courier_pace", small.NOW.replace(tzinfo=None).isoformat())
    assert reader.read("courier_pace", ["ana"], small.NOW).presence.tolist() == [Presence.PRESENT]
    feast("teardown")
    assert not (folder / "online.db").exists()
    assert (folder / "data" / "courier_pace.parquet").exists()


def test_a_view_taken_out_of_the_repository_leaves_the_online_store_at_the_next_apply(feast: Callable[..., str], tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    feast("apply")
    feast("materialize", small.BEGINNING.replace(tzinfo=None).isoformat(), small.NOW.replace(tzinfo=None).isoformat())
    said = (folder / "definitions.py").read_text(encoding="utf-8")
    without = said[: said.index("depot_traffic_rows = ")] + said[said.index("trip = ") : said.index("lanes = ")]
    (folder / "definitions.py").write_text(without, encoding="utf-8")
    assert "depot_traffic" in feast("plan")
    assert "depot_traffic" in OnlineReader(folder / "online.db").views()
    feast("apply")
    reader = OnlineReader(folder / "online.db")
    assert sorted(reader.views()) == ["courier_pace", "depot_profile", "shift_load"]
    assert reader.read("courier_pace", ["ana"], small.NOW).values["pace"].tolist() == [small.pace("ana", 11)]


def test_a_second_apply_changes_nothing_and_keeps_the_rows(feast: Callable[..., str], tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    feast("apply")
    feast("materialize", small.BEGINNING.replace(tzinfo=None).isoformat(), small.NOW.replace(tzinfo=None).isoformat())
    feast("apply")
    rows = OnlineReader(folder / "online.db").read("depot_traffic", [1, 2], small.NOW)
    assert rows.values["visits"].tolist() == [small.traffic(1, 11), small.traffic(2, 11)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FeatureStore, str]]:
    """``feast serve`` on a free port of loopback, over a repository of its own, and that repository's store."""
    folder = small.write_repository(tmp_path_factory.mktemp("served") / "repository")
    store = small.applied(folder)
    store.materialize(small.BEGINNING, small.NOW)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from feast.cli.cli import cli; cli()", "--chdir", str(folder), "serve", "--host", "127.0.0.1",
               "--port", str(port), "--workers", "1", "--no-access-log", "--registry_ttl_sec", "600"]  # fmt: skip
    log = (folder.parent / "server.log").open("w+", encoding="utf-8")
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | {"PYTHONWARNINGS": "ignore"}, text=True)
    try:
        wait_for(port, process, Path(log.name))
        yield store, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()


def wait_for(port: int, process: "subprocess.Popen[str]", log: Path) -> None:
    """Until the server answers; fails with its log if it ends first."""
    for _ in range(SECONDS_TO_START * 10):
        if process.poll() is not None:
            pytest.fail(f"feast serve ended: {log.read_text(encoding='utf-8')[-3000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
    pytest.fail(f"feast serve did not answer in {SECONDS_TO_START} s: {log.read_text(encoding='utf-8')[-3000:]}")


def post(url: str, body: dict[str, Any]) -> tuple[int, Any]:
    """The status and the JSON that the server answers."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            said = response.read()
            return response.status, json.loads(said) if said else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def columns(answer: dict[str, Any]) -> dict[str, list[Any]]:
    """The served values by name."""
    names = answer["metadata"]["feature_names"]
    return {name: [plain(value) for value in result["values"]] for name, result in zip(names, answer["results"], strict=True)}


def test_feast_serve_gives_the_values_of_the_reader(server: tuple[FeatureStore, str]) -> None:
    store, url = server
    couriers = [*small.COURIERS, "nobody"]
    features = ["courier_pace:pace", "courier_pace:grade", "courier_pace:is_new", "courier_pace:trips"]
    status, answer = post(f"{url}/get-online-features", {"features": features, "entities": {"courier_id": couriers}})
    assert status == 200
    rows = OnlineReader(Path(store.repo_path) / "online.db").read("courier_pace", couriers, small.NOW)
    served = columns(answer)
    for name in ("pace", "grade", "is_new", "trips"):
        assert served[name] == [plain(value) for value in rows.values[name].tolist()]
    body = {
        "feature_service": "dispatch",
        "entities": {"courier_id": ["ana"], "depot_id": [2], "distance_km": [4.0]},
        "full_feature_names": True,
    }
    status, answer = post(f"{url}/get-online-features", body)
    assert status == 200
    served = columns(answer)
    assert served["delivery_estimate__expected_minutes"] == [4 * small.pace("ana", 11)]
    assert served["depot_profile__city"] == ["Lyon"]


def test_a_record_pushed_over_http_is_in_the_next_answer_and_in_the_training_frame(server: tuple[FeatureStore, str]) -> None:
    store, url = server
    at = small.NOW - small.HOUR
    record = {"courier_id": "eve", "event_timestamp": at.isoformat(), "created_timestamp": at.isoformat(), "pace": 3.5, "trips": 7}
    record |= {"grade": "A", "is_new": False}
    body = {"push_source_name": "courier_pace_pushed", "df": {name: [value] for name, value in record.items()}, "to": "online_and_offline"}
    status, said = post(f"{url}/push", body)
    assert (status, said) == (200, None)
    status, answer = post(f"{url}/get-online-features", {"features": ["courier_pace:pace"], "entities": {"courier_id": ["eve"]}})
    assert columns(answer)["pace"] == [3.5]
    import pandas as pd

    asked = pd.DataFrame({"courier_id": ["eve", "eve"], "event_timestamp": [at - small.HOUR, small.NOW]})
    assert store.get_historical_features(asked, ["courier_pace:pace"]).to_arrow()["pace"].to_pylist() == [None, 3.5]


def test_the_server_names_what_it_can_not_answer(server: tuple[FeatureStore, str]) -> None:
    _, url = server
    status, said = post(f"{url}/get-online-features", {"features": ["no_view:pace"], "entities": {"courier_id": ["ana"]}})
    assert status >= 400
    assert "no_view" in json.dumps(said)
    status, said = post(f"{url}/push", {"push_source_name": "no_source", "df": {"courier_id": ["ana"]}, "to": "online"})
    assert status >= 400
    assert "no_source" in json.dumps(said)
