"""Three spans of the public Olist data as frozen versions would have answered them. Printed; a home is built first, which takes minutes."""

import sys
from pathlib import Path

import pytest

from dagster_project.execution import run_job
from tradewind_contracts.instants import parse_instant
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_lifecycle.monitoring.pages import text_of
from tradewind_lifecycle.monitoring.watch import watch_replay

pytestmark = [pytest.mark.benchmark, pytest.mark.olist, pytest.mark.filterwarnings("ignore")]

SPANS = (("2017-06-15", "2017-09-15"), ("2017-10-01", "2017-11-01"), ("2018-02-01", "2018-06-01"))
"""Local dates, the last not in it: the span that thresholds were chosen on, the quiet month, the spring (docs/adr/0024-drift.md)."""


def test_a_replay_of_what_frozen_versions_would_have_answered(scratch: Path, olist_archive: Path) -> None:
    settings = Settings(home=scratch, source="olist", data=str(olist_archive), threads=2)
    run_job("features_only", settings)
    zone = World.read(settings.paths.world_file).zone
    for first, last in SPANS:
        start, end = parse_instant(first, zone), parse_instant(last, zone)
        sys.stdout.write(f"{text_of(watch_replay(settings, start, end, start))}\n\n")
