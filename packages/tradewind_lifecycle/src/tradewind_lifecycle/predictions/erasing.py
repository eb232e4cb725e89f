"""Taking a person's order, or a merchant, out of the log: landed days, the quarantine's rows and what lands later of segments still there.

A rewritten day is swapped whole. What a living service still holds, or has in an open segment, can't be rewritten: the value is noted (as a
digest), and landing leaves out rows of it that were logged until then.
"""

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, TypeAdapter

from tradewind_contracts.digests import digest_bytes
from tradewind_contracts.errors import NotFoundError
from tradewind_contracts.files import atomic_file, write_text
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.predictions.adding import held, swap_day, write_file
from tradewind_lifecycle.predictions.landed import LandedDay, LandedFile, day_folder, days_in, landed_folder, read_day, read_file

ERASED, QUARANTINE = "erased.json", "quarantine"

COLUMNS = ("order_id", "merchant_id")
"""By what rows are erased."""

MARGIN = dt.timedelta(seconds=2)
"""What was answered before an erasure may be logged this much later."""


class Erasure(BaseModel):
    """Rows whose ``column`` has a value of this digest, logged until ``until``, do not land."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    digest: str
    until: dt.datetime


_LIST = TypeAdapter(list[Erasure])


def erase_predictions(settings: Settings, column: str, values: Sequence[str]) -> int:
    """Remove every row whose ``column`` (order_id or merchant_id) is one of ``values`` (as logged: plain, or hashed); returns how many went.

    Raises:
        NotFoundError: the log has no such column to erase by.
        StateError: a landing is under way, or the file system refuses; each day is as before or rewritten, do it again.
    """
    if column not in COLUMNS:
        raise NotFoundError(f"predictions are not erased by {column!r}; expected one of {', '.join(COLUMNS)}")
    with held(settings):
        _note(settings, column, values)
        folder = landed_folder(settings)
        _erase_of_quarantine(settings.paths.prediction_log / QUARANTINE, column, values)
        return sum(_erase_of_day(folder, day, column, values) for day in days_in(folder))


def without_erased(settings: Settings, rows: pa.Table) -> pa.Table:
    """``rows`` less those that were erased before they could land."""
    for erasure in _erasures(settings):
        if not rows.num_rows:
            break
        values: Any = rows[erasure.column]
        hit = [v for v in pc.unique(values).to_pylist() if v is not None and digest_bytes(v.encode()) == erasure.digest]
        if hit:
            old: Any = pc.less_equal(rows["logged_at"], pa.scalar(erasure.until, pa.timestamp("us", tz="UTC")))
            gone: Any = pc.and_(pc.is_in(values, value_set=pa.array(hit, pa.string())), old)
            rows = rows.filter(pc.invert(gone))
    return rows


def _note(settings: Settings, column: str, values: Sequence[str]) -> None:
    until = Clock().now() + MARGIN
    noted = [*_erasures(settings), *(Erasure(column=column, digest=digest_bytes(value.encode()), until=until) for value in values)]
    write_text(settings.paths.prediction_log / ERASED, _LIST.dump_json(noted, indent=1).decode() + "\n")


def _erasures(settings: Settings) -> list[Erasure]:
    try:
        return _LIST.validate_json((settings.paths.prediction_log / ERASED).read_bytes())
    except FileNotFoundError:
        return []


def _erase_of_quarantine(folder: Path, column: str, values: Sequence[str]) -> None:
    for path in sorted(folder.glob("*.parquet")):
        rows = pq.read_table(path)
        kept = [json.loads(str(text)).get(column) not in values for text in rows["row_json"].to_pylist()]
        if not all(kept):
            with atomic_file(path) as partial:
                pq.write_table(rows.filter(pa.array(kept)), partial, compression="zstd")


def _erase_of_day(folder: Path, day: dt.date, column: str, values: Sequence[str]) -> int:
    landed, own = read_day(folder, day), day_folder(folder, day)
    wanted, files = pa.array(list(values), pa.string()), list[LandedFile]()
    for file in landed.files:
        is_theirs: Any = pc.is_in(read_file(own / file.name, [column])[column], value_set=wanted)
        if not pc.any(is_theirs).as_py():
            files.append(file)
            continue
        left = read_file(own / file.name).filter(pc.invert(is_theirs))
        if left.num_rows:
            files.append(write_file(own, file.hour, [left]))
    erased = landed.rows - sum(file.rows for file in files)
    if erased:
        swap_day(folder, LandedDay(day=day, files=files))
    return erased
