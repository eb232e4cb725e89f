"""The folder ``observed`` of a simulated world: which files its manifest names, and their bytes as named."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tradewind_contracts.digests import digest_bytes, digest_json
from tradewind_contracts.errors import SourceError
from tradewind_contracts.tables import TABLES, Table
from tradewind_simulator.manifests import FORMAT, OBSERVED, FileEntry, FolderManifest

DAY, ROW = "_day", "_row"
"""Columns added to a file's rows: the UTC day that it is of, and the row's number in it, from 1. No declared name begins so."""

_BATCH_ROWS = 524_288
"""Rows judged at once, whole files. Chosen: some 100 MB in memory, and few enough look-ups of what the rows refer to."""

_MEND = "make the world anew with `tradewind simulate`"


@dataclass(frozen=True)
class ObservedFolder:
    """A folder whose manifest was read and checked; ``label`` names it in messages."""

    path: Path
    manifest: FolderManifest

    @property
    def label(self) -> str:
        """Its name, with the folder that it stands in."""
        return f"{self.path.parent.name}/{self.path.name}"

    def files(self, table: str, landed: frozenset[str] = frozenset()) -> Sequence[FileEntry]:
        """The files of ``table`` in order of day, but for those of the days ``landed``."""
        return sorted((file for file in self.manifest.of(table) if file.day not in landed), key=lambda file: file.day)

    def days(self) -> dict[str, str]:
        """Each UTC day that has a file, in order, with the digest of what the manifest says of its files."""
        by_day: dict[str, dict[str, list[str]]] = {}
        for file in self.manifest.files:
            by_day.setdefault(file.day, {})[file.table] = [file.path, file.digest]
        return {day: digest_json(by_day[day]) for day in sorted(by_day)}

    def batches(self, files: Sequence[FileEntry]) -> Iterator[pa.Table]:
        """The rows of ``files`` (of one table) with ``DAY`` and ``ROW``, some files at a time; instants are naive UTC.

        Raises:
            SourceError: a file is missing, not the one that the manifest names, or not of the declared columns.
        """
        waiting: list[tuple[FileEntry, pa.Table]] = []
        for file in files:
            waiting.append((file, self._rows(file)))
            if sum(rows.num_rows for _, rows in waiting) >= _BATCH_ROWS:
                yield _numbered(waiting)
                waiting = []
        if waiting:
            yield _numbered(waiting)

    def _rows(self, file: FileEntry) -> pa.Table:
        try:
            data = (self.path / file.path).read_bytes()
        except OSError as error:
            raise SourceError(
                f"{self.label}: {file.path} can't be read ({error.strerror or error}), but the manifest names it; {_MEND}"
            ) from error
        if digest_bytes(data) != file.digest:
            raise SourceError(f"{self.label}: {file.path} is not the file that the manifest names (its digest differs); {_MEND}")
        try:
            # One thread: with small files, starting more costs more than they save.
            rows = pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"{self.label}: {file.path} is no Parquet file ({error}); {_MEND}") from error
        table = TABLES[file.table]
        _check_columns(f"{self.label}: {file.path}", table, rows.schema)
        if rows.num_rows != file.rows:
            raise SourceError(f"{self.label}: {file.path} has {rows.num_rows:,} rows, the manifest says {file.rows:,}; {_MEND}")
        return rows.select([column.name for column in table.columns])


def open_observed(data: Path) -> ObservedFolder:
    """The observed part of the simulated world in ``data``: its folder, or the folder ``observed`` itself.

    Raises:
        SourceError: there is none, or its manifest is not one of this format.
    """
    if not data.is_dir():
        raise SourceError(f"{data}: no such folder; expected one that `tradewind simulate --out` wrote")
    path = data / OBSERVED if (data / OBSERVED).is_dir() else data
    folder = ObservedFolder(path.absolute(), FolderManifest.read(path))
    _check_manifest(folder)
    return folder


def naive(kind: pa.DataType) -> pa.DataType:
    """The type of a column on the bench: instants are naive UTC there, so that no zone setting of the engine matters."""
    return pa.timestamp("us") if pa.types.is_timestamp(kind) else kind


def _numbered(parts: Sequence[tuple[FileEntry, pa.Table]]) -> pa.Table:
    whole = pa.concat_tables([rows.replace_schema_metadata(None) for _, rows in parts])
    counts = [rows.num_rows for _, rows in parts]
    days = np.repeat(np.array([file.day for file, _ in parts], dtype="datetime64[D]"), counts)
    numbers = np.arange(1, len(days) + 1) - np.repeat(np.cumsum([0, *counts[:-1]]), counts)
    plain = whole.cast(pa.schema([field.with_type(naive(field.type)) for field in whole.schema]))
    return plain.append_column(DAY, pa.array(days, pa.date32())).append_column(ROW, pa.array(numbers, pa.int64()))


def _check_manifest(folder: ObservedFolder) -> None:
    manifest, label = folder.manifest, folder.label
    if manifest.format != FORMAT:
        raise SourceError(f"{label}: the manifest is of format {manifest.format}; expected {FORMAT}, {_MEND}")
    if not manifest.files:
        raise SourceError(f"{label}: the manifest names no files, so there is nothing to land; {_MEND}")
    seen: set[tuple[str, str]] = set()
    for file in manifest.files:
        if file.table not in TABLES:
            raise SourceError(f"{label}: {file.path} is of the table {file.table!r}, which is not declared; {_MEND}")
        if (file.table, file.day) in seen:
            raise SourceError(f"{label}: the manifest names two files of {file.table} and {file.day}; {_MEND}")
        seen.add((file.table, file.day))


def _check_columns(label: str, table: Table, found: pa.Schema) -> None:
    missing = [column.name for column in table.columns if column.name not in found.names]
    if missing:
        raise SourceError(f"{label} has no column {', '.join(missing)} (found: {', '.join(found.names)}); {_MEND}")
    for column in table.columns:
        kind = found.field(column.name).type
        if kind != column.kind.arrow:
            raise SourceError(f"{label}: column {column.name} is of type {kind}; expected {column.kind.arrow}, {_MEND}")
