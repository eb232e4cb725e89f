"""Local times to UTC, for whole columns. The zone's rules come from ``zoneinfo``, so that they don't depend on the machine."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

_QUARTER = np.timedelta64(15, "m")
_QUARTERS_PER_DAY = 96
"""Zones change their offset on quarters of an hour: one look-up serves all times of a quarter, and of a day without a change."""


def to_utc(local: npt.NDArray[np.datetime64], zone: str) -> npt.NDArray[np.datetime64]:
    """UTC instants (``datetime64[us]``) of the local times ``local`` in ``zone``; NaT stays NaT.

    A time that occurs twice (clocks set back) is the earlier instant; one that never occurs (clocks set forward) is read with
    the offset before the change, so it is shifted forward. It is what ``datetime.replace(tzinfo=…)`` with ``fold=0`` means,
    and so the same as ``tradewind_contracts.instants.parse_instant``.
    """
    micros = local.astype("datetime64[us]")
    result = np.full(micros.shape, np.datetime64("NaT", "us"), dtype="datetime64[us]")
    known = ~np.isnat(micros)
    quarters = (micros[known] - np.datetime64(0, "us")) // _QUARTER
    result[known] = micros[known] - _offsets(quarters, ZoneInfo(zone))
    return result


def _offsets(quarters: npt.NDArray[np.int64], rules: ZoneInfo) -> npt.NDArray[np.timedelta64]:
    days, place = np.unique(quarters // _QUARTERS_PER_DAY, return_inverse=True)
    bounds = [(_offset(int(day) * _QUARTERS_PER_DAY, rules), _offset(int(day + 1) * _QUARTERS_PER_DAY, rules)) for day in days]
    offsets = np.array([start for start, _ in bounds], dtype="timedelta64[us]")[place]
    changes = np.array([start != end for start, end in bounds], dtype=bool)[place]
    offsets[changes] = [_offset(int(quarter), rules) for quarter in quarters[changes]]
    return offsets


def _offset(quarter: int, rules: ZoneInfo) -> np.timedelta64:
    local = dt.datetime(1970, 1, 1, tzinfo=rules) + dt.timedelta(minutes=15 * quarter)  # wall time: arithmetic within one zone
    offset = local.utcoffset()
    return np.timedelta64(offset if offset is not None else dt.timedelta(0), "us")
