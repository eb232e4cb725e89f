"""Where no data is given, the simulator makes its own: once, with a stand-in for the simulation here."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import observed_world as made
import pytest

import tradewind_simulator
from tradewind_contracts.errors import SettingsError
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_sources import SOURCES, land
from tradewind_sources.simulator import preparing


@dataclasses.dataclass(frozen=True)
class Parameters:
    """Stands for the simulator's."""

    orders_per_day: int


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Puts a small maker in the place of the simulation; the folders that it wrote."""
    written: list[Path] = []

    def simulate(parameters: Parameters, out: Path, progress: Callable[[str], None]) -> None:
        assert not out.exists()
        progress("simulating")
        made.write_observed(out, days=2, orders_per_day=parameters.orders_per_day, dirty=False, odd=False)
        written.append(out)

    monkeypatch.setattr(tradewind_simulator, "simulate", simulate, raising=False)
    monkeypatch.setattr(tradewind_simulator, "preset", lambda name: {"small": Parameters(2)}[name], raising=False)
    return written


def test_a_world_is_made_once_and_then_stands(simulated: list[Path], tmp_path: Path) -> None:
    messages: list[str] = []
    first = preparing.prepare(tmp_path / "data", messages.append)
    assert (first / "observed" / "manifest.json").is_file()
    assert preparing.prepare(tmp_path / "data", messages.append) == first
    assert simulated == [first]
    assert messages == [
        f"simulator: no data given, the small world is simulated into {first}",
        "simulating",
        f"simulator: the small world in {first} stands, made with the same parameters and code",
    ]


def test_other_parameters_or_code_make_it_anew_and_let_go_of_the_one_before(
    simulated: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "small-of-mine"
    mine.mkdir()
    worlds = [preparing.prepare(tmp_path, lambda _: None)]
    monkeypatch.setattr(tradewind_simulator, "preset", lambda _: Parameters(3), raising=False)
    worlds.append(preparing.prepare(tmp_path, lambda _: None))
    monkeypatch.setattr(preparing, "code_digest", lambda: "changed")
    worlds.append(preparing.prepare(tmp_path, lambda _: None))
    assert simulated == worlds
    assert len(set(worlds)) == 3
    assert {path for path in tmp_path.iterdir() if path.is_dir()} == {worlds[-1], mine}


def test_a_world_that_is_not_whole_is_made_again(simulated: list[Path], tmp_path: Path) -> None:
    world = preparing.prepare(tmp_path, lambda _: None)
    (world / "observed" / "manifest.json").unlink()
    assert preparing.prepare(tmp_path, lambda _: None) == world
    assert len(simulated) == 2


def test_landing_without_data_lands_the_world_that_the_source_makes(simulated: list[Path], home: Path) -> None:
    settings = Settings(home=home, source="simulator")
    report = land("simulator", None, settings)
    assert simulated[0].parent == settings.paths.simulated
    assert report.tables["orders"].landed_rows > 0
    assert World.read(settings.paths.world_file).source == "simulator"
    assert land("simulator", None, settings).reused


def test_data_that_is_given_is_landed_and_nothing_is_made(simulated: list[Path], home: Path, tmp_path: Path) -> None:
    observed = made.write_observed(tmp_path / "mine", days=2, orders_per_day=2)
    land("simulator", observed.path, Settings(home=home, source="simulator"))
    assert simulated == []


def test_a_source_that_can_not_make_data_says_how_to_get_it(home: Path) -> None:
    assert SOURCES["olist"].prepare is None
    with pytest.raises(SettingsError, match="olist: no data given; pass DATA="):
        land("olist", None, Settings(home=home, source="olist"))
