"""The Parquet files behind one source: which they are, what columns they hold, and how DuckDB scans them.

A source's path is a Parquet file, a folder or a glob. Files below a folder named ``event_date=YYYY-MM-DD`` hold the rows of that UTC
day of event time; any other file may hold rows of any time. Rows pushed later stand beside the source, in a log of their own with the
same layout (:func:`pushed_folder`), and every reader takes both.
"""

import datetime as dt
import functools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, unquote, urlsplit

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tradewind_contracts.errors import SettingsError, StateError
from tradewind_features.pushing.listing import pushed_files

PARTITION = "event_date"
"""Daily partitions are folders ``event_date=YYYY-MM-DD``: the UTC day of the rows' event timestamp, which the files do not hold."""
PUSHED = "pushed/"
"""Prefix of a pushed file's name among a dataset's :meth:`Dataset.fingerprints`."""

_DAY = re.compile(rf"{PARTITION}=(\d{{4}}-\d{{2}}-\d{{2}})")
_GLOB = re.compile(r"[*?\[]")


class FileSourceLike(Protocol):
    """What is read of Feast's ``FileSource`` (any other kind of source is refused by name)."""

    name: str


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a dataset as it was when the dataset was opened; ``day`` is that of its partition, if it stands in one."""

    path: Path
    name: str
    day: dt.date | None
    size: int
    modified_ns: int

    @property
    def fingerprint(self) -> str:
        """``<size>-<mtime_ns>``: differs when the file was replaced, equal for a hard link to it."""
        return f"{self.size}-{self.modified_ns}"


@dataclass(frozen=True)
class Footer:
    """What a Parquet file says of itself: rows, and Arrow type by top-level column."""

    rows: int
    types: dict[str, pa.DataType]


@dataclass(frozen=True)
class Dataset:
    """The files of one source, its columns, and how to scan them with DuckDB.

    Attributes:
        name: the source's name.
        location: the source's path, as errors name it.
        parts: the source's files sorted by name, then the pushed ones.
        columns: DuckDB type by column name, in the order of the newest files. A file that lacks one of them holds nulls there.
        types: Arrow type by column name.
    """

    name: str
    location: str
    parts: tuple[DataFile, ...]
    columns: Mapping[str, str]
    types: Mapping[str, pa.DataType]

    @property
    def files(self) -> tuple[Path, ...]:
        """Paths of the files, the source's first, then pushed ones."""
        return tuple(part.path for part in self.parts)

    @property
    def size(self) -> int:
        """Bytes of all the files."""
        return sum(part.size for part in self.parts)

    def within(self, start: dt.datetime | None, end: dt.datetime | None) -> "Dataset":
        """The dataset less the partitions outside of [start, end] (event days, inclusive; naive is UTC), which are not opened."""
        first, last = _utc_day(start), _utc_day(end)

        def reached(part: DataFile) -> bool:
            return part.day is None or ((first is None or part.day >= first) and (last is None or part.day <= last))

        return replace(self, parts=tuple(part for part in self.parts if reached(part)))

    def only(self, names: Iterable[str]) -> "Dataset":
        """The dataset less the files not named (names as in :meth:`fingerprints`)."""
        wanted = set(names)
        return replace(self, parts=tuple(part for part in self.parts if part.name in wanted))

    def fingerprints(self) -> dict[str, str]:
        """``<size>-<mtime_ns>`` by file name: relative to the source's folder, pushed files with the prefix ``pushed/``."""
        return {part.name: part.fingerprint for part in self.parts}

    def footers(self) -> list[Footer]:
        """What each file says of itself, in the order of ``parts``.

        Raises:
            StateError: a file is gone or torn, or two files hold a column as different kinds of type.
        """
        footers = [_footer(part.path, part.size, part.modified_ns) for part in self.parts]
        _refuse_other_types(self, footers)
        return footers

    def rows(self) -> int:
        """Number of rows, from the files' footers."""
        return sum(footer.rows for footer in self.footers())

    def about_rows(self) -> int:
        """About how many rows: as many for each byte as the largest file has. Exact for a single file."""
        if not self.parts:
            return 0
        largest = max(self.parts, key=lambda part: part.size)
        return -(-_footer(largest.path, largest.size, largest.modified_ns).rows * self.size // largest.size)

    def column_bytes(self, columns: Iterable[str]) -> int:
        """Compressed bytes that some columns take in the files: what reading them whole reads from disk."""
        wanted = frozenset(columns)
        return sum(_column_bytes(part.path, part.size, part.modified_ns, wanted) for part in self.parts)

    def scan(self, columns: Sequence[str] | None = None, located: bool = False) -> str:
        """A SQL table expression of all rows, with all of ``columns`` or those named.

        With ``located`` also ``file_index`` (in ``parts``) and ``file_row_number`` (in the file, from 0), which tell where a row stands.

        Raises:
            StateError: a file is gone or torn.
        """
        names = list(self.columns) if columns is None else list(columns)
        held = self._held(names)
        chosen = [quoted(name) if name in held else f"NULL::{self.columns[name]} AS {quoted(name)}" for name in names]
        if not self.parts:
            places = ["NULL::BIGINT AS file_index", "NULL::BIGINT AS file_row_number"] if located else []
            return f"(SELECT {', '.join(chosen + places)} WHERE false)"
        chosen += ["file_index", "file_row_number"] if located else []
        paths = ", ".join(text(str(part.path)) for part in self.parts)
        return f"(SELECT {', '.join(chosen)} FROM read_parquet([{paths}], hive_partitioning=false, union_by_name=true))"  # noqa: S608 - names are quoted

    def _held(self, names: Iterable[str]) -> set[str]:
        """Those of the columns that any file holds; as a rule the newest file has them all, and no other is opened."""
        wanted, held = set(names), set[str]()
        for part in reversed(self.parts):
            held |= wanted & set(_footer(part.path, part.size, part.modified_ns).types)
            if held == wanted:
                break
        return held

    def refuse_replaced(self) -> None:
        """Prove that the files read are the files opened.

        Raises:
            StateError: a file was replaced or removed since.
        """
        for part in self.parts:
            try:
                now = os.stat(part.path)  # noqa: PTH116 - thousands of files: no object for each
            except OSError as error:
                raise StateError(f"{self.name}: {part.path} was removed while it was read ({error.strerror}); read again") from error
            if (now.st_size, now.st_mtime_ns) != (part.size, part.modified_ns):
                raise StateError(
                    f"{self.name}: {part.path} was replaced while it was read (size and time {part.fingerprint} before, "
                    f"{now.st_size}-{now.st_mtime_ns} now); read again"
                )


def open_dataset(source: FileSourceLike, repo_path: Path | None = None, pushed: Path | None = None) -> Dataset:
    """The dataset of a Feast ``FileSource``; a relative path is below ``repo_path``, pushed rows stand below ``pushed``.

    Opens the newest file (and the newest pushed one) for the columns, no others.

    Raises:
        SettingsError: the source is not local Parquet.
        StateError: nothing is there, or it can't be read.
    """
    location = source_location(source, repo_path)
    own = list(_files_at(location))
    if not own:
        raise StateError(f"{source.name}: no Parquet file at {location}; publish or write the source first")
    beside = [] if pushed is None else list(_pushed(pushed_folder(pushed, source.name)))
    return _dataset(source.name, location, own, beside)


def open_path(name: str, path: str | Path, pushed: Path | None = None) -> Dataset:
    """The dataset of a path (file, folder, glob) that no Feast source declares; rows pushed to a source ``name`` stand below ``pushed``.

    Raises:
        StateError: nothing is there, or it can't be read.
    """
    own = list(_files_at(str(path)))
    if not own:
        raise StateError(f"{name}: no Parquet file at {path}")
    return _dataset(name, str(path), own, [] if pushed is None else list(_pushed(pushed_folder(pushed, name))))


def _dataset(name: str, location: str, own: Sequence[DataFile], beside: Sequence[DataFile]) -> Dataset:
    newest = [own[-1], *beside[-1:]]
    types: dict[str, pa.DataType] = {}
    for part in reversed(newest):
        types |= _footer(part.path, part.size, part.modified_ns).types
    columns = _columns(name, tuple((part.path, part.fingerprint) for part in newest))
    return Dataset(name, location, (*own, *beside), columns, types)


def source_location(source: Any, repo_path: Path | None = None) -> str:
    """The local path (file, folder or glob) of a Feast ``FileSource`` of Parquet.

    Raises:
        SettingsError: the source is of another kind, or remote.
    """
    kind = type(source).__name__
    if not any(base.__name__ == "FileSource" for base in type(source).__mro__):
        raise SettingsError(f"source {source.name}: this store reads Parquet files (FileSource), found a {kind}")
    form = type(source.file_format).__name__
    if source.file_format is not None and form != "ParquetFormat":
        raise SettingsError(f"source {source.name}: this store reads Parquet, found {form} at {source.path}")
    parts = urlsplit(source.path)
    if parts.scheme == "file":
        return unquote(parts.path)
    if "://" in source.path:
        raise SettingsError(f"source {source.name}: this store reads local Parquet, found a remote path, {source.path}")
    path = Path(source.path)
    return str(path if path.is_absolute() or repo_path is None else Path(repo_path) / path)


def pushed_folder(pushed: Path, source_name: str) -> Path:
    """Folder of a source's pushed rows: ``<pushed>/<source name>`` with slashes escaped, since Feast names a source by its path at need."""
    return Path(pushed) / quote(source_name, safe=" ").replace("..", "%2E%2E")


def partition_name(day: dt.date) -> str:
    """Name of the folder of one UTC day: ``event_date=YYYY-MM-DD``."""
    return f"{PARTITION}={day.isoformat()}"


def quoted(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def _files_at(location: str) -> Iterator[DataFile]:
    path = Path(location)
    if path.is_file():
        found: Iterable[str] = [location]
        root = str(path.parent)
    elif path.is_dir():
        root = location
        found = sorted(_below(root))
    else:
        start = _glob_root(path)
        root = str(start)
        found = sorted(map(str, start.glob(str(path.relative_to(start))))) if start != path else []
    for file in found:
        part = _stat(file, os.path.relpath(file, root) if path.is_file() else file[len(root) :].lstrip("/"))
        if part is not None:
            yield part


def _below(folder: str) -> Iterator[str]:
    """Parquet files below a folder, less somebody's work in progress: names that begin with a dot or an underscore."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith((".", "_")):
                continue
            if entry.is_dir():
                yield from _below(entry.path)
            elif entry.name.endswith(".parquet"):
                yield entry.path


def _pushed(folder: Path) -> Iterator[DataFile]:
    for file in pushed_files(folder):
        part = _stat(str(file), PUSHED + file.relative_to(folder).as_posix())
        if part is not None:
            yield part


def _glob_root(path: Path) -> Path:
    """The longest leading folder without a wildcard; the path itself if it has none."""
    for index, part in enumerate(path.parts):
        if _GLOB.search(part):
            return Path(*path.parts[:index])
    return path


def _stat(path: str, name: str) -> DataFile | None:
    """The file as it is now, or ``None`` if it is gone (a log is compacted, a partition retired, between listing and opening)."""
    try:
        found = os.stat(path)  # noqa: PTH116 - thousands of files: no object for each
    except FileNotFoundError:
        return None
    days = _DAY.findall(path.rpartition("/")[0])
    day = dt.date.fromisoformat(days[-1]) if days else None
    return DataFile(Path(path), name, day, found.st_size, found.st_mtime_ns)


@functools.lru_cache(maxsize=65_536)
def _footer(path: Path, _size: int, _modified_ns: int) -> Footer:
    """The footer, remembered for as long as the file is the same (size and time of its last change)."""
    try:
        metadata = pq.read_metadata(path)
        schema = metadata.schema.to_arrow_schema()
    except (OSError, pa.ArrowException) as error:
        raise StateError(f"{path}: can't be read as Parquet ({error})") from error
    return Footer(metadata.num_rows, {field.name: field.type for field in schema})


@functools.lru_cache(maxsize=65_536)
def _column_bytes(path: Path, _size: int, _modified_ns: int, columns: frozenset[str]) -> int:
    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    chunks = (group.column(index) for group in groups for index in range(metadata.num_columns))
    return sum(chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema.split(".")[0] in columns)


@functools.lru_cache(maxsize=4_096)
def _columns(name: str, newest: tuple[tuple[Path, str], ...]) -> dict[str, str]:
    """DuckDB type by column name of the newest files, remembered for as long as these are the same."""
    paths = ", ".join(text(str(path)) for path, _ in newest)
    try:
        with duckdb.connect() as connection:
            found = connection.sql(f"DESCRIBE SELECT * FROM read_parquet([{paths}], union_by_name=true, hive_partitioning=false)")  # noqa: S608 - paths are quoted
            return {str(row[0]): str(row[1]) for row in found.fetchall()}
    except duckdb.Error as error:
        raise StateError(f"{name}: {paths} can't be read as Parquet ({error})") from error


def _refuse_other_types(dataset: Dataset, footers: Sequence[Footer]) -> None:
    """DuckDB would read a column that is text in one file and a number in another as text: refused, naming the file."""
    seen: dict[str, tuple[str, DataFile]] = {}
    known: dict[str, pa.DataType] | None = None
    for part, footer in zip(dataset.parts, footers, strict=True):
        if footer.types != known:
            known = footer.types
            for column, kind in known.items():
                _refuse_other_type(dataset, column, seen.setdefault(column, (type_family(kind), part)), (type_family(kind), part))


def _refuse_other_type(dataset: Dataset, column: str, before: tuple[str, DataFile], now: tuple[str, DataFile]) -> None:
    if "null" not in (before[0], now[0]) and before[0] != now[0]:
        raise StateError(
            f"{dataset.name}.{column}: {now[0]} in {now[1].path}, but {before[0]} in {before[1].path}; write the files of one source alike"
        )


def type_family(kind: pa.DataType) -> str:
    """What kind of values an Arrow type holds: number, text, boolean, time, or the type's own name; within a family DuckDB widens."""
    types = pa.types
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_string(kind) or types.is_large_string(kind):
        return "text"
    if types.is_dictionary(kind):
        return type_family(kind.value_type)
    if types.is_timestamp(kind) or types.is_date(kind):
        return "time"
    return "null" if types.is_null(kind) else str(kind)


def _utc_day(instant: dt.datetime | None) -> dt.date | None:
    if instant is None:
        return None
    return (instant if instant.tzinfo is None else instant.astimezone(dt.UTC)).date()
