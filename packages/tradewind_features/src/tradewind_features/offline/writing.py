"""Rows into a source, into the log of pushed rows, and what services served into the log of served features."""

import fcntl
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from tradewind_contracts.errors import SettingsError, StateError
from tradewind_contracts.files import atomic_file
from tradewind_contracts.instants import Clock
from tradewind_features.datasets import Dataset, open_dataset, pushed_folder
from tradewind_features.pushing.log import append


def write_rows(source: Any, rows: pa.Table, repo_path: Path | None, pushed: Path | None) -> None:
    """Append rows to a source: to the log of pushed rows beside it where there is one, else to its file or folder.

    The rows have the source's columns, in any order, under its names or under those that its ``field_mapping`` gives them; values are
    cast to the source's types. Readers see all of them or none (in a folder or log: of each day).

    Raises:
        SettingsError: a column is absent, unknown, or can't be cast; an event time is null; the source's path is a glob.
        StateError: the source can't be read, somebody else writes it, or the file system refuses; nothing was changed.
    """
    try:
        _write(source, rows, repo_path, pushed)
    except StateError as error:
        raise StateError(f"source {source.name}: {error}") from error


def _write(source: Any, rows: pa.Table, repo_path: Path | None, pushed: Path | None) -> None:
    dataset = open_dataset(source, repo_path)
    fitted = fit(rows, dataset, source.field_mapping or {}, source.timestamp_field)
    location = Path(dataset.location)
    event = _mapped_back(source.timestamp_field, dataset, source.field_mapping or {})
    if pushed is not None:
        append(pushed_folder(pushed, source.name), fitted, event, Clock().now())
    elif location.is_file():
        _append_to_file(location, fitted)
    elif not location.is_dir():
        raise SettingsError(
            f"source {source.name}: rows can't be written to a glob, {location}; set offline_store.pushed, or name a folder"
        )
    elif any(part.day is not None for part in dataset.parts):
        append(location, fitted, event, Clock().now())
    else:
        _write_file(location / f"{uuid.uuid4().hex}.parquet", fitted)


def fit(rows: pa.Table, dataset: Dataset, mapping: Mapping[str, str], event: str) -> pa.Table:
    """The rows with a source's columns, in its order and types.

    Raises:
        SettingsError: a column is absent, unknown, or can't be cast; an event time is null.
    """
    named = rows.rename_columns([_mapped_back(name, dataset, mapping) for name in rows.column_names])
    lacking, unknown = sorted(set(dataset.columns) - set(named.column_names)), sorted(set(named.column_names) - set(dataset.columns))
    if lacking or unknown:
        raise SettingsError(
            f"source {dataset.name}: rows to be written lack {lacking} and have unknown {unknown}; give them the columns of {dataset.location}"
        )
    columns = [_cast(named.column(name), dataset.types[name], f"source {dataset.name}, column {name}") for name in dataset.columns]
    fitted = pa.table(columns, schema=pa.schema([(name, dataset.types[name]) for name in dataset.columns]))
    time = _mapped_back(event, dataset, mapping)
    if fitted.column(time).null_count:
        raise SettingsError(f"source {dataset.name}, column {time}: {fitted.column(time).null_count} rows to be written have no event time")
    return fitted


def write_logged(data: pa.Table | Path, folder: Path, partition_by: list[str]) -> None:
    """Append served features to a log: one file, or one for each value of the partitioning columns, which the files hold as well.

    Raises:
        SettingsError: a partitioning column is absent.
        StateError: the rows can't be read, or the file system refuses.
    """
    rows = _read_logged(data) if isinstance(data, Path) else data
    absent = [name for name in partition_by if name not in rows.column_names]
    if absent:
        raise SettingsError(
            f"{folder}: logged features have no column {', '.join(absent)} to partition by (found: {', '.join(rows.column_names)})"
        )
    for part, chosen in _partitions(rows, partition_by):
        _write_file(folder.joinpath(*part) / f"{uuid.uuid4().hex}.parquet", chosen)


def _mapped_back(name: str, dataset: Dataset, mapping: Mapping[str, str]) -> str:
    """The source's name of a column that may bear the view's."""
    if name in dataset.columns:
        return name
    return next((column for column, mapped in mapping.items() if mapped == name), name)


def _cast(values: Any, kind: pa.DataType, subject: str) -> Any:
    try:
        # Instants lose what the source has no room for (nanoseconds); any other loss is refused.
        return pc.cast(values, kind, safe=not pa.types.is_timestamp(values.type))
    except pa.ArrowException as error:
        raise SettingsError(f"{subject}: {values.type} can't be written as {kind} ({error})") from error


def _append_to_file(path: Path, rows: pa.Table) -> None:
    """The file again, with the rows after those that it had; a row group at a time."""
    with _sole_writer(path), atomic_file(path) as partial, pq.ParquetFile(path) as before:
        schema = before.schema_arrow
        with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
            for group in range(before.num_row_groups):
                writer.write_table(before.read_row_group(group))
            writer.write_table(rows.select(schema.names).cast(schema))


@contextmanager
def _sole_writer(path: Path) -> Iterator[None]:
    """Hold the file as it stands there: of two who read it before either wrote anew, the first one's rows would be lost."""
    while True:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            if os.fstat(stream.fileno()).st_ino == path.stat().st_ino:
                yield
                return


def _write_file(path: Path, rows: pa.Table) -> None:
    with atomic_file(path) as partial:
        pq.write_table(rows, partial, compression="zstd")


def _read_logged(path: Path) -> pa.Table:
    try:
        return ds.dataset(path, format="parquet").to_table()
    except (OSError, pa.ArrowException) as error:
        raise StateError(f"{path}: logged features can't be read ({error})") from error


def _partitions(rows: pa.Table, names: list[str]) -> Iterator[tuple[list[str], pa.Table]]:
    if not names:
        yield [], rows
        return
    for values in rows.select(names).group_by(names).aggregate([]).to_pylist():
        chosen = rows
        for name, value in values.items():
            same = (
                pc.is_null(chosen.column(name))
                if value is None
                else pc.equal(chosen.column(name), pa.scalar(value, chosen.column(name).type))
            )
            chosen = chosen.filter(same)
        yield [f"{name}={value}" for name, value in values.items()], chosen
