"""The log of pushed rows: many writers, merges that no reader notices, and the erasure of one entity."""

import concurrent.futures
import datetime as dt
import multiprocessing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcel_rows import HOUR, Row, at, table

from tradewind_features.pushing import log
from tradewind_features.pushing.listing import pushed_files
from tradewind_features.pushing.log import append, compact, erase_pushed

EVENT = "event_timestamp"
LATER = at(24 * 10)
AT_ONCE = dt.timedelta(0)


def rows(folder: Path) -> list[tuple[object, ...]]:
    """All rows that a reader sees, sorted; each as often as it stands there."""
    return sorted((tuple(row.values()) for path in pushed_files(folder) for row in pq.ParquetFile(path).read().to_pylist()), key=repr)


def put(folder: Path, *found: Row) -> None:
    append(folder, table(found), EVENT, at(30))


def test_a_push_is_a_file_for_each_day_of_event_time(tmp_path: Path) -> None:
    put(tmp_path, ("ana", 23.9, 24, 1.0, "A"), ("ben", 24, 24, 2.0, "B"), ("ana", -1, 24, 3.0, "C"))
    assert [path.parent.name for path in pushed_files(tmp_path)] == [f"event_date=2024-{day}" for day in ("02-29", "03-01", "03-02")]
    assert {path.name.split("-")[0] for path in pushed_files(tmp_path)} == {str(round(at(30).timestamp() * 1e6))}


def test_a_merge_leaves_one_file_a_day_the_same_rows_and_no_copies(tmp_path: Path) -> None:
    for number in range(5):
        put(tmp_path, ("ana", 1, 2 + number, float(number), "A"), ("ben", 25, 26, 1.0, None))
    before = set(rows(tmp_path))
    done = compact(tmp_path, LATER)
    assert (done.days, done.files, done.rows, done.copies, done.cleared) == (2, 10, 6, 4, 0)
    assert len(pushed_files(tmp_path)) == 2
    assert set(rows(tmp_path)) == before
    assert len(rows(tmp_path)) == 6
    assert compact(tmp_path, LATER) == log.Compaction()


def test_days_that_are_not_over_are_left_alone(tmp_path: Path) -> None:
    for _ in range(2):
        put(tmp_path, ("ana", 1, 2, 1.0, "A"), ("ana", 25, 26, 1.0, "A"))
    assert compact(tmp_path, at(25)).days == 1
    assert len(pushed_files(tmp_path)) == 3


def test_replaced_files_stay_for_those_who_listed_them_and_go_with_a_later_merge(tmp_path: Path) -> None:
    put(tmp_path, ("ana", 1, 2, 1.0, "A"))
    put(tmp_path, ("ana", 1, 3, 2.0, "A"))
    listed = pushed_files(tmp_path)
    compact(tmp_path, LATER)
    assert all(path.exists() for path in listed)
    put(tmp_path, ("ana", 1, 4, 3.0, "A"))
    assert compact(tmp_path, LATER, grace=AT_ONCE).cleared == 2
    assert not any(path.exists() for path in listed)
    assert len(rows(tmp_path)) == 3
    assert compact(tmp_path, LATER, grace=AT_ONCE).cleared == 2
    assert [path.name[:7] for path in tmp_path.glob("event_date=*/*")] == ["merged-"]
    assert len(rows(tmp_path)) == 3


@pytest.mark.parametrize("dies_at", [0, 1])
def test_a_merge_that_dies_is_as_if_it_had_not_been(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: int) -> None:
    for number in range(3):
        put(tmp_path, ("ana", 1, 2, float(number), "A"))
    before = rows(tmp_path)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(log, ("write_text", "_write")[dies_at], dies)
        with pytest.raises(KeyboardInterrupt):
            compact(tmp_path, LATER)
    assert rows(tmp_path) == before
    compact(tmp_path, LATER)
    assert rows(tmp_path) == before
    assert len(list(tmp_path.glob("event_date=*/_merged-*.json"))) == 1


def test_a_reader_beside_merges_sees_every_row_once(tmp_path: Path) -> None:
    for number in range(30):
        put(tmp_path, ("ana", 1, 2, float(number), "A"))
    before = rows(tmp_path)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        merging = pool.submit(lambda: [compact(tmp_path, LATER) or put(tmp_path, ("ben", 25, 26, 1.0, "B")) for _ in range(10)])
        while not merging.done():
            seen = [row for row in rows(tmp_path) if row[0] == "ana"]
            assert seen == before
        merging.result()


