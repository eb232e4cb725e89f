"""From the segments of services to the landed log: once each, judged, compacted, erased."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import serving_world
from prediction_rows import ANSWERED, prediction_row, prediction_rows

from tradewind_contracts.errors import NotFoundError, StateError
from tradewind_contracts.segments import SegmentWriter, list_segments, seal
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables.predictions import LOGGED
from tradewind_lifecycle.predictions import adding, landing, read_predictions
from tradewind_lifecycle.predictions.compacting import compact_predictions
from tradewind_lifecycle.predictions.erasing import erase_predictions
from tradewind_lifecycle.predictions.landed import landed_folder, read_day
from tradewind_lifecycle.predictions.landing import land_predictions

DAY = dt.date(2018, 6, 1)


@pytest.fixture
def world(own_settings: Settings) -> Settings:
    serving_world.write_world(own_settings)
    return own_settings


def raw(settings: Settings) -> Path:
    return settings.paths.prediction_log / "raw"


def segment(settings: Settings, rows: pa.Table, *, is_live: bool = False) -> SegmentWriter:
    writer = SegmentWriter(raw(settings), LOGGED)
    for batch in rows.to_batches(max_chunksize=3):
        writer.append(batch)
    if not is_live:
        writer.close()
    return writer


def ids(settings: Settings) -> list[str]:
    month = dt.timedelta(days=30)
    return sorted(read_predictions(settings, ANSWERED - month, ANSWERED + month, ["decision_id"])["decision_id"].to_pylist())


def numbered(*numbers: int) -> list[str]:
    return sorted(prediction_row(n)["decision_id"] for n in numbers)


def test_a_world_without_a_log_is_skipped_with_one_line(world: Settings) -> None:
    said: list[str] = []
    assert land_predictions(world, said.append).is_empty
    assert said == ["predictions: no service has logged an answer in this world, nothing to land"]
    assert not world.paths.prediction_log.exists()


def test_what_dead_and_living_processes_logged_lands_once(world: Settings) -> None:
    segment(world, prediction_rows(7))
    seal(segment(world, prediction_rows(3, first=10)).path)
    live = segment(world, prediction_rows(3, first=20), is_live=True)
    done = land_predictions(world)
    assert (done.segments, done.rows, done.landed, done.quarantined) == (3, 13, 13, {})
    assert list_segments(raw(world)) == [live.path], "what has landed whole is removed"
    live.append(prediction_rows(2, first=30).to_batches()[0])
    done = land_predictions(world)
    assert (done.rows, done.landed) == (5, 2)
    assert done.said() == "predictions: landed 2 of 5 rows in 1 segment; 3 had landed before"
    live.close()
    assert land_predictions(world).landed == 0
    assert list_segments(raw(world)) == []
    assert ids(world) == numbered(*range(7), 10, 11, 12, 20, 21, 22, 30, 31)


def test_a_kill_between_landing_and_removing_lands_nothing_twice(world: Settings) -> None:
    path = seal(segment(world, prediction_rows(5)).path)
    assert path is not None
    kept = path.read_bytes()
    land_predictions(world)
    path.write_bytes(kept)
    assert land_predictions(world).landed == 0
    assert ids(world) == numbered(*range(5))


def test_a_failure_of_the_file_system_leaves_the_log_whole_and_the_next_landing_goes_on(
    world: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment(world, prediction_rows(2))
    land_predictions(world)
    segment(world, prediction_rows(2, first=5))

    def full(path: Path, text: str) -> None:
        raise StateError(f"{path}: full")

    with monkeypatch.context() as patch:
        patch.setattr(adding, "write_text", full)
        with pytest.raises(StateError, match="full"):
            land_predictions(world)
        assert ids(world) == numbered(0, 1)
    assert land_predictions(world).landed == 2
    assert ids(world) == numbered(0, 1, 5, 6)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"p50_days": float("nan")}, "p50_days_not_finite"),
        ({"p10_days": -1.0}, "p10_days_too_small"),
        ({"confidence": 1.5}, "confidence_too_great"),
        ({"endpoint": "other"}, "endpoint_unknown"),
        ({"world": "elsewhere"}, "of_another_world"),
        ({"answered_at": dt.datetime(2200, 1, 1, tzinfo=dt.UTC)}, "answered_in_the_future"),
    ],
)
def test_a_row_that_can_not_be_used_is_set_aside_with_its_reason(world: Settings, change: dict[str, Any], reason: str) -> None:
    segment(world, pa.concat_tables([prediction_rows(2), prediction_rows(1, first=2, **change), prediction_rows(1, first=3)]))
    done = land_predictions(world)
    assert (done.landed, done.quarantined) == (3, {reason: 1})
    assert ids(world) == numbered(0, 1, 3)
    [file] = (world.paths.prediction_log / "quarantine").glob("*.parquet")
    [row] = pq.read_table(file).to_pylist()
    assert (row["table"], row["source_row"], row["reason"]) == ("predictions", 3, reason)
    assert json.loads(row["row_json"])["order_id"] == "o2"


def test_a_segment_that_can_not_be_read_is_named_and_others_land(world: Settings) -> None:
    raw(world).mkdir(parents=True)
    (raw(world) / "20180601T000000-1-deadbeef.parquet").write_bytes(b"no parquet")
    segment(world, prediction_rows(2))
    done = land_predictions(world)
    assert done.landed == 2
    assert [name.split(" ")[0] for name in done.unreadable] == ["20180601T000000-1-deadbeef.parquet"]
    assert len(list_segments(raw(world))) == 1, "it stays for a person to look at"


def test_the_claims_of_the_declaration_are_checked_and_kept(world: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing, "GROUP_ROWS", 2)
    segment(world, prediction_rows(2))
    segment(world, prediction_rows(3, first=10))
    done = land_predictions(world)
    assert {result.passed for result in done.results} == {True}
    assert {result.rows for result in done.results if "unique" in result.claim} == {5}, "of both groups"
    stored = json.loads((world.paths.quality / "predictions.json").read_text())
    assert "decision_id is unique" in [result["claim"] for result in stored]


def test_compaction_leaves_one_file_for_each_hour_and_every_row(world: Settings) -> None:
    for part in range(3):
        for hour in range(3):
            at = ANSWERED + dt.timedelta(hours=hour, minutes=part)
            segment(world, prediction_rows(2, first=100 * hour + 10 * part, answered_at=at))
            land_predictions(world)
    before = ids(world)
    done = compact_predictions(world)
    assert (done.days, done.files_before, done.files, done.rows) == (1, 9, 3, 18)
    assert [file.rows for file in read_day(landed_folder(world), DAY).files] == [6, 6, 6]
    assert len(list((landed_folder(world) / "day=2018-06-01").glob("*.parquet"))) == 3
    assert ids(world) == before
    said: list[str] = []
    compact_predictions(world, said.append)
    assert said == ["predictions: every hour stands in one file, nothing to compact"]
    segment(world, prediction_rows(2))
    assert land_predictions(world).landed == 0, "a compacted decision is known"


def test_an_erased_order_is_nowhere_and_does_not_come_back(world: Settings) -> None:
    bad = prediction_rows(1, first=7, order_id="o1", p10_days=-1.0)
    live = segment(world, pa.concat_tables([prediction_rows(4), bad]), is_live=True)
    land_predictions(world)
    assert erase_predictions(world, "order_id", ["o1"]) == 1
    assert ids(world) == numbered(0, 2, 3)
    live.append(prediction_rows(1, first=9).to_batches()[0])
    live.close()
    land_predictions(world)
    assert ids(world) == numbered(0, 2, 3, 9)
    kept = [pq.ParquetFile(path).read().to_pylist() for path in world.paths.prediction_log.rglob("*.parquet")]
    assert [row for rows in kept for row in rows if "o1" in str(row)] == []
    with pytest.raises(NotFoundError, match="expected one of order_id, merchant_id"):
        erase_predictions(world, "city", ["x"])
