"""Compaction: one file for each local hour, so that a day has at most 24, however often it landed."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tradewind_contracts.settings import Settings
from tradewind_contracts.tables.predictions import PREDICTIONS
from tradewind_lifecycle.predictions.adding import ROW_GROUP, held, swap_day, write_file
from tradewind_lifecycle.predictions.landed import LandedDay, LandedFile, day_folder, days_in, landed_folder, read_day

MOST_FILES = 24
"""Files of a day after compaction, at most."""


@dataclass(frozen=True)
class LogCompaction:
    """What a compaction did: days whose files it merged, how many files there were in them and are now, and their rows."""

    days: int = 0
    files_before: int = 0
    files: int = 0
    rows: int = 0

    def said(self) -> str:
        """One line about it."""
        if not self.days:
            return "predictions: every hour stands in one file, nothing to compact"
        return f"predictions: compacted {self.files_before:,} files of {self.days} days ({self.rows:,} rows) into {self.files:,}"


def compact_predictions(settings: Settings, say: Callable[[str], None] = lambda _: None) -> LogCompaction:
    """Merge the files of each hour of every landed day, the hours that still go on too; says what it did.

    A day is swapped whole: a reader finds each decision once throughout. Memory holds some row groups at a time.

    Raises:
        StateError: a landing is under way, a file can't be read, or the file system refuses; each day is as before or compacted.
    """
    folder, done = landed_folder(settings), LogCompaction()
    if folder.is_dir():
        with held(settings):
            for day in days_in(folder):
                done = _compact_day(folder, day, done)
    say(done.said())
    return done


def _compact_day(folder: Path, day: dt.date, done: LogCompaction) -> LogCompaction:
    landed = read_day(folder, day)
    hours = sorted({file.hour for file in landed.files})
    if len(hours) == len(landed.files):
        return done
    own = day_folder(folder, day)
    files: list[LandedFile] = []
    for hour in hours:
        parts = landed.of_hour(hour)
        files += parts if len(parts) == 1 else [write_file(own, hour, _merged(own, parts))]
    swap_day(folder, LandedDay(day=day, files=files))
    return LogCompaction(done.days + 1, done.files_before + len(landed.files), done.files + len(files), done.rows + landed.rows)


def _merged(folder: Path, parts: Sequence[LandedFile]) -> Iterator[pa.Table]:
    """The rows of ``parts``, one after another, in whole row groups."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for part in parts:
        with pq.ParquetFile(folder / part.name) as file:
            for batch in file.iter_batches(batch_size=ROW_GROUP):
                waiting.append(batch)
                rows += batch.num_rows
                if rows >= ROW_GROUP:
                    yield _table(waiting)
                    waiting, rows = [], 0
    if waiting:
        yield _table(waiting)


def _table(batches: list[pa.RecordBatch]) -> pa.Table:
    return pa.Table.from_batches(batches).select(PREDICTIONS.schema.names).cast(PREDICTIONS.schema)
