"""CSV files as text: every column a string, every row numbered, nothing guessed."""

import csv
import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv

from tradewind_contracts.errors import SourceError
from tradewind_sources.archives import Archive
from tradewind_sources.declaration import SourceFile

SOURCE_ROW = "source_row"
"""Number of a data row in its file, from 1; a quoted line break does not count as a row."""

_HEADER_BYTES = 65_536


@dataclass(frozen=True)
class TextFile:
    """A file as text.

    ``table`` has the declared columns as strings, and ``source_row``; ``malformed`` lists the numbers of the rows with too many
    or too few fields, which ``table`` leaves out.
    """

    table: pa.Table
    malformed: tuple[int, ...]

    @property
    def rows(self) -> int:
        """Data rows in the file."""
        return int(self.table.num_rows) + len(self.malformed)


def read_text(archive: Archive, file: SourceFile) -> TextFile:
    """Read the declared columns of ``file`` from ``archive`` as a stream.

    Raises:
        SourceError: the file is absent, empty, damaged, not UTF-8 or lacks a declared column.
    """
    _check_header(archive, file)
    malformed: list[int] = []

    def skip(row: pyarrow.csv.InvalidRow) -> Literal["skip"]:
        malformed.append((row.number or 0) - 1)  # the header is row 1
        return "skip"

    names = [column.name for column in file.columns]
    try:
        with archive.open(file.name) as stream:
            table = pyarrow.csv.read_csv(
                stream,
                # One thread: only then are rows numbered. It reads 100 MB/s, faster than a zip is unpacked.
                read_options=pyarrow.csv.ReadOptions(use_threads=False),
                parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
                convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), include_columns=names),
            )
    except pa.ArrowInvalid as error:
        raise SourceError(f"{archive.label}: {file.name} is no CSV in UTF-8 ({error}); pass the archive as downloaded") from error
    read = TextFile(_numbered(table, malformed), tuple(malformed))
    if read.rows == 0:
        raise SourceError(f"{archive.label}: {file.name} has a header but no rows; pass the archive as downloaded")
    return read


def _check_header(archive: Archive, file: SourceFile) -> None:
    with archive.open(file.name) as stream:
        first = stream.readline(_HEADER_BYTES)
    text = first.decode("utf-8-sig", errors="replace")
    header = next(csv.reader(io.StringIO(text)), [])
    if not header:
        raise SourceError(f"{archive.label}: {file.name} is empty; pass the archive as downloaded")
    missing = [column.name for column in file.columns if column.name not in header]
    if missing:
        raise SourceError(
            f"{archive.label}: {file.name} has no column {', '.join(missing)} (found: {', '.join(header)}); "
            "columns must carry their original names, pass the archive as downloaded"
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise SourceError(f"{archive.label}: {file.name} names the column {', '.join(twice)} twice; pass the archive as downloaded")


def _numbered(table: pa.Table, malformed: list[int]) -> pa.Table:
    numbers = np.arange(1, table.num_rows + len(malformed) + 1, dtype=np.int64)
    return table.append_column(SOURCE_ROW, pa.array(np.setdiff1d(numbers, malformed, assume_unique=True)))