def test_at_every_step_of_clearing_away_the_rows_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        put(tmp_path, ("ana", 1, 2, float(number), "A"))
        put(tmp_path, ("ana", 1, 3, float(number), "A"))
        compact(tmp_path, LATER)
    before, steps, unlink = rows(tmp_path), [], Path.unlink

    def watched(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok=missing_ok)
        steps.append(rows(tmp_path))

    monkeypatch.setattr(Path, "unlink", watched)
    assert compact(tmp_path, LATER, grace=AT_ONCE).cleared == 8
    assert len(steps) == 8 + 3
    assert all(step == before for step in steps)


def test_a_listing_that_missed_what_was_made_meanwhile_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder's listing may hold the merged file, which came last, and not the list of what it replaces."""
    for number in range(2):
        put(tmp_path, ("ana", 1, 2, float(number), "A"))
    before = rows(tmp_path)
    compact(tmp_path, LATER)
    iterdir, calls = Path.iterdir, []

    def hasty(folder: Path) -> list[Path]:
        calls.append(folder)
        return [path for path in iterdir(folder) if len(calls) > 1 or path.suffix != ".json"]

    monkeypatch.setattr(Path, "iterdir", hasty)
    assert rows(tmp_path) == before
    assert len(calls) == 3


def _append_many(folder: Path, writer: int) -> None:
    for number in range(10):
        append(folder, table([(f"w{writer}", number, 30, float(number), "A")]), EVENT, at(30))


def test_many_processes_append_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_append_many, args=(tmp_path, writer)) for writer in range(3)]
    for worker in workers:
        worker.start()
    for _ in range(3):
        compact(tmp_path, LATER, grace=AT_ONCE)
    for worker in workers:
        worker.join()
    compact(tmp_path, LATER, grace=AT_ONCE)
    assert len(set(rows(tmp_path))) == len(rows(tmp_path)) == 30


def test_an_erased_entity_is_in_no_file_replaced_ones_neither(tmp_path: Path) -> None:
    put(tmp_path, ("ana", 1, 2, 1.0, "A"), ("ben", 1, 2, 2.0, "B"))
    put(tmp_path, ("ana", 1, 3, 3.0, "A"))
    compact(tmp_path, LATER)
    put(tmp_path, ("ana", 25, 26, 4.0, "A"))
    left = tmp_path / "event_date=2024-03-01" / ".left.parquet.x.partial"
    left.write_bytes(b"ana")
    assert erase_pushed(tmp_path, "courier_id", "ana") == 3
    everywhere = [row for path in tmp_path.rglob("*.parquet") for row in pq.ParquetFile(path).read()["courier_id"].to_pylist()]
    assert set(everywhere) == {"ben"}
    assert not left.exists()
    assert [row[0] for row in rows(tmp_path)] == ["ben"]
    assert erase_pushed(tmp_path, "courier_id", "ana") == 0
    assert erase_pushed(tmp_path, "depot_id", "ana") == 0


def test_an_integer_key_is_erased_whatever_its_spelling(tmp_path: Path) -> None:
    for spelling in (7, "7"):
        found = table([("ana", 1, 2, 1.0, "A")]).append_column("depot_id", pa.array([7], pa.int64()))
        append(tmp_path, found, EVENT, at(30))
        assert erase_pushed(tmp_path, "depot_id", spelling) == 1


some_rows = st.lists(st.tuples(st.sampled_from(["ana", "ben"]), st.integers(0, 60), st.just(70), st.floats(0, 1), st.none()), max_size=3)


@given(steps=st.lists(st.one_of(some_rows, st.integers(0, 72)), max_size=8))
def test_whatever_the_order_of_pushes_and_merges_the_rows_are_those_pushed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[list[Row] | int]
) -> None:
    folder = tmp_path_factory.mktemp("log")
    pushed: set[tuple[object, ...]] = set()
    for step in steps:
        if isinstance(step, int):
            compact(folder, at(step), grace=AT_ONCE if step % 2 else HOUR)
        elif step:
            put(folder, *step)
            pushed |= {(key, at(event), at(created), pace, grade) for key, event, created, pace, grade in step}
        assert set(rows(folder)) == pushed
