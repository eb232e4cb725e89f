"""A simulated marketplace as a newcomer meets it: made by the command, run to answers beside the noise floor, and run again as a day arrives."""

import collections
import datetime as dt
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import Ran, tradewind

from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_models.eta.gates import GATES
from tradewind_registry.registry import Registry
from tradewind_simulator import truth

WORLD = ("--preset", "small", "--days", "180", "--orders-per-day", "100", "--seed", "7", "--intervene", "staffing=0.7@2024-02-15")
"""Chosen: where people are short, queues tell what the lanes' medians don't, so that even of few parcels the model learns enough to pass
its gates with room to spare (measured: 95 % interval of the MAE difference -0.36 to -0.15 days, p10's loss 0.93 of the lane median's).
Without the lever 16,000 parcels are too few: it fails by a hair."""


@dataclass
class Stand:
    """What stood in the home after a run."""

    landing: Manifest
    clock: dt.datetime
    versions: list[str]
    champion: str
    answers: list[dict[str, object]]


@dataclass
class Told:
    """What was done, one after the other, and what came of it."""

    data: Path
    simulated: Ran
    run: Ran
    before: Stand
    continued: Ran
    again: Ran
    after: Stand


def stand(home: Path) -> Stand:
    settings = Settings(home=home, source="simulator")
    registry = Registry.open(settings)
    try:
        versions = [summary.reference for summary in registry.versions("eta")]
        champion = registry.resolve("eta@champion").reference
    finally:
        registry.close()
    answers = json.loads((settings.paths.reports / "questions" / "simulator.json").read_text())
    clock = World.read(settings.paths.world_file).clock.now()
    return Stand(Manifest.read(settings.paths.landing), clock, versions, champion, answers)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    home, data = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("simulated") / "world"
    simulated = tradewind(home, "simulate", *WORLD, "--out", str(data))
    assert simulated.code == 0, simulated.out[-3000:]
    run = tradewind(home, "run", "--data", str(data))
    assert run.code == 0, run.out[-6000:]
    before = stand(home)
    continued = tradewind(home, "simulate", "--continue", "--out", str(data))
    assert continued.code == 0, continued.out[-3000:]
    again = tradewind(home, "run", "--data", str(data))
    assert again.code == 0, again.out[-6000:]
    return Told(data, simulated, run, before, continued, again, stand(home))


def test_the_command_says_what_it_wrote_and_what_to_do_next(told: Told) -> None:
    for said in ("scan_events", "truth: eta_law", "simulated data", f"make run DATA={told.data}"):
        assert said in told.simulated.out


def test_the_run_ends_in_a_champion_that_answers_and_says_that_its_data_are_simulated(told: Told) -> None:
    assert told.before.champion == "eta@1"
    for said in (
        "champion: eta@1",
        f"gates {len(GATES)}/{len(GATES)} passed",
        "simulated data: a win here proves the code",
        "the simulator says happened later",
    ):
        assert said in told.run.out, f"{said!r} is not in the summary:\n{told.run.out[-5000:]}"
    assert len(told.before.answers) >= 3
    assert any(answer["actual_days"] is not None for answer in told.before.answers)


def test_errors_stand_beside_the_noise_floor(told: Told) -> None:
    table = told.run.out.split("Beside the noise floor")[1]
    ratio = {who: float(re.search(rf"{who} +[\d.]+ +([\d.]+)", table)[1]) for who in ("noise floor", "eta@1", "promise")}  # type: ignore[index]  # a name that is not there fails the test
    assert ratio["noise floor"] == 1
    # The floor is one sample's, so a model may look a little better than it is.
    assert 0.9 < ratio["eta@1"] < 2
    assert ratio["eta@1"] < ratio["promise"]


def test_only_the_day_that_arrived_lands(told: Told) -> None:
    assert re.search(r"simulator: 1 new day from ", told.again.out)
    assert told.after.landing.facts["appended_to"] == told.before.landing.digest
    assert "incremental models take what changed in" in told.again.out
    assert told.after.clock - told.before.clock == dt.timedelta(days=1)


def test_what_is_quarantined_is_what_was_planted_the_added_day_included(told: Told) -> None:
    planted: collections.Counter[str] = collections.Counter()
    for row in truth.read(told.data, "dirt").to_pylist():
        planted[row["table"]] += row["rows_count"]
    assert told.after.landing.tables["quarantine"].rows == sum(planted.values()) > 100


def test_the_champion_still_answers_on_the_day_after(told: Told) -> None:
    assert told.after.champion in told.after.versions
    assert f"champion: {told.after.champion}" in told.again.out
    asked = {answer["order_id"] for answer in told.after.answers}
    assert len(asked) >= 3
    assert not asked & {answer["order_id"] for answer in told.before.answers}, "they are the orders of another day"


def test_the_fidelity_report_is_one_page_by_itself(told: Told, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    ran = tradewind(tmp_path / "home", "simulate", "report", str(told.data), "--out", str(page))
    assert ran.code == 0, ran.out[-3000:]
    html = page.read_text(encoding="utf-8")
    assert html.lstrip().lower().startswith("<!doctype html")
    assert html.count("<svg") + html.count("data:image/") >= 5
    assert not re.search(r"""(?:src|href)=["']https?://""", html)
