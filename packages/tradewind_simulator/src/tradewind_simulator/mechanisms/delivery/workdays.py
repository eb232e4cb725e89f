"""Counting in the workdays of each state, for the stages that a weekend or a holiday stops."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from tradewind_simulator.days import Days
from tradewind_simulator.flows import Today
from tradewind_simulator.streams import Integers

_CHUNK = 64


class DaysAhead(Protocol):
    """Tells the days of a world (from 0), those ahead too."""

    def today(self, day: int) -> Today:
        """The local day."""


class Workdays:
    """The workdays of each state from day 0 on, as far ahead as anybody asks (what is asked changes no answer)."""

    def __init__(self, calendar: DaysAhead, days: Days) -> None:
        self._calendar = calendar
        self._days = days
        self._is_workday: npt.NDArray[np.bool_] = np.array([calendar.today(0).is_workday], dtype=bool)
        self._starts = np.zeros(0, dtype=np.int64)
        self._reach(_CHUNK)

    def starts(self, days: Integers) -> Integers:
        """The instant at which each local day begins."""
        self._reach(int(days.max(initial=0)))
        return np.asarray(self._starts[days])

    def before(self, days: Integers, states: Integers) -> Integers:
        """How many workdays of the state lie before the day: also the place of the first workday from that day on."""
        self._reach(int(days.max(initial=0)))
        return np.asarray(self._before[days, states])

    def at(self, places: Integers, states: Integers) -> Integers:
        """The day that is the state's workday number ``places``, counted from 0."""
        while self._reached <= int(places.max(initial=0)):
            self._reach(len(self._is_workday) + _CHUNK)
        return np.asarray(self._at[states, places])

    def following(self, days: Integers, states: Integers) -> Integers:
        """The first workday after each day."""
        return self.at(self.before(days + 1, states), states)

    def _reach(self, day: int) -> None:
        if day < len(self._starts):
            return
        wanted = (day // _CHUNK + 1) * _CHUNK
        added = [self._calendar.today(number).is_workday for number in range(len(self._is_workday), wanted)]
        self._is_workday = np.concatenate([self._is_workday, np.array(added, dtype=bool)])
        self._starts = np.array([self._days.start(number) for number in range(wanted)], dtype=np.int64)
        counted = np.cumsum(self._is_workday, axis=0, dtype=np.int64)
        self._before = np.vstack([np.zeros_like(counted[:1]), counted[:-1]])
        self._reached = int(counted[-1].min())
        self._at = np.array([np.flatnonzero(column)[: self._reached] for column in self._is_workday.T], dtype=np.int64)
