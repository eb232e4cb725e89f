"""Couriers' rounds: which parcels go out, with whom and at what hour."""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator.days import HOUR
from tradewind_simulator.flows import Flags, Today
from tradewind_simulator.mechanisms.delivery.workloads import places
from tradewind_simulator.streams import Floats, Integers, Key, Streams

_HOUR, _AREA, _DOOR, _HONESTY, _LEAVES = range(5)
_PER_DEPOT = 1_000


class RoundsParameters(BaseModel):
    """Hours and order of the rounds. Chosen after carriers' practice: out in the morning, back when the van is empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    leaves_hour: float = Field(default=7.0, ge=0, le=9, description="Local hour from which parcels are scanned out of the depot. Chosen.")
    first_hour: float = Field(default=9.0, ge=8, le=20, description="Local hour of the first stop. Chosen.")
    last_hour: float = Field(default=20.0, ge=9, le=20, description="Local hour of the last stop of a full round. Chosen: 9 to 20.")
    empty_share: float = Field(default=0.35, ge=0, le=1, description="Share of the hours that a nearly empty round takes. Chosen.")
    urgent_hours: float = Field(
        default=24.0, ge=0, le=240, description="Parcels due today or late go as if ready so much earlier. Chosen: a day."
    )


@dataclass(frozen=True)
class Stops:
    """Today's stops: positions among the parcels that were waiting, and for each its round."""

    rows: Integers
    courier: Integers
    """Number: of the depot and the round."""
    leaves_at: Integers
    hour: Floats
    """Local, with its fraction, of the first pass."""
    progress: Floats
    """Place in the round, 0 to 1."""
    dishonesty: Floats
    """Of the courier, standard normal."""
    pressure: Floats
    """By depot: what it can't take out today, in days of its couriers' work."""
    load: Floats
    """By depot: how full its rounds are, 0 to 1."""


@dataclass(frozen=True)
class Waiting:
    """Parcels at their depots, aligned."""

    number: Integers
    customer: Integers
    depot: Integers
    area: Integers
    ready_at: Integers
    promised_at: Integers
    attempt: Integers
    """Number of its next attempt, from 1."""
    may_go: Flags
    """Neither sorted today nor kept back after a failed attempt."""


class Rounds:
    """Draws are functions of the parcel's or the courier's number; nothing is kept from day to day."""

    def __init__(self, parameters: RoundsParameters, streams: Streams) -> None:
        self._parameters = parameters
        self._stream = streams.stream("rounds")

    def plan(self, today: Today, waiting: Waiting, is_workday: Flags, capacity: Integers, couriers: Integers) -> Stops:
        """The stops of ``today``: by depot as many as its couriers can make, those longest ready first (urgent ones earlier).

        ``is_workday``, ``capacity`` (stops) and ``couriers`` (people out) are by depot.
        """
        p = self._parameters
        out = np.where(is_workday & (couriers > 0), capacity, 0)
        rows = np.flatnonzero(waiting.may_go)
        turn = self.turn(waiting.ready_at[rows], waiting.promised_at[rows], today.start)
        rows = rows[np.lexsort((waiting.number[rows], turn, waiting.depot[rows]))]
        wanted = np.bincount(waiting.depot[rows], minlength=len(out))
        rows = rows[places(waiting.depot[rows]) < out[waiting.depot[rows]]]
        rows = rows[np.argsort(waiting.number[rows], kind="stable")]
        depot, number = waiting.depot[rows], waiting.number[rows]
        load = np.minimum(wanted, out) / np.maximum(out, 1)
        pressure = np.maximum(wanted - out, 0) / np.maximum(out, 1)
        progress = self.progress(number, waiting.attempt[rows])
        hour = self.hour(progress, load[depot])
        courier = depot * _PER_DEPOT + np.minimum(np.floor(self._tour(waiting, rows) * couriers[depot]).astype(np.int64), _PER_DEPOT - 1)
        leaves = p.leaves_hour + 0.5 * self._stream.uniform(courier, today.number, slot=_LEAVES)
        return Stops(
            rows=rows,
            courier=courier,
            leaves_at=today.start + (leaves * HOUR).astype(np.int64),
            hour=hour,
            progress=progress,
            dishonesty=self.dishonesty(courier),
            pressure=pressure,
            load=load,
        )

    def turn(self, ready_at: Integers, promised_at: Integers, start: Integers | int) -> Integers:
        """By what parcels are sent out on the day that begins at ``start``: the lowest first."""
        return ready_at - np.where(promised_at <= start, int(self._parameters.urgent_hours * HOUR), 0)

    def progress(self, number: Integers, attempt: Integers, replicate: Key = 0) -> Floats:
        """Place in its round of each parcel's attempt."""
        return self._stream.uniform(number, attempt, replicate, slot=_HOUR)

    def hour(self, progress: Floats, load: Floats) -> Floats:
        """Local hour of the stop, in rounds that are full to ``load`` (0 to 1): fuller rounds take longer."""
        p = self._parameters
        return p.first_hour + (p.last_hour - p.first_hour) * (p.empty_share + (1.0 - p.empty_share) * load) * progress

    def dishonesty(self, couriers: Integers) -> Floats:
        """The couriers' latent disposition to scan what they did not do: standard normal."""
        return self._stream.normal(couriers, slot=_HONESTY)

    def _tour(self, waiting: Waiting, rows: Integers) -> Floats:
        """Where the door lies on its depot's tour, 0 to 1: neighbours lie near each other, so they mostly share a courier."""
        area = self._stream.uniform(waiting.area[rows], slot=_AREA)
        door = self._stream.uniform(waiting.customer[rows], slot=_DOOR)
        return np.asarray((area + 0.15 * door) % 1.0)
