"""The log of pushed rows of one source: appended to by many at once, merged so that its files stay few, and cleared of one entity.

``<folder>/event_date=YYYY-MM-DD/<pushed_us>-<uuid>.parquet``; :mod:`tradewind_features.pushing.listing` says which files count. A
file is there whole or not at all. Who appends shares a lock; who merges or erases holds it alone; who reads needs none.
"""

import contextlib
import datetime as dt
import fcntl
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewind_contracts.errors import StateError
from tradewind_contracts.files import atomic_file, write_text
from tradewind_contracts.instants import Clock, iso
from tradewind_features.datasets import PARTITION, partition_name
from tradewind_features.pushing.listing import MERGED, files_of_day, merged_name, replaced_lists

GRACE = dt.timedelta(hours=1)
"""How long files stay after a merge replaced them, for those who listed the log before it. Chosen: longer than any join that we know."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Compaction:
    """What a merge did: days whose files were merged, how many files and rows went into them, exact copies left out, files cleared away."""

    days: int = 0
    files: int = 0
    rows: int = 0
    copies: int = 0
    cleared: int = 0


def append(folder: Path, rows: pa.Table, event: str, pushed_at: dt.datetime) -> list[Path]:
    """Write ``rows`` to the log, one file for each UTC day of the time column ``event``; ``pushed_at`` names the files.

    Each file is atomic. Appending the same rows again harms no reader: they are the same rows.

    Raises:
        StateError: the file system refuses; days before the one that failed are there.
    """
    written = []
    days = pc.floor_temporal(rows[event], unit="day").cast(pa.date32())
    stamp = (pushed_at - _EPOCH) // dt.timedelta(microseconds=1)
    with _lock(folder, fcntl.LOCK_SH):
        for day in sorted(day for day in pc.unique(days).to_pylist() if day is not None):
            path = folder / partition_name(day) / f"{stamp}-{uuid.uuid4().hex}.parquet"
            _write(path, rows.filter(pc.equal(days, pa.scalar(day, pa.date32()))))
            written.append(path)
    return written


def compact(folder: Path, before: dt.datetime, grace: dt.timedelta = GRACE) -> Compaction:
    """Merge the files of each day of event time that ended by ``before`` into one, less exact copies of rows.

    No reader sees a row twice, or misses one: the merged file counts from the instant that it has its name, and those that it replaces
    no longer count then. They are cleared away by a later call, ``grace`` after. A day to which nothing was pushed since is left alone.

    Raises:
        StateError: a file can't be read, or the file system refuses; the log is as it was, and the next call goes on.
    """
    done = Compaction()
    last = before.astimezone(dt.UTC).date()
    with _lock(folder, fcntl.LOCK_EX):
        for day in sorted(folder.glob(f"{PARTITION}=*")):
            cleared = _clear(day, grace)
            done = Compaction(done.days, done.files, done.rows, done.copies, done.cleared + cleared)
            if dt.date.fromisoformat(day.name.removeprefix(f"{PARTITION}=")) < last:
                done = _merge(day, done)
    return done


def compact_all(root: Path, before: dt.datetime, grace: dt.timedelta = GRACE) -> Compaction:
    """:func:`compact` for the logs of all sources below ``root``; what they did together."""
    done = [compact(folder, before, grace) for folder in sorted(root.glob("*")) if folder.is_dir()]
    return Compaction(*(sum(getattr(each, name) for each in done) for name in ("days", "files", "rows", "copies", "cleared")))


def erase_pushed(folder: Path, column: str, key: str | int) -> int:
    """Take every row whose ``column`` is ``key`` (7 and "7" are the same) out of the log, replaced files too; returns how many went.

    Each file is rewritten in place by one rename: a reader finds it with the entity or without, never torn.

    Raises:
        StateError: a file can't be read, or the file system refuses; do it again.
    """
    erased = 0
    with _lock(folder, fcntl.LOCK_EX):
        for left in folder.glob(f"{PARTITION}=*/.*.partial"):
            left.unlink()  # nobody writes while we hold the lock: a crash left it
        counting = {path for day in folder.glob(f"{PARTITION}=*") for path in files_of_day(day)}
        for path in sorted(folder.glob(f"{PARTITION}=*/*.parquet")):
            rows = read_rows(path)
            if column not in rows.column_names:
                continue
            is_another: Any = pc.not_equal(pc.cast(rows[column], pa.string()), pa.scalar(str(key)))
            kept = rows.filter(pc.fill_null(is_another, True))
            if kept.num_rows < rows.num_rows:
                _write(path, kept)
                erased += rows.num_rows - kept.num_rows if path in counting else 0
    return erased


def _merge(day: Path, done: Compaction) -> Compaction:
    files = files_of_day(day)
    if len(files) < 2:
        return done
    rows = pa.concat_tables([read_rows(path) for path in files], promote_options="permissive")
    distinct = (
        rows.group_by(rows.column_names, use_threads=False)
        .aggregate([])
        .select(rows.column_names)
        .sort_by([(name, "ascending") for name in rows.column_names])
    )
    name = f"{MERGED}{uuid.uuid4().hex}"
    replaces = {"replaces": [path.name for path in files], "at": iso(Clock().now())}
    write_text(day / f"_{name}.json", json.dumps(replaces, indent=2) + "\n")
    _write(day / f"{name}.parquet", distinct)
    return Compaction(
        done.days + 1, done.files + len(files), done.rows + distinct.num_rows, done.copies + rows.num_rows - distinct.num_rows, done.cleared
    )


def _clear(day: Path, grace: dt.timedelta) -> int:
    """Delete files replaced ``grace`` ago, oldest merge first: a list counts for as long as its merged file stands."""
    cleared = 0
    merges = [(json.loads(path.read_text(encoding="utf-8"))["at"], path, replaced) for path, replaced in replaced_lists(day).items()]
    for at, path, replaced in sorted(merges, key=lambda merge: merge[0]):
        if dt.datetime.fromisoformat(at) + grace <= Clock().now():
            for name in replaced:
                (day / name).unlink(missing_ok=True)
            path.unlink()
            cleared += len(replaced)
    for orphan in day.glob(f"_{MERGED}*.json"):
        if not (day / merged_name(orphan.name)).exists():
            orphan.unlink()  # a merge that never came to its file
    return cleared


def read_rows(path: Path) -> pa.Table:
    """The rows of one file of the log.

    Raises:
        StateError: it can't be read.
    """
    try:
        return pq.ParquetFile(path).read()
    except (OSError, pa.ArrowException) as error:
        raise StateError(f"{path}: can't be read as Parquet ({error}); move it away, its rows are then no longer known") from error


def _write(path: Path, rows: "pa.Table") -> None:
    with atomic_file(path) as partial:
        pq.write_table(rows, partial)


@contextlib.contextmanager
def _lock(folder: Path, kind: int) -> Iterator[Any]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("a") as stream:
            fcntl.flock(stream, kind)
            yield stream
    except PermissionError as error:
        raise StateError(f"{folder}: the log of pushed rows can't be written ({error.strerror}); mend its rights") from error
