"""From rows of the prediction log to windows of whole local days with one column per input."""

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tradewind_contracts.errors import SettingsError
from tradewind_contracts.instants import iso, local_midnight
from tradewind_lifecycle.monitoring.shapes import AGE_SUFFIX

WINDOW_DAYS = 7
"""Local days of a window: whole weeks, so that no weekday counts twice."""
KEPT = ("version", "answered_at", "ordered_at", "order_id", "merchant_id", "p10_days", "p50_days", "p90_days", "promise_days")


@dataclass(frozen=True)
class Window:
    """Answers given in [start, end) (zoned)."""

    start: dt.datetime
    end: dt.datetime

    def dates(self, zone: str) -> tuple[str, str]:
        """First and last local date in it."""
        first, last = (instant.astimezone(ZoneInfo(zone)).date() for instant in (self.start, self.end - dt.timedelta(microseconds=1)))
        return first.isoformat(), last.isoformat()


def windows_between(start: dt.datetime, end: dt.datetime, zone: str, days: int = WINDOW_DAYS) -> list[Window]:
    """Windows of ``days`` local days from ``start``; what is left before ``end`` is no window.

    Raises:
        SettingsError: not even one fits.
    """
    first = start.astimezone(ZoneInfo(zone)).date()
    found: list[Window] = []
    while (edge := _midnight(first + dt.timedelta(days=days * (len(found) + 1)), zone)) <= end:
        found.append(Window(found[-1].end if found else _midnight(first, zone), edge))
    if not found:
        raise SettingsError(f"{iso(start)} to {iso(end)}: shorter than one window of {days} local days; choose a longer span")
    return found


def newest_weeks(now: dt.datetime, count: int, zone: str) -> list[Window]:
    """The last ``count`` whole weeks before ``now``, Monday to Sunday in ``zone``, oldest first: the same weeks whoever asks when."""
    local = now.astimezone(ZoneInfo(zone))
    monday = local.date() - dt.timedelta(days=local.weekday())
    edges = [_midnight(monday - dt.timedelta(days=WINDOW_DAYS * number), zone) for number in range(count, -1, -1)]
    return [Window(start, end) for start, end in itertools.pairwise(edges)]


def flat(log: pa.Table, inputs: Sequence[str], views: Sequence[str]) -> pa.Table:
    """Log rows with a column per input and, as ``<view>__age_hours``, per view; ``event_timestamp`` is when it was answered.

    What a row does not name is null. ``shipment`` is what a merchant sends of an order; null where the log does not keep both.
    """
    columns: dict[str, Any] = {name: log[name] for name in KEPT}
    columns["event_timestamp"] = log["answered_at"].cast(pa.timestamp("us", "UTC"))
    columns["shipment"] = shipments(log)
    texts = _names(log["texts"])
    for name in inputs:
        columns[name] = pc.map_lookup(log["texts" if name in texts else "numbers"], name, "first")
    for view in views:
        columns[view + AGE_SUFFIX] = pc.map_lookup(log["ages_hours"], view, "first")
    return pa.table(columns)


def shipments(table: pa.Table) -> Any:
    """``order:merchant`` of each row, by which answers and outcomes meet; null where either is. A source may have parcel ids of its own."""
    order, merchant = (table[name].cast(pa.string()) for name in ("order_id", "merchant_id"))
    named: Any = pc.and_(pc.not_equal(order, pa.scalar("")), pc.not_equal(merchant, pa.scalar("")))
    pairs: Any = pc.binary_join_element_wise(order, merchant, pa.scalar(":"))  # type: ignore[call-overload]  # the stubs know no column of chunks
    return pc.if_else(named, pairs, pa.scalar(None, pa.string()))


def first_answers(rows: pa.Table) -> pa.Table:
    """One row per shipment: the first that was answered, as a shop prints it. Rows without one are left out."""
    named = rows.filter(pc.is_valid(rows["shipment"])).sort_by([("event_timestamp", "ascending")])
    ids = np.asarray(named["shipment"].to_pylist(), dtype=object)
    _, first = np.unique(ids.astype(str), return_index=True)
    return named.take(np.sort(first))


def _names(column: Any) -> set[str]:
    return {str(name) for chunk in column.chunks for name in chunk.keys.unique().to_pylist()}


def _midnight(day: dt.date, zone: str) -> dt.datetime:
    """The start of a local day (UTC), also where the clocks are changed at midnight."""
    return local_midnight(dt.datetime.combine(day, dt.time(12), ZoneInfo(zone)), zone)
