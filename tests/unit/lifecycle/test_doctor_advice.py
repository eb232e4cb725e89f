"""What doctor tells a person to run, so that it does what the text promises."""

import datetime as dt
from pathlib import Path

import pytest

from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_lifecycle.doctor.examination import Examination


@pytest.fixture
def exam(tmp_path: Path) -> Examination:
    return Examination(Settings(home=tmp_path, source="olist"), "ann")


def world(clock: Clock) -> World:
    return World(name="olist", source="olist", country="BR", currency="BRL", zone="America/Sao_Paulo", clock=clock)


def test_the_run_that_is_advised_keeps_the_instant_where_the_worlds_clock_is_frozen(exam: Examination) -> None:
    world(Clock.frozen(dt.datetime(2018, 6, 15, 3, tzinfo=dt.UTC))).write(exam.settings.paths.world_file)
    assert exam.run_command == "`make run SOURCE=olist AS_OF=2018-06-15T03:00:00Z`"


def test_a_world_on_the_walls_clock_or_without_a_file_is_run_as_it_is(exam: Examination) -> None:
    assert exam.run_command == "`make run SOURCE=olist`"
    world(Clock()).write(exam.settings.paths.world_file)
    assert exam.run_command == "`make run SOURCE=olist`"
    exam.settings.paths.world_file.write_text("{", encoding="utf-8")
    assert exam.run_command == "`make run SOURCE=olist`"
