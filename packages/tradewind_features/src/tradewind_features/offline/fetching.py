"""Values of chosen rows of a dataset, by their place: one row group at a time, one answer in the order asked for."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewind_features.datasets import Dataset

FILE_BITS = 36
"""A place is ``file << FILE_BITS | row``: 2³⁶ rows in a file, 2²⁷ files."""
BLOCK_BYTES = 64 * 2**20
"""Chosen: of a row group this much (uncompressed) is read at once, by taking fewer columns."""
_OFFSETS_32 = 2**31 - 2**20


def fetch(dataset: Dataset, places: npt.NDArray[np.int64], columns: Sequence[str], threads: int = 2) -> list[Any]:
    """The values of ``columns`` at ``places`` (int64 [n], −1 gives null): one array [n] each, of the dataset's type."""
    seen = places >= 0
    distinct, inverse = np.unique(places[seen], return_inverse=True)
    positions = np.zeros(len(places), np.int64)
    positions[seen] = inverse
    del inverse
    index = pa.array(positions, mask=~seen)
    types = column_types(dataset, columns)
    if not len(distinct):
        return [pa.nulls(len(places), kind) for kind in types]
    blocks: list[list[Any]] = [[] for _ in columns]
    for part, rows in _by_file(distinct):
        _read_file(dataset, part, rows, columns, types, threads > 1, blocks)
    answer = []
    for number, kind in enumerate(types):
        answer.append(_take(pa.chunked_array(blocks[number], kind), index))
        blocks[number] = []
    return answer


def column_types(dataset: Dataset, columns: Sequence[str]) -> list[Any]:
    """One Arrow type for each column over all the files, as wide as the widest; dictionaries count as their values."""
    footers = [footer.types for footer in dataset.footers()]
    return [_widest(column, [dataset.types[column], *(types[column] for types in footers if column in types)]) for column in columns]


def _widest(column: str, kinds: Sequence[Any]) -> Any:
    plain = dict.fromkeys(kind.value_type if pa.types.is_dictionary(kind) else kind for kind in kinds)
    if len(plain) == 1:
        return next(iter(plain))
    schemas = [pa.schema([(column, kind)]) for kind in plain]
    return pa.unify_schemas(schemas, promote_options="permissive").field(column).type


def _by_file(distinct: npt.NDArray[np.int64]) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Files that have a row in ``distinct`` (sorted), each with the rows' numbers in it."""
    files = distinct >> FILE_BITS
    starts = np.flatnonzero(np.diff(files, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(files)], strict=True):
        yield int(files[start]), distinct[start:end] & ((1 << FILE_BITS) - 1)


def _read_file(
    dataset: Dataset,
    part: int,
    rows: npt.NDArray[np.int64],
    columns: Sequence[str],
    types: Sequence[Any],
    threaded: bool,
    blocks: list[list[Any]],
) -> None:
    """Append to each column's ``blocks`` its values at ``rows`` (sorted) of one file; nulls where the file lacks the column."""
    with pq.ParquetFile(dataset.files[part]) as file:
        held = set(file.schema_arrow.names)
        start = 0
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            low, high = np.searchsorted(rows, [start, start + count])
            if high > low:
                wanted = pa.array(rows[low:high] - start)
                for names in _batches(file, group, [name for name in dict.fromkeys(columns) if name in held]):
                    table = file.read_row_group(group, columns=names, use_threads=threaded)
                    for number, (column, kind) in enumerate(zip(columns, types, strict=True)):
                        if column in names:
                            blocks[number].append(_rows_of(table.column(column), wanted, kind))
                for number, (column, kind) in enumerate(zip(columns, types, strict=True)):
                    if column not in held:
                        blocks[number].append(pa.nulls(len(wanted), kind))
            start += count


def _batches(file: pq.ParquetFile, group: int, columns: Sequence[str]) -> Iterator[list[str]]:
    """The columns in batches that read about :data:`BLOCK_BYTES` each."""
    metadata = file.metadata.row_group(group)
    each = max(1, metadata.total_byte_size // max(1, metadata.num_columns))
    size = max(1, BLOCK_BYTES // each)
    for start in range(0, len(columns), size):
        yield list(columns[start : start + size])


def _rows_of(values: Any, wanted: Any, kind: pa.DataType) -> Any:
    """Some rows of one row group's column."""
    chosen = pc.take(_one_array(values), wanted, boundscheck=False)
    return chosen if chosen.type == kind else chosen.cast(kind)


def _take(values: Any, index: Any) -> Any:
    """Rows of one column; kept in chunks where one array's 32-bit offsets would not do."""
    if values.nbytes < _OFFSETS_32:
        return pc.take(_one_array(values), index, boundscheck=False)
    return values.take(index)


def _one_array(values: Any) -> Any:
    joined = values.combine_chunks()
    return pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined
