"""The couriers' rounds of the last days, so that it can be told on which of them a parcel would have gone out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tradewind_simulator.entities import Arrays, Entities
from tradewind_simulator.flows import Flags, Today
from tradewind_simulator.mechanisms.transport.waits import HISTORY_DAYS
from tradewind_simulator.streams import Floats, Integers

_MOST_DAYS = 30


@dataclass(frozen=True)
class Out:
    """Parcels that went out on a day, aligned."""

    number: Integers
    depot: Integers
    ready_at: Integers
    rounds: Integers
    """Rounds before this one."""
    left_at: Integers
    attempt: Integers
    """Number of the attempt to come, from 1."""


@dataclass(frozen=True)
class Rest:
    """What is left of parcels' ways from their depots on, aligned."""

    number: Integers
    replicate: Integers
    depot: Integers
    area: Integers
    address: Integers
    promised_at: Integers
    ready_at: Integers
    earliest: Integers
    """First day on which it may go out; the day of its round where it is out."""
    is_out: Flags
    attempt: Integers
    """Number of its next attempt, from 1."""
    rounds: Integers
    """Rounds that it has been on before."""


class Depots(Protocol):
    """What is kept of the last mile."""

    @property
    def waiting(self) -> Entities:
        """Parcels at their depots."""

    @property
    def pressure(self) -> Floats:
        """By depot: what the last round could not take, in days of its couriers' work."""

    @property
    def load(self) -> Floats:
        """By depot: how full the last round was, 0 to 1."""


class RoundHistory:
    """By day and depot: whose turn came, how full the rounds were, and what they left.

    ``turn`` gives what parcels are sorted by on a day (of ready_at, promised_at, the day's start), ``starts`` the starts of days.
    """

    def __init__(
        self, hubs: int, turn: Callable[[Integers, Integers, Integers | int], Integers], starts: Callable[[Integers], Integers]
    ) -> None:
        self._turn, self._starts = turn, starts
        self._until = np.zeros((HISTORY_DAYS, hubs), dtype=np.int64)
        self._pressure, self._load = np.zeros((HISTORY_DAYS, hubs)), np.zeros((HISTORY_DAYS, hubs))
        self._newest = np.full(1, -1, dtype=np.int64)

    def keep(self, today: Today, depots: Depots, couriers: Integers) -> None:
        """After the day's rounds: who could have gone and was left tells how far they came. ``couriers``: people out, by depot."""
        waiting, place = depots.waiting, today.number % HISTORY_DAYS
        left = (waiting["ready_at"] < today.start) & (waiting["not_before"] <= today.number)
        until = np.full(len(couriers), today.start, dtype=np.int64)
        turns = self._turn(waiting["ready_at"][left], waiting["promised_at"][left], today.start)
        np.minimum.at(until, waiting["depot"][left], turns)
        self._until[place] = np.where(couriers > 0, until, np.iinfo(np.int64).min)
        self._pressure[place], self._load[place] = depots.pressure, depots.load
        self._newest[0] = today.number

    def day(self, earliest: Integers, depot: Integers, ready_at: Integers, promised_at: Integers) -> Integers:
        """The day of each parcel's next round, from ``earliest`` on; the first day that is not known yet, if none was before."""
        newest, found = int(self._newest[0]), earliest
        for _ in range(_MOST_DAYS):
            turn = self._turn(ready_at, promised_at, self._starts(found))
            waits = (found <= newest) & (turn >= self._until[found % HISTORY_DAYS, depot])
            if not waits.any():
                break
            found = found + waits
        return found

    def pressure(self, day: Integers, depot: Integers) -> Floats:
        """What the rounds of each day left, in days of work; as of the newest day for later ones."""
        return np.asarray(self._pressure[np.minimum(day, self._newest[0]) % HISTORY_DAYS, depot])

    def load(self, day: Integers, depot: Integers) -> Floats:
        """How full the rounds of each day were; as of the newest day for later ones."""
        return np.asarray(self._load[np.minimum(day, self._newest[0]) % HISTORY_DAYS, depot])

    def arrays(self) -> Arrays:
        """What it carries from day to day."""
        kept = {"pressure": self._pressure.copy(), "load": self._load.copy()}
        return {"until": self._until.copy(), "newest": self._newest.copy(), **kept}

    def restore(self, arrays: Arrays, prefix: str = "") -> None:
        """Go on from a checkpoint."""
        self._until, self._newest = arrays[prefix + "until"].copy(), arrays[prefix + "newest"].copy()
        self._pressure, self._load = arrays[prefix + "pressure"].copy(), arrays[prefix + "load"].copy()
