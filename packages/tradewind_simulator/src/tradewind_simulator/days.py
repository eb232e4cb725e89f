"""Local days and instants. Instants are whole seconds since 1970 in UTC (int64); days are numbered from the world's first, 0."""

import datetime as dt
import functools
from zoneinfo import ZoneInfo

import numpy as np

from tradewind_simulator.streams import Integers

NEVER = np.int64(1 << 60)
"""An instant that has not come, or never will: later than every other, and null in what is written."""

MINUTE, HOUR, DAY = 60, 3_600, 86_400
_EPOCH = dt.date(1970, 1, 1)


class Days:
    """The local days of a world: where each begins in UTC."""

    def __init__(self, first: dt.date, zone: str) -> None:
        self.first = first
        self.zone = zone
        self._rules = ZoneInfo(zone)

    def date(self, day: int) -> dt.date:
        """The date of local day ``day``."""
        return self.first + dt.timedelta(days=day)

    @functools.lru_cache(maxsize=4096)  # noqa: B019 (one Days lives as long as its world)
    def start(self, day: int) -> int:
        """The instant at which local day ``day`` begins."""
        local = dt.datetime.combine(self.date(day), dt.time(), tzinfo=self._rules)
        return int(local.timestamp())

    def of(self, instants: Integers) -> Integers:
        """The local day of each instant (within 10,000 days of the first); ``NEVER`` lies on no day and stays ``NEVER``."""
        day: Integers = np.full(len(instants), NEVER, dtype=np.int64)
        come = instants[instants < NEVER]
        if len(come):
            low = (int(come.min()) - self.start(0)) // DAY - 1
            high = (int(come.max()) - self.start(0)) // DAY + 2
            starts = np.array([self.start(number) for number in range(low, high + 1)], dtype=np.int64)
            day[instants < NEVER] = np.searchsorted(starts, come, side="right") + low - 1
        return day

    def utc_day(self, day: int) -> int:
        """Days since 1970 of the date of local day ``day``: the UTC day of the same date."""
        return (self.date(day) - _EPOCH).days


def utc_date(day: int) -> dt.date:
    """The date of the UTC day ``day`` (days since 1970)."""
    return _EPOCH + dt.timedelta(days=day)
