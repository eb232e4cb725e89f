"""Landing the log: from the segments that services wrote to the landed days.

What dead processes left is sealed first; what a living one writes is landed up to its last whole batch and landed on next time. A sealed
segment is removed once its rows stand in the landed log. A kill at any point loses no row and lands none twice.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewind_contracts.segments import OPEN, SEALED, list_segments, seal_left_ones, whole_batches
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables.predictions import LOGGED
from tradewind_contracts.verdicts import CheckResult
from tradewind_contracts.world import World
from tradewind_lifecycle.predictions.adding import add_rows, as_declared, held
from tradewind_lifecycle.predictions.erasing import QUARANTINE, without_erased
from tradewind_lifecycle.predictions.judging import claims_about, keep_results, reasons, set_aside
from tradewind_lifecycle.predictions.landed import landed_folder

RAW = "raw"

GROUP_ROWS = 100_000
"""Rows that are judged and landed together. Chosen: a few hundred megabytes at most."""

Progress = Callable[[str], None]


@dataclass
class LogLanding:
    """What a landing did: segments it read, rows in them, those that were new, those refused by reason, and segments that can't be read.

    ``had_landed``: whether something had landed before.
    """

    segments: int = 0
    rows: int = 0
    landed: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    had_landed: bool = False
    results: list[CheckResult] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to read."""
        return not self.segments and not self.unreadable

    def said(self) -> str:
        """One line about it."""
        if self.is_empty:
            since = " since the last landing" if self.had_landed else ""
            return f"predictions: no service has logged an answer in this world{since}, nothing to land"
        refused = sum(self.quarantined.values())
        parts = [f"landed {self.landed:,} of {self.rows:,} rows in {self.segments} segment{'' if self.segments == 1 else 's'}"]
        parts += [f"{self.rows - self.landed - refused:,} had landed before"] if self.rows > self.landed + refused else []
        parts += [f"quarantined {count:,} {reason}" for reason, count in sorted(self.quarantined.items())]
        parts += [f"can't be read: {', '.join(self.unreadable)}"] if self.unreadable else []
        return "predictions: " + "; ".join(parts)


def land_predictions(settings: Settings, say: Progress = lambda _: None) -> LogLanding:
    """Land all that services have logged in the settings' world; says what it did.

    Raises:
        StateError: no world, another landing is under way, or the file system refuses; what had landed stands.
        QualityError: a critical claim does not hold; nothing of those rows landed.
    """
    zone = World.read(settings.paths.world_file).zone
    raw, done = settings.paths.prediction_log / RAW, LogLanding(had_landed=landed_folder(settings).is_dir())
    if raw.is_dir():
        with held(settings):
            seal_left_ones(raw, say)
            for group in _groups(raw, done):
                _land(settings, group, zone, done)
        if done.results:
            keep_results(done.results, settings)
    say(done.said())
    return done


@dataclass(frozen=True)
class _Read:
    path: Path
    rows: pa.Table


def _groups(raw: Path, done: LogLanding) -> Iterator[list[_Read]]:
    """The segments that can be read, in groups of some size."""
    waiting: list[_Read] = []
    for path in list_segments(raw):
        rows = _rows_of(path, done)
        if rows is None:
            continue
        waiting.append(_Read(path, rows))
        if sum(read.rows.num_rows for read in waiting) >= GROUP_ROWS:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _rows_of(path: Path, done: LogLanding) -> pa.Table | None:
    """The rows of a segment in the declared types; ``None`` where it can't be read, which is noted."""
    try:
        rows = _read(path)
        return as_declared(_completed(rows))
    except (OSError, KeyError, pa.ArrowException) as error:
        done.unreadable.append(f"{path.name} ({str(error).splitlines()[0]})")
        return None


def _read(path: Path) -> pa.Table:
    if path.suffix == OPEN:
        try:
            return pa.Table.from_batches(list(whole_batches(path)), LOGGED)
        except FileNotFoundError:
            path = path.with_suffix(SEALED)  # its process ended and sealed it since it was listed
    with pq.ParquetFile(path) as file:
        return file.read()


def _completed(rows: pa.Table) -> pa.Table:
    """``rows`` with nulls where a service of before did not write a column yet."""
    for wanted in LOGGED:
        if wanted.name not in rows.column_names and wanted.nullable:
            rows = rows.append_column(wanted.name, pa.nulls(rows.num_rows, wanted.type))
    return rows


def _land(settings: Settings, group: list[_Read], zone: str, done: LogLanding) -> None:
    good = [_judged(settings, read, done) for read in group]
    rows = without_erased(settings, pa.concat_tables(good))
    if rows.num_rows:
        results = claims_about(rows, settings)
        done.landed += add_rows(landed_folder(settings), rows, zone)
        done.results = results if not done.results else _worst(done.results, results)
    for read in group:
        done.segments += 1
        done.rows += read.rows.num_rows
        if read.path.suffix == SEALED:
            read.path.unlink(missing_ok=True)
            read.path.with_suffix(OPEN).unlink(missing_ok=True)


def _judged(settings: Settings, read: _Read, done: LogLanding) -> pa.Table:
    """The rows of a segment that can be used; the others are set aside."""
    why: Any = reasons(read.rows, settings.world_name)
    refused = pc.is_valid(why)
    if not pc.any(refused).as_py():
        return read.rows
    numbers = pa.array(range(1, read.rows.num_rows + 1), pa.int64())
    bad = read.rows.append_column("source_row", numbers).append_column("reason", why).filter(refused)
    set_aside(settings.paths.prediction_log / QUARANTINE, read.path.stem, without_erased(settings, bad))
    for reason in bad["reason"].to_pylist():
        done.quarantined[str(reason)] = done.quarantined.get(str(reason), 0) + 1
    return read.rows.filter(pc.invert(refused))


def _worst(before: list[CheckResult], now: list[CheckResult]) -> list[CheckResult]:
    """The results of two groups as one: a claim holds if it held of both."""

    def both(one: CheckResult, other: CheckResult) -> CheckResult:
        failed = other if not other.passed else one
        return failed.model_copy(update={"rows": one.rows + other.rows, "failing_rows": one.failing_rows + other.failing_rows})

    return [both(one, other) for one, other in zip(before, now, strict=True)]
