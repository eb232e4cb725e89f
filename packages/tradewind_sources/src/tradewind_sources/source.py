"""What a source is: where somebody's data comes from, how it is opened, and what comes of it."""

import abc
import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import pyarrow as pa

from tradewind_contracts.manifest import Manifest
from tradewind_sources.report import FileReport, TableReport

Progress: TypeAlias = Callable[[str], None]
"""Hears one line per step."""

Rows: TypeAlias = pa.Table | Callable[[], pa.RecordBatchReader]
"""Rows of a landing table in order of its key: as a table, or as a function that opens a stream of them."""

_QUARANTINE_TYPES: dict[str, pa.DataType] = {
    "table": pa.string(),
    "source_file": pa.string(),
    "source_row": pa.int64(),
    "reason": pa.string(),
    "row_json": pa.string(),
}
QUARANTINE = pa.schema([pa.field(name, kind, nullable=False) for name, kind in _QUARANTINE_TYPES.items()])
"""The landing table ``quarantine``: one row per refused row of a file. ``table`` is the landing table that it was meant for;
``source_row`` its number in its file, from 1; ``row_json`` its values as text without direct personal data (empty object for
rows that could not be split into fields)."""


@dataclass(frozen=True)
class Marketplace:
    """Whose data it is: the world's country and currency, and the local zone of both."""

    country: str
    currency: str
    zone: str


@dataclass(frozen=True)
class Previous:
    """The landing that stands, made by the code that runs now: what a delivery may extend."""

    folder: Path
    manifest: Manifest


@dataclass(frozen=True)
class LandingContext:
    """What a delivery lands with. ``source`` is its source's name, ``spill`` a folder for what memory does not hold."""

    source: str
    threads: int
    memory_limit: str
    spill: str
    progress: Progress
    previous: Previous | None = None


@dataclass
class Landing:
    """What a delivery filled: landing tables ordered by key, the quarantine among them, and the accounts of every row.

    ``first_at`` and ``newest_at`` span what is known of orders and parcels. ``facts`` are notes for the landing's manifest (plain
    JSON values), which a later landing finds in ``Previous``.
    """

    tables: Mapping[str, Rows]
    files: Mapping[str, FileReport]
    reports: Mapping[str, TableReport]
    skipped: Mapping[str, str]
    first_at: dt.datetime
    newest_at: dt.datetime
    facts: Mapping[str, object] = field(default_factory=dict)


class Delivery(abc.ABC):
    """Somebody's data, found to be what it claims to be, and open. Use as a context manager."""

    @property
    @abc.abstractmethod
    def marketplace(self) -> Marketplace:
        """Whose data it is."""

    @property
    @abc.abstractmethod
    def digest(self) -> str:
        """The digest of its content: the same content lands nothing anew."""

    @abc.abstractmethod
    def land(self, context: LandingContext) -> AbstractContextManager[Landing]:
        """All tables that it can fill; streams among them can be read until the block ends.

        Raises:
            SourceError: something in it is not what it should be.
        """

    def close(self) -> None:  # noqa: B027 (not every delivery holds something open)
        """Let go of what it holds open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


@dataclass(frozen=True)
class Source:
    """One source. A company adds its own by one module that makes one of these, and names it in ``tradewind_sources.landing``.

    ``open`` takes what a person passed as data, and refuses what is not this source's; ``archived.archive_source`` makes a source
    of CSV files in zips or folders. ``prepare``, where a source can make data itself, gets a folder and returns what ``open``
    takes: it is asked where no data is passed. ``how_to_get`` tells a person where the data comes from.
    """

    name: str
    how_to_get: str
    open: Callable[[Path], Delivery]
    prepare: Callable[[Path, Progress], Path] | None = None
