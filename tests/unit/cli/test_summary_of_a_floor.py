"""The noise floor on the terminal: shown beside the model where it was measured, and simulated data never without its warning."""

import pytest
from rich.console import Console

from dagster_project.lib.summary import RunSummary
from tradewind_cli.summaries import _floor
from tradewind_contracts.files import write_text
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_lifecycle.noise_floor import NoiseFloor, report_path

FOUND = NoiseFloor(
    world="olist",
    model="eta@1",
    parcels=1234,
    floor_mae_days=2.0,
    mae_days={"eta@1": 2.5, "lane_median": 3.0},
    ratios={"eta@1": 1.25, "lane_median": 1.5},
    planted_levels={},
    quantile_gap_days={},
)


def shown(settings: Settings, source: str, facts: dict[str, object]) -> str:
    World(name="olist", source=source, country="BR", currency="BRL", zone="America/Sao_Paulo").write(settings.paths.world_file)
    summary = RunSummary(run_id="r", seconds=1, step_seconds={}, stages=[], quality=[], facts={"models/eta_noise_floor": facts})
    console = Console(record=True, width=140, force_terminal=False)
    _floor(summary, settings, console)
    return console.export_text()


def test_errors_stand_beside_the_floor_with_their_ratio(own_settings: Settings) -> None:
    write_text(report_path(own_settings), FOUND.model_dump_json())
    said = shown(own_settings, "simulator", {"floor_mae_days": 2.0})
    assert [line.split() for line in said.splitlines() if line.strip().startswith(("noise", "eta", "lane"))] == [
        ["noise", "floor", "2.000", "1.000"],
        ["eta@1", "2.500", "1.250"],
        ["lane", "median", "3.000", "1.500"],
    ]
    assert "1,234 parcels" in said
    assert "proves the code, never the method" in said


@pytest.mark.parametrize(("source", "warned"), [("olist", False), ("simulator", True)])
def test_a_floor_that_this_run_did_not_measure_is_not_shown(own_settings: Settings, source: str, warned: bool) -> None:
    write_text(report_path(own_settings), FOUND.model_dump_json())
    said = shown(own_settings, source, {"skipped": "no noise floor"})
    assert "noise floor" not in said
    assert ("proves the code, never the method" in said) is warned
