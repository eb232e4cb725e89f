"""The package and its contracts, installed alone beside Feast, do all that they promise, ``feast`` commands and ``feast serve`` among it."""

import importlib.util
import json
import socket
import subprocess
import sys
import sysconfig
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import small_repository as small
from answers import plain
from feast import FeatureStore

from tradewind_features.online.reader import OnlineReader

PACKAGE = Path(__file__).resolve().parents[1]
CONTRACTS = PACKAGE.parent / "tradewind_contracts"
HERE = Path(__file__).resolve().parent
SECONDS_TO_START = 120
"""Of the server; chosen: far more than it takes on a busy machine."""


def installed_alone(target: Path, wheels: Path) -> Path:
    """``target`` with the wheels of this package and of its contracts unpacked in it, built without the network."""
    for package in (PACKAGE, CONTRACTS):
        if not (package / "pyproject.toml").exists():
            pytest.skip(f"{package} is not beside the package: there is nothing to build a wheel from")
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)], cwd=package, check=True, capture_output=True
        )
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)
    return target


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the walk saw, and where it serves then (``url``); one process for all, since Feast's import alone takes seconds."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed: there is nothing to build the wheels with")
    folder = tmp_path_factory.mktemp("alone")
    paths = sysconfig.get_paths()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    request = {
        "target": str(installed_alone(folder / "target", folder / "wheels")),
        "third_parties": sorted({paths["purelib"], paths["platlib"]}),
        "fixtures": str(HERE),
        "folder": str(folder / "repository"),
        "port": port,
    }
    command = [sys.executable, "-S", "-I", "-B", "-W", "ignore", str(HERE / "standalone_walk.py"), json.dumps(request)]
    log = folder / "walk.log"
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=folder) as walk,
    ):
        assert walk.stdout is not None
        line = walk.stdout.readline()
        if not line:
            walk.wait(timeout=60)
            pytest.fail(log.read_text(encoding="utf-8")[-4000:])
        try:
            yield json.loads(line) | request | {"url": f"http://127.0.0.1:{port}", "process": walk, "log": log}
        finally:
            walk.terminate()
            walk.wait(timeout=30)


@pytest.fixture(scope="module")
def url(seen: dict[str, Any]) -> str:
    """Where ``feast serve`` answers."""
    for _ in range(SECONDS_TO_START * 10):
        if seen["process"].poll() is not None:
            pytest.fail(f"feast serve ended: {seen['log'].read_text(encoding='utf-8')[-3000:]}")
        try:
            with urllib.request.urlopen(f"{seen['url']}/health", timeout=5):
                return str(seen["url"])
        except OSError:
            with pytest.raises(subprocess.TimeoutExpired):
                seen["process"].wait(timeout=0.1)
    pytest.fail(f"feast serve did not answer in {SECONDS_TO_START} s: {seen['log'].read_text(encoding='utf-8')[-3000:]}")


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


def test_nothing_else_of_the_workspace_is_imported_nor_asked_for(seen: dict[str, Any]) -> None:
    assert seen["of_tradewind"] == ["tradewind_contracts", "tradewind_features"]
    assert seen["asked_for_others"] == []
    assert all(file.startswith(seen["target"]) for file in seen["from"].values())


def test_the_reader_alone_imports_neither_feast_nor_pandas_nor_a_client_of_redis(seen: dict[str, Any]) -> None:
    assert seen["imported_by_the_reader"] == []


def test_feast_apply_by_command_registers_the_views(seen: dict[str, Any]) -> None:
    assert seen["views"] == ["courier_pace", "depot_profile", "depot_traffic", "shift_load"]
    assert "courier_pace" in seen["apply"]


def test_a_training_row_has_what_was_known_then(seen: dict[str, Any]) -> None:
    assert seen["known_at"] == [small.pace("ana", small.CORRECTED_DAY), small.pace("ana", 7), None]


