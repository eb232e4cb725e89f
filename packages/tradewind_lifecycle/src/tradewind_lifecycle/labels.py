"""Labels: the delivery of each parcel, cut at the instant at which somebody looks. Only lifecycle reads them."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewind_contracts.instants import UTC
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_lifecycle.publishing import published_table

TABLE = "lbl_parcel__delivery"


def read_labels(settings: Settings) -> pa.Table:
    """The published label rows, one per parcel, by purchase and parcel_id; ``outcome_at`` and ``handed_over_at`` null if it never happened.

    Nothing is cut: whoever fits on it cuts it with :func:`known_at`.

    Raises:
        StateError: no labels are published.
    """
    table = pq.read_table(published_table(settings, TABLE))
    return table.sort_by([("event_timestamp", "ascending"), ("parcel_id", "ascending")])


def known_at(labels: pa.Table, as_of: dt.datetime) -> pa.Table:
    """What was known at ``as_of`` (zoned): orders placed before it; hand-overs and deliveries before it.

    A parcel delivered at ``as_of`` or later is censored there: its outcome and duration are null, ``observed_until_at`` is ``as_of``.
    """
    rows = placed_between(labels, None, as_of)
    outcome = _before(rows["outcome_at"], as_of)
    duration = pc.if_else(pc.is_valid(outcome), rows["duration_days"], pa.scalar(None, pa.float64()))
    until = pa.chunked_array([pa.array([as_of.astimezone(UTC)] * rows.num_rows, rows["observed_until_at"].type)])
    changes = {
        "handed_over_at": _before(rows["handed_over_at"], as_of),
        "outcome_at": outcome,
        "duration_days": duration,
        "observed_until_at": until,
    }
    for name, values in changes.items():
        rows = rows.set_column(rows.column_names.index(name), name, values)
    return rows


def placed_between(labels: pa.Table, start: dt.datetime | None, end: dt.datetime | None) -> pa.Table:
    """The rows of orders placed in [start, end); ``None`` leaves that side open."""
    ordered: Any = labels["event_timestamp"]
    kept: Any = pa.array([True] * labels.num_rows)
    if start is not None:
        kept = pc.and_(kept, pc.greater_equal(ordered, _scalar(start, ordered.type)))
    if end is not None:
        kept = pc.and_(kept, pc.less(ordered, _scalar(end, ordered.type)))
    return labels.filter(kept)


def questions(settings: Settings, n: int) -> pa.Table:
    """At most ``n`` label rows of the local day that begins at the world's clock, evenly spread over it, with their later truth.

    The truth (``outcome_at``, ``duration_days``) stands beside the answer; no service may see it.
    """
    world = World.read(settings.paths.world_file)
    as_of = world.clock.now()
    local = as_of.astimezone(ZoneInfo(world.zone))
    rows = placed_between(read_labels(settings), as_of, (local + dt.timedelta(days=1)).astimezone(UTC))
    if rows.num_rows <= n:
        return rows
    return rows.take(pa.array([number * rows.num_rows // n for number in range(n)]))


def _before(instants: Any, as_of: dt.datetime) -> Any:
    return pc.if_else(pc.less(instants, _scalar(as_of, instants.type)), instants, pa.scalar(None, instants.type))


def _scalar(instant: dt.datetime, kind: pa.DataType) -> Any:
    return pa.scalar(instant.astimezone(UTC), kind)
