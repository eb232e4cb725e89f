"""What was planted: written beside the observed files, read only by evaluations, never by what trains."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tradewind_contracts.errors import NotFoundError
from tradewind_simulator.columns import Column
from tradewind_simulator.days import utc_date
from tradewind_simulator.exports import write_day
from tradewind_simulator.manifests import NAME, FileEntry, FolderManifest

FOLDER = "truth"


class Truth:
    """The folder ``truth`` while it is written: one file per table and local day."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[pa.Table]] = {}
        self.rows: dict[str, int] = {}

    def append(self, table: str, columns: Mapping[str, Column]) -> None:
        """Rows of the truth table ``table``; all its appends have the same columns."""
        rows = pa.table(dict(columns))
        if rows.num_rows:
            self._waiting.setdefault(table, []).append(rows)

    def flush(self, utc_day: int, folder: Path) -> list[FileEntry]:
        """Write what was appended since, as of the day of that date."""
        written = []
        for table, parts in sorted(self._waiting.items()):
            rows = pa.concat_tables(parts).combine_chunks()
            self.rows[table] = self.rows.get(table, 0) + rows.num_rows
            written.append(write_day(folder, table, utc_date(utc_day), rows))
        self._waiting = {}
        return written


def is_there(data: Path) -> bool:
    """Whether the simulated world in ``data`` (the folder that holds ``observed``) has its truth."""
    return (data / FOLDER / NAME).is_file()


def read(data: Path, table: str) -> pa.Table:
    """All rows of a truth table of the simulated world in ``data``, in order of day.

    Raises:
        SourceError: there is no simulated world.
        NotFoundError: it has no such truth table.
    """
    folder = data / FOLDER
    manifest = FolderManifest.read(folder)
    files = manifest.of(table)
    if not files:
        raise NotFoundError(f"{folder}: no truth of {table!r}; there is: {', '.join(sorted({f.table for f in manifest.files}))}")
    return pa.concat_tables([pq.read_table(folder / file.path) for file in files])
