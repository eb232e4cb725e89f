"""Values of chosen rows of a dataset, by their place: one row group at a time, one answer in the order asked for."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewind_contracts.errors import StateError
from tradewind_features.datasets import Dataset, type_family

FILE_BITS = 36
"""A place is ``file << FILE_BITS | row``: 2³⁶ rows in a file, 2²⁷ files."""
BLOCK_BYTES = 64 * 2**20
"""Chosen: of a row group this much (uncompressed) is read at once, by taking fewer columns."""
_WORTH_THREADS = 2**20
"""Chosen: below a megabyte, handing columns to threads costs more than reading them."""
_OFFSETS_32 = 2**31 - 2**20


def fetch(
    dataset: Dataset, places: npt.NDArray[np.int64], columns: Sequence[str], threads: int = 2, types: Sequence[Any] | None = None
) -> list[Any]:
    """The values of ``columns`` at ``places`` (int64 [n], −1 gives null): one array [n] each.

    Without ``types`` each is as wide as the dataset's newest file and those that were read have it; dictionaries give their values.

    Raises:
        StateError: a file holds a column as another kind of type than the newest.
    """
    seen = places >= 0
    distinct, inverse = np.unique(places[seen], return_inverse=True)
    positions = np.zeros(len(places), np.int64)
    positions[seen] = inverse
    del inverse
    index = pa.array(positions, mask=~seen)
    chunks: dict[str, list[Any]] = {name: [] for name in columns}

    def answered(number: int) -> Any:
        name = columns[number]
        kind = types[number] if types else _widest(name, [dataset.types[name], *(chunk.type for chunk in chunks[name])])
        values = chunks[name] if columns.count(name) > 1 else chunks.pop(name)
        return _take(pa.chunked_array([chunk.cast(kind) for chunk in values], kind), index)

    with ThreadPoolExecutor(threads if len(places) * len(columns) > _WORTH_THREADS else 1) as pool:
        for block in _blocks(_groups(dataset, distinct, list(chunks), threads > 1)):
            for name, values in pool.map(*block.values(dataset.types)):
                chunks[name].append(values)
        return list(pool.map(answered, range(len(columns))))


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


@dataclass
class _Block:
    """Rows read together, which of them are wanted, and columns that their file does not have."""

    table: pa.Table
    wanted: npt.NDArray[np.int64]
    absent: Sequence[str]

    def values(self, types: Mapping[str, Any]) -> tuple[Callable[[str], tuple[str, Any]], list[str]]:
        """What gives the values of the wanted rows of a column, and the columns' names: for whoever maps the one over the other."""
        index: Any = pa.array(self.wanted)

        def of(name: str) -> tuple[str, Any]:
            if name in self.absent:
                return name, _plain(pa.nulls(len(self.wanted), types[name]))
            return name, pc.take(_one_array(_plain(self.table.column(name))), index, boundscheck=False)

        return of, [*self.table.column_names, *self.absent]


def _blocks(groups: Iterator[_Block]) -> Iterator[_Block]:
    """The same, with small neighbours put together: a dataset of daily files has few rows in each."""
    waiting: list[_Block] = []
    size = 0
    for group in groups:
        if waiting and (size > BLOCK_BYTES // 4 or group.table.schema != waiting[0].table.schema):
            yield _together(waiting)
            waiting, size = [], 0
        waiting.append(group)
        size += group.table.nbytes
    if waiting:
        yield _together(waiting)


def _together(blocks: Sequence[_Block]) -> _Block:
    if len(blocks) == 1:
        return blocks[0]
    starts = np.cumsum([0, *(block.table.num_rows for block in blocks[:-1])])
    wanted = np.concatenate([block.wanted + start for block, start in zip(blocks, starts, strict=True)])
    return _Block(pa.concat_tables([block.table for block in blocks]), wanted, blocks[0].absent)


def _groups(dataset: Dataset, distinct: npt.NDArray[np.int64], columns: Sequence[str], threaded: bool) -> Iterator[_Block]:
    """Row groups that have a wanted row, file by file in the order of ``distinct`` (places, sorted)."""
    files = distinct >> FILE_BITS
    starts = np.flatnonzero(np.diff(files, prepend=-1))
    for start, end in itertools.pairwise([*starts, len(files)]):
        part = dataset.parts[int(files[start])]
        with pq.ParquetFile(str(part.path)) as file:
            held = {field.name: field.type for field in file.schema_arrow if field.name in columns}
            _refuse_other_kinds(dataset, part.path, held)
            yield from _groups_of(file, distinct[start:end] & ((1 << FILE_BITS) - 1), columns, list(held), threaded)


def _groups_of(
    file: pq.ParquetFile, rows: npt.NDArray[np.int64], columns: Sequence[str], held: Sequence[str], threaded: bool
) -> Iterator[_Block]:
    start = 0
    for group in range(file.num_row_groups):
        metadata = file.metadata.row_group(group)
        low, high = np.searchsorted(rows, [start, start + metadata.num_rows])
        if high > low:
            wanted, absent = rows[low:high] - start, [name for name in columns if name not in held]
            for names in _batches(metadata, held):
                yield _Block(
                    file.read_row_group(group, columns=names, use_threads=threaded and metadata.total_byte_size > _WORTH_THREADS),
                    wanted,
                    absent,
                )
                absent = []
        start += metadata.num_rows


def _batches(group: Any, columns: Sequence[str]) -> Iterator[list[str]]:
    """The columns in batches that read about :data:`BLOCK_BYTES` each; one empty batch where there are none."""
    each = max(1, group.total_byte_size // max(1, group.num_columns))
    size = max(1, BLOCK_BYTES // each)
    for start in range(0, max(1, len(columns)), size):
        yield list(columns[start : start + size])


def _refuse_other_kinds(dataset: Dataset, path: Path, held: Mapping[str, Any]) -> None:
    for name, kind in held.items():
        if (
            kind != dataset.types[name]
            and "null" not in (found := type_family(kind), known := type_family(dataset.types[name]))
            and found != known
        ):
            raise StateError(
                f"{dataset.name}.{name}: {kind} in {path}, but {dataset.types[name]} in the newest; write the files of one source alike"
            )


def _plain(values: Any) -> Any:
    return values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values


def _take(values: Any, index: Any) -> Any:
    """Rows of one column; kept in chunks where one array's 32-bit offsets would not do."""
    if values.nbytes < _OFFSETS_32:
        return pc.take(_one_array(values), index, boundscheck=False)
    return values.take(index)


def _one_array(values: Any) -> Any:
    joined = values.combine_chunks()
    return pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined
