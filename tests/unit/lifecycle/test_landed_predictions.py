"""The landed log of predictions: by local day and hour, each decision once, swapped whole."""

import datetime as dt
import uuid

import numpy as np
import pyarrow as pa
import pytest
import serving_world
from prediction_rows import ANSWERED, prediction_row, prediction_rows

from tradewind_contracts.errors import StateError
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables.predictions import PREDICTIONS
from tradewind_lifecycle.predictions import count_predictions, land_rows, read_predictions
from tradewind_lifecycle.predictions.adding import held
from tradewind_lifecycle.predictions.landed import day_folder, days_in, landed_folder, read_day

HOUR = dt.timedelta(hours=1)
ALL = (ANSWERED - 1000 * HOUR, ANSWERED + 1000 * HOUR)


@pytest.fixture
def world(own_settings: Settings) -> Settings:
    serving_world.write_world(own_settings)
    return own_settings


def test_rows_come_back_as_they_were_logged(world: Settings) -> None:
    assert land_rows(world, prediction_rows(5)) == 5
    found = read_predictions(world, *ALL)
    assert found.schema == PREDICTIONS.schema
    assert found.drop_columns(["changed_at", "flags"]).to_pylist() == prediction_rows(5).to_pylist()
    assert found["changed_at"].to_pylist() == found["answered_at"].to_pylist()


def test_a_world_without_a_log_has_no_rows(world: Settings) -> None:
    assert read_predictions(world, *ALL).num_rows == 0


def test_a_day_is_that_of_the_worlds_zone_and_a_file_holds_one_hour(world: Settings) -> None:
    late = prediction_rows(1, first=1, answered_at=ANSWERED - dt.timedelta(seconds=1))
    land_rows(world, late)
    land_rows(world, prediction_rows(1, first=2, answered_at=ANSWERED + HOUR))
    folder = landed_folder(world)
    assert days_in(folder) == [dt.date(2018, 5, 31), dt.date(2018, 6, 1)]
    assert [file.hour for file in read_day(folder, dt.date(2018, 5, 31)).files] == [23]
    assert [file.hour for file in read_day(folder, dt.date(2018, 6, 1)).files] == [1]


def test_the_window_includes_its_start_and_not_its_end(world: Settings) -> None:
    land_rows(world, prediction_rows(10))
    found = read_predictions(world, ANSWERED + dt.timedelta(seconds=2), ANSWERED + dt.timedelta(seconds=5), columns=["order_id"])
    assert found.to_pydict() == {"order_id": ["o2", "o3", "o4"]}


def test_a_share_of_the_answers_is_the_same_one_each_time_and_about_as_large(world: Settings) -> None:
    rows = prediction_rows(2_000)
    random = np.random.default_rng(7)
    drawn = [str(uuid.UUID(bytes=random.bytes(16), version=4)) for _ in range(rows.num_rows)]
    rows = rows.set_column(rows.column_names.index("decision_id"), "decision_id", pa.array(drawn))
    land_rows(world, rows)
    tenth = read_predictions(world, *ALL, columns=["order_id"], share=0.1)
    assert tenth.column_names == ["order_id"]
    assert 140 < tenth.num_rows < 260
    assert tenth == read_predictions(world, *ALL, columns=["order_id"], share=0.1)
    assert set(tenth["order_id"].to_pylist()) < set(read_predictions(world, *ALL, share=0.2)["order_id"].to_pylist())
    assert count_predictions(world, *ALL) == 2_000


def test_a_decision_lands_once(world: Settings) -> None:
    land_rows(world, prediction_rows(4))
    assert land_rows(world, prediction_rows(6)) == 2
    assert land_rows(world, prediction_rows(6)) == 0
    assert land_rows(world, pa.concat_tables([prediction_rows(1, first=9), prediction_rows(1, first=9)])) == 1
    ids = read_predictions(world, *ALL, columns=["decision_id"])["decision_id"].to_pylist()
    assert sorted(ids) == sorted(prediction_row(n)["decision_id"] for n in [*range(6), 9])


def test_what_is_not_in_the_manifest_does_not_count_and_is_cleared_away(world: Settings) -> None:
    land_rows(world, prediction_rows(2))
    stray = day_folder(landed_folder(world), dt.date(2018, 6, 1)) / "00-0123456789abcdef.parquet"
    stray.write_bytes(b"what a killed landing left")
    assert read_predictions(world, *ALL).num_rows == 2
    land_rows(world, prediction_rows(1, first=5))
    assert not stray.exists()


def test_two_landings_at_once_are_refused(world: Settings) -> None:
    with held(world), pytest.raises(StateError, match="prediction log is being landed"):
        land_rows(world, prediction_rows(1))


def test_a_file_that_is_gone_is_named(world: Settings) -> None:
    land_rows(world, prediction_rows(1))
    day = landed_folder(world) / "day=2018-06-01"
    [path] = day.glob("*.parquet")
    path.unlink()
    with pytest.raises(StateError, match=path.name):
        read_predictions(world, *ALL)