def test_materialize_incremental_by_command_reaches_each_instant_and_reader_and_feast_agree(seen: dict[str, Any]) -> None:
    assert seen["earlier"] == [small.pace("ana", 7), small.pace("ben", 7), small.pace("cleo", 5), small.pace("dag", 7)]
    assert seen["now"] == [small.pace("ana", 11), small.pace("ben", 11), None, small.pace("dag", 11)]
    assert seen["now_presence"] == ["PRESENT", "PRESENT", "EXPIRED", "PRESENT"]
    assert seen["now_by_feast"] == seen["now"]


def test_a_pushed_record_is_read_at_once_and_joined_later(seen: dict[str, Any]) -> None:
    assert seen["pushed_online"] == [3.5]
    assert seen["pushed_offline"] == [small.pace("ana", 11), 3.5]


def test_feast_serve_gives_the_values_of_the_reader(seen: dict[str, Any], url: str) -> None:
    couriers = [*small.COURIERS, "nobody"]
    features = ["courier_pace:pace", "courier_pace:grade", "courier_pace:is_new", "courier_pace:trips"]
    status, answer = post(f"{url}/get-online-features", {"features": features, "entities": {"courier_id": couriers}})
    assert status == 200
    rows = OnlineReader(Path(seen["folder"]) / "online.db").read("courier_pace", couriers, small.NOW)
    served = columns(answer)
    for name in ("pace", "grade", "is_new", "trips"):
        assert served[name] == [plain(value) for value in rows.values[name].tolist()]
    body = {
        "feature_service": "dispatch",
        "entities": {"courier_id": ["ben"], "depot_id": [2], "distance_km": [4.0]},
        "full_feature_names": True,
    }
    status, answer = post(f"{url}/get-online-features", body)
    assert status == 200
    served = columns(answer)
    assert served["delivery_estimate__expected_minutes"] == [4 * small.pace("ben", 11)]
    assert served["depot_profile__city"] == ["Lyon"]


def test_a_record_pushed_over_http_is_in_the_next_answer_and_in_the_training_frame(seen: dict[str, Any], url: str) -> None:
    at = small.NOW - small.HOUR
    record = {"courier_id": "eve", "event_timestamp": at.isoformat(), "created_timestamp": at.isoformat(), "pace": 3.5, "trips": 7}
    record |= {"grade": "A", "is_new": False}
    body = {"push_source_name": "courier_pace_pushed", "df": {name: [value] for name, value in record.items()}, "to": "online_and_offline"}
    assert post(f"{url}/push", body) == (200, None)
    status, answer = post(f"{url}/get-online-features", {"features": ["courier_pace:pace"], "entities": {"courier_id": ["eve"]}})
    assert (status, columns(answer)["pace"]) == (200, [3.5])
    asked = pd.DataFrame({"courier_id": ["eve", "eve"], "event_timestamp": [at - small.HOUR, small.NOW]})
    store = FeatureStore(repo_path=seen["folder"])
    assert store.get_historical_features(asked, ["courier_pace:pace"]).to_arrow()["pace"].to_pylist() == [None, 3.5]


def test_the_server_names_what_it_can_not_answer_or_take(url: str) -> None:
    status, said = post(f"{url}/get-online-features", {"features": ["no_view:pace"], "entities": {"courier_id": ["ana"]}})
    assert status >= 400
    assert "no_view" in json.dumps(said)
    status, said = post(f"{url}/push", {"push_source_name": "no_source", "df": {"courier_id": ["ana"]}, "to": "online"})
    assert status >= 400
    assert "no_source" in json.dumps(said)
    at = (small.NOW - small.HOUR).isoformat()
    record = {
        "courier_id": ["ana"],
        "event_timestamp": [at],
        "created_timestamp": [at],
        "pace": ["fast"],
        "trips": [1],
        "grade": ["A"],
        "is_new": [False],
    }
    status, said = post(f"{url}/push", {"push_source_name": "courier_pace_pushed", "df": record, "to": "online"})
    assert status >= 400
    assert "courier_pace" in json.dumps(said)
    assert "column pace" in json.dumps(said)
