"""The landed log: a folder for each local day, in it Parquet files of one local hour each, and a manifest that is swapped last.

``<log>/landed/day=YYYY-MM-DD/manifest.json`` is the only name by which readers find that day's files. A day is swapped in one rename, so
a reader finds each decision once, before or after a landing or a compaction, never between. Files that a swap replaced are removed at
once; a reader that meets one of them gone reads the manifest again.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from tradewind_contracts.errors import IntegrityError, StateError
from tradewind_contracts.manifest import MANIFEST
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables.predictions import PREDICTIONS

LANDED, PARTITION = "landed", "day="
_DRAWS = 0x1_0000_0000
"""Values of a decision id's first eight hexadecimal digits."""


class LandedFile(BaseModel):
    """One file of a day: rows of one local hour, answered from ``first_at`` to ``last_at`` (both inclusive, the world's clock)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    hour: int
    digest: str
    rows: int
    first_at: dt.datetime
    last_at: dt.datetime


class LandedDay(BaseModel):
    """What has landed of one local day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: dt.date
    files: list[LandedFile] = []

    @property
    def rows(self) -> int:
        """Decisions of the day."""
        return sum(file.rows for file in self.files)

    def of_hour(self, hour: int) -> list[LandedFile]:
        """The files of one local hour, oldest first."""
        return [file for file in self.files if file.hour == hour]


def landed_folder(settings: Settings) -> Path:
    """Where the world's landed log is."""
    return settings.paths.prediction_log / LANDED


def days_in(folder: Path) -> list[dt.date]:
    """The local days that something landed of, oldest first."""
    return sorted(dt.date.fromisoformat(path.name.removeprefix(PARTITION)) for path in folder.glob(f"{PARTITION}*") if path.is_dir())


def read_day(folder: Path, day: dt.date) -> LandedDay:
    """What has landed of ``day``; no files where nothing has.

    Raises:
        IntegrityError: the day's manifest is damaged.
    """
    path = day_folder(folder, day) / MANIFEST
    try:
        return LandedDay.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return LandedDay(day=day)
    except ValidationError as error:
        raise IntegrityError(f"{path}: not the manifest of a day of the prediction log ({error.errors()[0]['msg']})") from error


def day_folder(folder: Path, day: dt.date) -> Path:
    """The folder of one day."""
    return folder / f"{PARTITION}{day.isoformat()}"


def read_predictions(
    settings: Settings, start: dt.datetime, end: dt.datetime, columns: Sequence[str] | None = None, share: float = 1.0
) -> pa.Table:
    """The landed predictions with start <= answered_at < end (zoned instants of the world's clock), oldest day first.

    ``columns`` names those that are wanted; by default all of the declared table ``predictions``. No row where no log has landed.
    ``share`` below 1 takes about that share of the answers: those whose decision id, which is random (UUID 4), is low. The same each time,
    and a file at a time, so that memory holds the share alone.

    Raises:
        StateError: a file can't be read. IntegrityError: a day's manifest is damaged.
    """
    schema = PREDICTIONS.schema if columns is None else pa.schema([PREDICTIONS.schema.field(name) for name in columns])
    found = [rows.select(schema.names).cast(schema) for rows in _within(settings, start, end, schema.names, share)]
    return pa.concat_tables(found) if found else schema.empty_table()


def count_predictions(settings: Settings, start: dt.datetime, end: dt.datetime) -> int:
    """About how many landed predictions ``read_predictions`` has: those of the hours that the span touches, by the manifests alone.

    Raises:
        IntegrityError: a day's manifest is damaged.
    """
    folder = landed_folder(settings)
    days = (read_day(folder, day) for day in _days_near(folder, start, end))
    return sum(file.rows for day in days for file in _files_within(day, start, end))


def _within(settings: Settings, start: dt.datetime, end: dt.datetime, names: Sequence[str], share: float) -> Iterator[pa.Table]:
    folder = landed_folder(settings)
    wanted = list(dict.fromkeys([*names, "answered_at", *(["decision_id"] if share < 1 else [])]))

    def kept(rows: pa.Table) -> pa.Table:
        at = rows["answered_at"]
        inside: Any = pc.and_(pc.greater_equal(at, pa.scalar(start, at.type)), pc.less(at, pa.scalar(end, at.type)))
        if share < 1:
            bound = pa.scalar(f"{int(share * _DRAWS):08x}", rows["decision_id"].type)
            inside = pc.and_(inside, pc.less(rows["decision_id"], bound))
        return rows.filter(inside)

    for day in _days_near(folder, start, end):
        yield from _day_rows(folder, day, (start, end), wanted, kept)


def _days_near(folder: Path, start: dt.datetime, end: dt.datetime) -> list[dt.date]:
    # A local day may begin before, or end after, the UTC day of the same date.
    return [d for d in days_in(folder) if start.date() - dt.timedelta(days=1) <= d <= end.date() + dt.timedelta(days=1)]


def _files_within(day: LandedDay, start: dt.datetime, end: dt.datetime) -> list[LandedFile]:
    return [file for file in day.files if file.first_at < end and file.last_at >= start]


def _day_rows(
    folder: Path, day: dt.date, span: tuple[dt.datetime, dt.datetime], names: list[str], kept: Callable[[pa.Table], pa.Table]
) -> list[pa.Table]:
    while True:
        landed = read_day(folder, day)
        try:
            return [kept(read_file(day_folder(folder, day) / file.name, names)) for file in _files_within(landed, *span)]
        except FileNotFoundError as error:
            # Replaced since the manifest was read: the one that replaced it names what stands now.
            if read_day(folder, day) == landed:
                raise StateError(f"{error}: the day's manifest names it and it is gone; restore it") from error


def read_file(path: Path, names: Sequence[str] | None = None) -> pa.Table:
    """The rows of one landed file, in the columns ``names`` (all by default).

    Raises:
        FileNotFoundError: it is gone.
        StateError: it can't be read.
    """
    try:
        with pq.ParquetFile(path) as file:
            return file.read(columns=None if names is None else list(names))
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise StateError(f"{path}: can't be read as Parquet ({error}); restore it") from error
