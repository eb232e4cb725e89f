"""The simulator's own dirt: what landing refuses is what the simulator says that it planted, per table and reason."""

import collections
from pathlib import Path

import pytest

from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import TABLES
from tradewind_simulator import extend, preset, simulate, truth
from tradewind_sources import land

DAYS = 24
"""Chosen: the tiny preset's first days hold junk of every kind, in a third of the time of all."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny world with ten times the usual dirt."""
    parameters = preset("tiny", days=DAYS)
    dirty = parameters.model_copy(update={"dirt": parameters.dirt.model_copy(update={"rate": 10 * parameters.dirt.rate})})
    folder = tmp_path_factory.mktemp("planted") / "world"
    simulate(dirty, folder)
    return folder


def planted(world: Path) -> dict[tuple[str, str], int]:
    counted: collections.Counter[tuple[str, str]] = collections.Counter()
    for row in truth.read(world, "dirt").to_pylist():
        counted[row["table"], row["reason"]] += row["rows_count"]
    return dict(counted)


def test_quarantined_rows_are_those_planted_by_table_and_reason(world: Path, home: Path) -> None:
    settings = Settings(home=home, source="simulator")
    report = land("simulator", world, settings)
    found = {(name, reason): rows for name, table in report.tables.items() for reason, rows in table.quarantined.items()}
    assert found == planted(world)
    reasons = {reason for _, reason in found}
    for kind in ("_missing", "_out_of_range", "_not_allowed", "duplicate_key", "unknown_", "in_the_future"):
        assert any(kind in reason for reason in reasons), kind
    assert set(report.tables) == set(TABLES)
    assert report.skipped == {}


def test_days_that_the_simulator_adds_join_what_stands(world: Path, home: Path) -> None:
    settings = Settings(home=home, source="simulator")
    land("simulator", world, settings)
    before = Manifest.read(settings.paths.landing)
    extend(world, 2)
    report = land("simulator", world, settings)
    after = Manifest.read(settings.paths.landing)
    assert after.facts["appended_to"] == before.digest
    fresh = Settings(home=home.parent / "fresh", source="simulator")
    assert land("simulator", world, fresh) == report
    assert Manifest.read(fresh.paths.landing).tables == after.tables
    found = {(name, reason): rows for name, table in report.tables.items() for reason, rows in table.quarantined.items()}
    assert found == planted(world)
