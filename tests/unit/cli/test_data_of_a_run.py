"""Where a run's data comes from, and what is said where there is none."""

from pathlib import Path

import pytest

import tradewind_sources
from tradewind_cli.running import settings_of_run
from tradewind_contracts.errors import NotFoundError, SettingsError
from tradewind_contracts.settings import Settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder beside which there is no data."""
    folder = tmp_path / "checkout" / "here"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)


def test_a_source_that_needs_an_archive_says_how_to_get_it() -> None:
    with pytest.raises(SettingsError, match=r"tradewind fetch olist --to data.*make run SOURCE=olist DATA=data"):
        settings_of_run("olist", None, None)


def test_an_unknown_source_is_named() -> None:
    with pytest.raises(NotFoundError, match=r"no source 'mars'; there are: .*olist"):
        settings_of_run("mars", None, None)


def test_a_source_that_makes_its_own_data_needs_none_and_makes_it_once_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    from dagster_project.lib.archives import data_of

    made: list[Path] = []

    def prepare(folder: Path, progress: object) -> Path:
        made.append(folder)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    maker = dataclasses.replace(tradewind_sources.SOURCES["olist"], name="simulator", prepare=prepare)
    monkeypatch.setitem(tradewind_sources.SOURCES, "simulator", maker)
    monkeypatch.setenv("TRADEWIND_HOME", str(tmp_path / "home"))
    settings = settings_of_run(None, None, None)
    assert (settings.source, settings.world_name, settings.data_path) == ("simulator", "simulator", None)
    assert made == []
    assert data_of(settings, print) == tmp_path / "home" / "simulated" == made[0]
    given = tmp_path / "given"
    given.mkdir()
    assert data_of(settings_of_run(None, given, None), print) == given
    assert len(made) == 1


def test_data_that_is_not_there_is_named(tmp_path: Path) -> None:
    from dagster_project.lib.archives import data_of

    with pytest.raises(SettingsError, match=r"nowhere\.zip: no such file or folder"):
        data_of(Settings(home=tmp_path, source="olist", data=str(tmp_path / "nowhere.zip")), print)
