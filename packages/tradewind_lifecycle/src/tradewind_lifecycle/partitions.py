"""Feature Parquet: one immutable folder per publication of a model, with a partition for each UTC day of its rows.

``<model>-<digest>/event_date=2018-05-01/part.parquet`` and, beside the days, ``_partitions.json`` with rows and digest of each. A day whose
rows are those of the publication before is a hard link to its file: a day that arrives costs the writing of one day, and whoever reads the
folder before goes on reading it. Days before the retention are left out.
"""

import datetime as dt
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from tradewind_contracts.digests import digest_bytes, digest_file, digest_json
from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.files import atomic_folder, write_text

LISTING = "_partitions.json"
"""Beside the days, and with an underscore: readers of Parquet folders leave such files alone."""
PART = "part.parquet"
FOREVER = "forever"
"""The ``config.meta.retention`` of a model whose views never expire: its newest row of an entity may be of any day."""
EVENT = "event_timestamp"
_DAY = f"cast({EVENT} at time zone 'UTC' as date)"


class Partition(BaseModel):
    """One day: the digest of its file, its rows, and a fingerprint of these by which an unchanged day is known before it is written.

    ``content`` is of the values in any order, as the DuckDB at hand hashes them; another version of DuckDB only makes the day be written again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str
    rows: int
    content: str


_LISTING = TypeAdapter(dict[str, Partition])


@dataclass(frozen=True)
class WrittenDataset:
    """A folder of daily partitions: its name, its digest (of the days and theirs), rows, columns, and days by how they got there."""

    path: str
    digest: str
    rows: int
    columns: dict[str, str]
    written: int
    linked: int
    expired: int


def day_folder(day: str) -> str:
    """The folder of a day (``2018-05-01``) in its dataset."""
    return f"event_date={day}"


def dataset_digest(days: Mapping[str, Partition]) -> str:
    """The digest of a dataset: of its days and the digests of their files."""
    return digest_json({day: part.digest for day, part in days.items()})


def read_partitions(folder: Path) -> dict[str, Partition]:
    """The days of the dataset in ``folder``, the oldest first.

    Raises:
        IntegrityError: it has no listing, or a damaged one.
    """
    path = folder / LISTING
    try:
        return dict(sorted(_LISTING.validate_json(path.read_bytes()).items()))
    except (OSError, ValidationError) as error:
        raise IntegrityError(f"{path}: not the listing of a feature dataset ({error}); `make run` publishes it again") from error


def refuse_missing_days(folder: Path) -> None:
    """Refuse a dataset of which a listed day is gone: a join would take it for a day without rows. What has no listing passes.

    Raises:
        IntegrityError: names the days that are gone; or the listing is damaged.
    """
    if not (folder / LISTING).exists():
        return
    found = {path.parent.name for path in folder.glob(f"event_date=*/{PART}")}
    gone = [day for day in read_partitions(folder) if day_folder(day) not in found]
    if gone:
        raise IntegrityError(f"{folder}: {len(gone):,} published days are gone ({gone[0]} to {gone[-1]}); `make run` publishes them again")


def is_whole(folder: Path, digest: str) -> bool:
    """Whether ``folder`` holds just the days that ``digest`` names, each with the bytes that were published."""
    try:
        days = read_partitions(folder)
    except IntegrityError:
        return False
    found = {path.parent.name for path in folder.glob(f"event_date=*/{PART}")}
    if dataset_digest(days) != digest or found != {day_folder(day) for day in days}:
        return False
    return all(digest_file(folder / day_folder(day) / PART) == part.digest for day, part in days.items())


def write_dataset(
    connection: duckdb.DuckDBPyConnection, table: str, key: tuple[str, ...], folder: Path, before: Path | None, retention_days: int | None
) -> WrittenDataset:
    """Write the rows of ``table`` as daily partitions under ``folder``, unless that very dataset is there and whole.

    ``key`` orders the rows of a day; ``before`` is the dataset of the publication before, whose unchanged days are linked;
    ``retention_days`` counts back from the newest day, ``None`` keeps all.

    Raises:
        IntegrityError: a row has no event time.
        StateError: the file system refuses; what was published stays.
    """
    columns = {field.name: str(field.type) for field in connection.sql(f"select * from {table} limit 0").to_arrow_table().schema}  # noqa: S608 - a dbt model's name
    contents = _contents(connection, table, digest_json(columns)[:8])
    kept = _retained(contents, retention_days)
    expired = len(contents) - len(kept)
    name = table.rsplit(".", 1)[-1]
    linkable = _linkable(before, kept)
    files = {day: before / day_folder(day) / PART for day in linkable} if before is not None else {}
    fresh = sorted(set(kept) - set(linkable))
    days, data = dict(linkable), {}
    for day, rows in _days(connection, table, key, fresh):
        data[day] = _parquet(rows)
        days[day] = Partition(digest=digest_bytes(data[day]), rows=rows.num_rows, content=kept[day])
    days = dict(sorted(days.items()))
    digest = dataset_digest(days)
    target = folder / f"{name}-{digest[:16]}"
    if not (target.is_dir() and is_whole(target, digest)):
        with atomic_folder(target, proven_by_readers=True) as partial:
            for day in days:
                (partial / day_folder(day)).mkdir()
                if day in data:
                    (partial / day_folder(day) / PART).write_bytes(data[day])
                else:
                    os.link(files[day], partial / day_folder(day) / PART)
            if not days:
                # Without a day there would be no file to tell the columns.
                (partial / PART).write_bytes(_parquet(connection.sql(f"select * from {table} limit 0").to_arrow_table()))  # noqa: S608 - a dbt model's name
            write_text(partial / LISTING, json.dumps({day: part.model_dump() for day, part in days.items()}, indent=1) + "\n")
    return WrittenDataset(target.name, digest, sum(part.rows for part in days.values()), columns, len(fresh), len(linkable), expired)


def _contents(connection: duckdb.DuckDBPyConnection, table: str, form: str) -> dict[str, str]:
    """A fingerprint of the rows of each day: their form, count, and two sums of their hashes in which order plays no part."""
    found = connection.execute(
        f"select {_DAY}, count(*), bit_xor(hash(t)), sum(hash(t)::hugeint) from {table} as t group by 1 order by 1"  # noqa: S608 - a dbt model's name
    ).fetchall()
    if found and found[-1][0] is None:
        raise IntegrityError(f"{table}: {found[-1][1]} rows without {EVENT}; nothing was published")
    return {day.isoformat(): f"{form}-{count}-{xor:x}-{total:x}" for day, count, xor, total in found}


def _retained(contents: dict[str, str], retention_days: int | None) -> dict[str, str]:
    if retention_days is None or not contents:
        return contents
    first = (dt.date.fromisoformat(max(contents)) - dt.timedelta(days=retention_days)).isoformat()
    return {day: content for day, content in contents.items() if day >= first}


def _linkable(before: Path | None, kept: Mapping[str, str]) -> dict[str, Partition]:
    """The days of ``before`` with the same rows, whose files are what was published."""
    if before is None or not (before / LISTING).exists():
        return {}
    return {
        day: part
        for day, part in read_partitions(before).items()
        if kept.get(day) == part.content and _holds(before / day_folder(day) / PART, part.digest)
    }


def _holds(path: Path, digest: str) -> bool:
    return path.is_file() and digest_file(path) == digest


def _days(connection: duckdb.DuckDBPyConnection, table: str, key: tuple[str, ...], days: list[str]) -> list[tuple[str, pa.Table]]:
    if not days:
        return []
    order = ", ".join(key)
    rows: Any = connection.execute(
        f"select * from {table} where {_DAY} in (select unnest($days::date[])) order by {_DAY}, {order}",  # noqa: S608 - names are dbt's models and columns
        {"days": days},
    ).to_arrow_table()
    counts = dict(
        connection.execute(f"select {_DAY}::varchar, count(*) from {table} group by 1").fetchall()  # noqa: S608 - a dbt model's name
    )
    parts, start = [], 0
    for day in days:
        parts.append((day, rows.slice(start, counts[day])))
        start += counts[day]
    return parts


def _parquet(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    # Chunks would show in the page layout: one chunk, so that the bytes depend on the content alone.
    pq.write_table(rows.combine_chunks(), sink, compression="zstd")
    data: bytes = sink.getvalue().to_pybytes()
    return data
