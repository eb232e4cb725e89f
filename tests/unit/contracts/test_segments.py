"""A segment is readable up to its last whole batch, whatever happened to the process that wrote it."""

import errno
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewind_contracts import segments
from tradewind_contracts.errors import StateError
from tradewind_contracts.segments import SegmentWriter, is_written, list_segments, seal, seal_left_ones, whole_batches

SCHEMA = pa.schema([("n", pa.int64()), ("by_name", pa.map_(pa.string(), pa.float64()))])


def batch(*numbers: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{"n": n, "by_name": [("x", float(n)), ("y", None)]} for n in numbers], schema=SCHEMA)


def numbers_in(path: Path) -> list[int]:
    return [n for each in whole_batches(path) for n in each["n"].to_pylist()]


def test_every_cut_of_a_segment_reads_as_the_whole_batches_before_it(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, SCHEMA)
    lengths = []
    for n in range(3):
        writer.append(batch(2 * n, 2 * n + 1))
        lengths.append(writer.path.stat().st_size)
    whole, cut = writer.path.read_bytes(), tmp_path / "cut.arrows"
    for length in range(len(whole) + 1):
        cut.write_bytes(whole[:length])
        assert numbers_in(cut) == list(range(2 * sum(length >= each for each in lengths))), length
    writer.close()


def test_a_segment_is_read_while_it_is_written_and_sealed_only_afterwards(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, SCHEMA)
    writer.append(batch(1, 2))
    assert numbers_in(writer.path) == [1, 2]
    assert is_written(writer.path)
    assert seal(writer.path) is None
    path = writer.close()
    assert not is_written(path)
    sealed = seal(path)
    assert sealed is not None
    assert pq.read_table(sealed)["n"].to_pylist() == [1, 2]
    assert list_segments(tmp_path) == [sealed]
    assert seal(path) == sealed, "sealing again finds it sealed"


def test_a_crash_between_sealing_and_removing_leaves_one_segment(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, SCHEMA)
    writer.append(batch(1))
    path = writer.close()
    kept = path.read_bytes()
    sealed = seal(path)
    path.write_bytes(kept)
    assert list_segments(tmp_path) == [sealed]
    assert seal(path) == sealed
    assert not path.exists()


def test_a_full_disk_leaves_the_segment_as_it_was_and_it_can_be_appended_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = SegmentWriter(tmp_path, SCHEMA)
    writer.append(batch(1))
    real = os.write

    def half_of_it(descriptor: int, data: Any) -> int:
        if len(data) < 40:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data[: len(data) // 2])

    monkeypatch.setattr(segments.os, "write", half_of_it)
    with pytest.raises(OSError, match="No space"):
        writer.append(batch(2))
    monkeypatch.undo()
    assert numbers_in(writer.path) == [1]
    writer.append(batch(3))
    assert numbers_in(writer.path) == [1, 3]
    writer.close()


def test_a_segment_without_rows_is_removed(tmp_path: Path) -> None:
    path = SegmentWriter(tmp_path, SCHEMA).close()
    assert seal(path) is None
    assert list(tmp_path.iterdir()) == []


def test_one_that_can_not_be_sealed_is_said_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writers = [SegmentWriter(tmp_path, SCHEMA) for _ in range(2)]
    for writer in writers:
        writer.append(batch(1))
        writer.close()
    real, said = segments.atomic_file, []

    def full_for_the_first(path: Path) -> Any:
        if path.stem == sorted(w.path.stem for w in writers)[0]:
            raise StateError("full")
        return real(path)

    monkeypatch.setattr(segments, "atomic_file", full_for_the_first)
    assert len(seal_left_ones(tmp_path, said.append)) == 1
    assert [line.endswith("not sealed yet (full)") for line in said] == [True]
    assert sorted(path.suffix for path in list_segments(tmp_path)) == [".arrows", ".parquet"]
