"""The package and its contracts, installed alone beside Feast, do all that they promise; nothing else of the workspace is needed or asked for."""

import importlib.util
import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest
import small_repository as small

PACKAGE = Path(__file__).resolve().parents[1]
CONTRACTS = PACKAGE.parent / "tradewind_contracts"
HERE = Path(__file__).resolve().parent


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
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the walk saw; one process for all, since Feast's import alone takes seconds."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed: there is nothing to build the wheels with")
    folder = tmp_path_factory.mktemp("alone")
    paths = sysconfig.get_paths()
    request = {
        "target": str(installed_alone(folder / "target", folder / "wheels")),
        "third_parties": sorted({paths["purelib"], paths["platlib"]}),
        "fixtures": str(HERE),
        "folder": str(folder / "repository"),
    }
    command = [sys.executable, "-S", "-I", "-B", "-W", "ignore", str(HERE / "standalone_walk.py"), json.dumps(request)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    answer["target"] = request["target"]
    return answer


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
