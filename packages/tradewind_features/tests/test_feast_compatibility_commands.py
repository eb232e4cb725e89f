"""``feast plan``, ``apply``, ``materialize`` and ``teardown`` as commands on our stores; ``feast serve`` is in ``test_standalone_install``."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import small_repository as small
from feast.cli.cli import cli

from tradewind_features.online.reader import OnlineReader, Presence


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
