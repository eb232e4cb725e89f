"""Local hour and weekday of UTC instants, from a table of the zone's offsets that is made once per process."""

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike, NDArray

_FIRST, _LAST = dt.datetime(1990, 1, 1, tzinfo=dt.UTC), dt.datetime(2060, 1, 1, tzinfo=dt.UTC)
"""Span of the offset table, chosen: any marketplace's data; an instant outside takes the nearest known offset."""
_US_PER_HOUR, _US_PER_DAY = 3_600_000_000, 86_400_000_000
_THURSDAY = 3  # 1970-01-01


def local_hour(instants: ArrayLike, zone: str) -> NDArray[np.float64]:
    """Hour of the local day, 0 to 23, float64 [n]; ``instants``: datetime64 in UTC, NaT gives NaN."""
    local, known = _local_microseconds(instants, zone)
    return np.where(known, (local // _US_PER_HOUR) % 24, np.nan)


def local_weekday(instants: ArrayLike, zone: str) -> NDArray[np.float64]:
    """Day of the local week, 0 Monday to 6 Sunday, float64 [n]; ``instants``: datetime64 in UTC, NaT gives NaN."""
    local, known = _local_microseconds(instants, zone)
    return np.where(known, (local // _US_PER_DAY + _THURSDAY) % 7, np.nan)


def _local_microseconds(instants: ArrayLike, zone: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    utc = np.asarray(instants, dtype="datetime64[us]")
    starts, offsets = offset_table(zone)
    microseconds = utc.astype(np.int64)
    place = np.searchsorted(starts, microseconds, side="right") - 1
    return microseconds + offsets[np.maximum(place, 0)], ~np.isnat(utc)


@lru_cache(maxsize=32)
def offset_table(zone: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where a zone's offset from UTC changes: starts of its spans and the offset in each, both int64 microseconds, sorted.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: no such zone.
    """
    info = ZoneInfo(zone)
    day = dt.timedelta(days=1)
    spans = [(_FIRST, _offset(info, _FIRST))]
    instant = _FIRST
    while instant < _LAST:
        if _offset(info, instant + day) != spans[-1][1]:
            change = _change_between(info, instant, instant + day)
            spans.append((change, _offset(info, change)))
        instant += day
    micro = dt.timedelta(microseconds=1)
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (
        np.array([(start - epoch) // micro for start, _ in spans], dtype=np.int64),
        np.array([offset // micro for _, offset in spans], dtype=np.int64),
    )


def _offset(info: ZoneInfo, instant: dt.datetime) -> dt.timedelta:
    return instant.astimezone(info).utcoffset() or dt.timedelta()


def _change_between(info: ZoneInfo, before: dt.datetime, after: dt.datetime) -> dt.datetime:
    """The first second whose offset is not that of ``before``: zones change once in a day at most."""
    old = _offset(info, before)
    while after - before > dt.timedelta(seconds=1):
        middle = before + dt.timedelta(seconds=(after - before) // dt.timedelta(seconds=2))
        before, after = (middle, after) if _offset(info, middle) == old else (before, middle)
    return after
