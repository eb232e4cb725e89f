"""Adding rows to the landed log: each day by one swap of its manifest, each decision once."""

import contextlib
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewind_contracts.digests import digest_file
from tradewind_contracts.errors import StateError
from tradewind_contracts.files import atomic_file, sole_holder, write_text
from tradewind_contracts.manifest import MANIFEST
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables.predictions import PREDICTIONS
from tradewind_contracts.world import World
from tradewind_lifecycle.predictions.landed import LandedDay, LandedFile, day_folder, landed_folder, read_day, read_file

ROW_GROUP = 16_384
"""Rows of a landed file's row group. Chosen: a window of minutes is read without the whole hour, and columns still compress well."""


def land_rows(settings: Settings, rows: pa.Table) -> int:
    """Add ``rows`` (in the form of the log, columns of ``LOGGED`` at least) to the landed log; returns how many were not there yet.

    For rows that are known to be good: landing judges those of services first.

    Raises:
        StateError: another landing is under way, or the file system refuses; each day is as before or has all of its rows.
    """
    with held(settings):
        return add_rows(landed_folder(settings), as_declared(rows), World.read(settings.paths.world_file).zone)


def held(settings: Settings) -> contextlib.AbstractContextManager[None]:
    """Hold the landed log for this process: landing, compaction and erasure refuse beside each other.

    Raises:
        StateError: another process holds it.
    """
    log = settings.paths.prediction_log
    return sole_holder(log / ".lock", f"{log}: the prediction log is being landed, compacted or erased from; wait for that to end")


def as_declared(rows: pa.Table) -> pa.Table:
    """``rows`` in the declared columns, with what landing adds: ``changed_at`` (when it was answered) and ``flags`` (none).

    Raises:
        pyarrow.ArrowException, KeyError: a column is missing or of another type.
    """
    added: dict[str, Any] = {"changed_at": rows["answered_at"], "flags": pa.array([""] * rows.num_rows, pa.string())}
    for name, values in added.items():
        if name not in rows.column_names:
            rows = rows.append_column(name, values)
    return rows.select(PREDICTIONS.schema.names).cast(PREDICTIONS.schema)


def add_rows(folder: Path, rows: pa.Table, zone: str) -> int:
    """Add ``rows`` (declared columns) to the landed log in ``folder``, one swap for each local day; returns how many were not there yet."""
    rows = _once(rows)
    zoned: Any = rows["answered_at"].cast(pa.timestamp("us", zone))
    local: Any = pc.local_timestamp(zoned)
    days, hours = local.cast(pa.timestamp("s"), safe=False).cast(pa.date32(), safe=False), pc.hour(local)
    added = 0
    for day in _distinct(days):
        of_day = pc.equal(days, pa.scalar(day, pa.date32()))
        added += _add_to_day(folder, day, rows.filter(of_day), hours.filter(of_day))
    return added


def swap_day(folder: Path, landed: LandedDay) -> None:
    """Make ``landed`` what stands of its day, and remove the files that no manifest names any more.

    Raises:
        StateError: the file system refuses; the day is as before.
    """
    own = day_folder(folder, landed.day)
    write_text(own / MANIFEST, landed.model_dump_json(indent=1) + "\n")
    named = {file.name for file in landed.files}
    for path in own.iterdir():
        if path.name.endswith(".partial") or (path.suffix == ".parquet" and path.name not in named):
            path.unlink(missing_ok=True)


def write_file(folder: Path, hour: int, groups: Iterable[pa.Table]) -> LandedFile:
    """A file of one local hour in a day's ``folder``, from tables of declared columns; it counts once a manifest names it.

    Raises:
        StateError: the file system refuses.
    """
    rows, first, last = 0, None, None
    unnamed = folder / f".{hour:02d}.parquet"
    with atomic_file(unnamed) as partial, pq.ParquetWriter(partial, PREDICTIONS.schema, compression="zstd") as writer:
        for group in groups:
            writer.write_table(group, row_group_size=ROW_GROUP)
            spread: dict[str, dt.datetime] = pc.min_max(group["answered_at"]).as_py()  # type: ignore[assignment]  # the stubs take a struct for a list
            first = spread["min"] if first is None else min(first, spread["min"])
            last = spread["max"] if last is None else max(last, spread["max"])
            rows += group.num_rows
    if first is None or last is None:
        unnamed.unlink(missing_ok=True)
        raise ValueError(f"{folder}: no row for hour {hour}")
    digest = digest_file(unnamed)
    name = f"{hour:02d}-{digest[:16]}.parquet"
    try:
        unnamed.replace(folder / name)
    except OSError as error:
        raise StateError(
            f"{folder / name}: can't be written ({error.strerror or error}); make room or mend the rights, and run again"
        ) from error
    return LandedFile(name=name, hour=hour, digest=digest, rows=rows, first_at=first, last_at=last)


def _add_to_day(folder: Path, day: dt.date, rows: pa.Table, hours: Any) -> int:
    landed = read_day(folder, day)
    files = list(landed.files)
    for hour in _distinct(hours):
        fresh = _not_landed(day_folder(folder, day), landed.of_hour(hour), rows.filter(pc.equal(hours, pa.scalar(hour, hours.type))))
        if fresh.num_rows:
            files.append(write_file(day_folder(folder, day), hour, _in_order(fresh)))
    added = sum(file.rows for file in files) - landed.rows
    if added:
        swap_day(folder, LandedDay(day=day, files=sorted(files, key=lambda file: (file.hour, file.first_at, file.name))))
    return added


def _not_landed(folder: Path, files: Sequence[LandedFile], rows: pa.Table) -> pa.Table:
    """``rows`` less the decisions that stand in ``files``: an answer's hour never changes, so that it stands nowhere else."""
    if not files:
        return rows
    known = pa.concat_tables([read_file(folder / file.name, ["decision_id"]) for file in files])["decision_id"]
    return rows.filter(pc.invert(pc.is_in(rows["decision_id"], value_set=known.combine_chunks())))


def _once(rows: pa.Table) -> pa.Table:
    """``rows`` less repeated decisions: of several, the first."""
    if pc.count_distinct(rows["decision_id"]).as_py() == rows.num_rows:
        return rows
    place = pa.array(range(rows.num_rows), pa.int64())
    ids: Any = rows["decision_id"]
    first = pa.table({"id": ids, "place": place}).group_by("id", use_threads=False).aggregate([("place", "min")])
    return rows.take(first["place_min"])


def _distinct(values: Any) -> list[Any]:
    return sorted(pc.unique(values).to_pylist())


def _in_order(rows: pa.Table) -> Iterator[pa.Table]:
    yield rows.take(pc.sort_indices(rows, sort_keys=[("answered_at", "ascending"), ("logged_at", "ascending")]))
