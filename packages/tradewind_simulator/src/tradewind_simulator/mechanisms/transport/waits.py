"""What the network was like on the last days: how long a parcel would have waited at each hub, which hubs overflowed, the weather.

It answers "had a parcel come to this hub at this instant, when would it have been sorted?" for any instant of the days that it keeps.
"""

import numpy as np

from tradewind_simulator.days import HOUR, Days
from tradewind_simulator.entities import Arrays
from tradewind_simulator.flows import Flags
from tradewind_simulator.mechanisms.transport.queues import LEFT, instant_of, rounded, work_at
from tradewind_simulator.streams import Floats, Integers

HISTORY_DAYS = 112
"""Days kept: longer than the horizon of ``eta_law`` and what it batches."""
_MOST_DAYS = 60


class QueueHistory:
    """The queues of the last days, by the knots of the capacity (hours)."""

    def __init__(self, days: Days, hubs: int, knots: int, states: int) -> None:
        self._days = days
        self._cumulative = np.zeros((HISTORY_DAYS, hubs, knots))
        self._ahead = np.zeros((HISTORY_DAYS, hubs, knots))
        self._overflows = np.zeros((HISTORY_DAYS, hubs), dtype=np.bool_)
        self._weather = np.ones((HISTORY_DAYS, states))
        self._newest = np.full(1, -1, dtype=np.int64)

    @property
    def newest(self) -> int:
        """The newest day kept; -1 before the first."""
        return int(self._newest[0])

    def keep(self, day: int, cumulative: Floats, ahead: Floats, overflows: Flags, weather: Floats) -> None:
        """A day's capacity and units ahead at each knot (hubs × knots), overflowing hubs at its end, weather by state."""
        place = day % HISTORY_DAYS
        self._cumulative[place], self._ahead[place] = cumulative, ahead
        self._overflows[place], self._weather[place] = overflows, weather
        self._newest[0] = day

    def overflows(self, day: Integers, hub: Integers) -> Flags:
        """Whether each hub overflowed on the evening of each day."""
        return np.asarray(self._overflows[day % HISTORY_DAYS, hub])

    def weather(self, day: Integers, state: Integers) -> Floats:
        """The weather's factor in each state on each day."""
        return np.asarray(self._weather[day % HISTORY_DAYS, state])

    def hours(self, hub: Integers, instants: Integers) -> Floats:
        """Hours that a parcel coming to ``hub`` at each of ``instants`` would wait until it is sorted; NaN where it isn't known yet."""
        finished = self.sorted_at(hub, instants)
        return np.where(finished >= 0, (finished - instants) / HOUR, np.nan)

    def sorted_at(self, hub: Integers, instants: Integers) -> Integers:
        """Instants at which parcels coming to ``hub`` at ``instants`` would be sorted; -1 where it isn't known yet."""
        day = self._days.of(instants)
        known = (day <= self.newest) & (day > self.newest - HISTORY_DAYS)
        finished = np.full(len(day), LEFT)
        rows = np.flatnonzero(known)
        work = self._offered(day[rows], hub[rows], instants[rows])
        current = day[rows]
        for _ in range(_MOST_DAYS):
            if not len(rows):
                break
            place = (current % HISTORY_DAYS) * self._cumulative.shape[1] + hub[rows]
            rows, work, current = self._pass_day(rows, place, work, current, finished)
        return finished

    def _offered(self, day: Integers, hub: Integers, instants: Integers) -> Floats:
        """What the hub would have done on the day when it is through with a parcel that comes at ``instants``."""
        flat, ahead = _by_day_and_hub(self._cumulative), _by_day_and_hub(self._ahead)
        place = (day % HISTORY_DAYS) * self._cumulative.shape[1] + hub
        seconds = instants - self._starts(day)
        last = flat.shape[1] - 1
        part = np.clip(seconds / HOUR, 0.0, last)
        knot = np.minimum(part.astype(np.int64), last - 1)
        before = ahead[place, knot] + (ahead[place, knot + 1] - ahead[place, knot]) * (part - knot)
        return work_at(flat, place, seconds, HOUR) + rounded(before) + 1.0

    def _pass_day(
        self, rows: Integers, place: Integers, work: Floats, current: Integers, finished: Integers
    ) -> tuple[Integers, Floats, Integers]:
        """Finish what the day can do; what is left goes on to the next day, if that is known."""
        flat = _by_day_and_hub(self._cumulative)
        used, local = np.unique(place, return_inverse=True)
        own = flat[used]
        done = instant_of(own, local, work, HOUR)
        is_done = done != LEFT
        finished[rows[is_done]] = self._starts(current[is_done]) + done[is_done]
        on = ~is_done & (current < self.newest)
        return rows[on], work[on] - own[local[on], -1], current[on] + 1

    def _starts(self, day: Integers) -> Integers:
        kinds, local = np.unique(day, return_inverse=True)
        return np.array([self._days.start(int(value)) for value in kinds], dtype=np.int64)[local]

    def arrays(self) -> Arrays:
        """What it carries from day to day."""
        return {
            "cumulative": self._cumulative.copy(),
            "ahead": self._ahead.copy(),
            "overflows": self._overflows.copy(),
            "weather": self._weather.copy(),
            "newest": self._newest.copy(),
        }

    def restore(self, arrays: Arrays, prefix: str = "") -> None:
        """Go on from a checkpoint."""
        self._cumulative, self._ahead = arrays[prefix + "cumulative"].copy(), arrays[prefix + "ahead"].copy()
        self._overflows, self._weather = arrays[prefix + "overflows"].copy(), arrays[prefix + "weather"].copy()
        self._newest = arrays[prefix + "newest"].copy()


def _by_day_and_hub(values: Floats) -> Floats:
    days, hubs, knots = values.shape
    return values.reshape(days * hubs, knots)
