"""Where a parcel is sent from a hub and how long the leg takes: pure functions of the parcel, its hop and the state of the network.

Each draw is keyed by the parcel's number, the hop (0 at the origin depot) and a *replicate*: 0 is what happened, others are what else
could have happened in the same network (``eta_law`` asks for those).
"""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from tradewind_simulator.days import HOUR, MINUTE
from tradewind_simulator.flows import Flags
from tradewind_simulator.streams import Floats, Integers, Stream

_DEPARTURE, _RATIO, _MISSORT, _WHERE, _REROUTE, _NIGHTS = range(6)
LEAVES, _WINDOW = 23 * HOUR, HOUR
"""Lorries leave from 23:00 on, after the sort, within an hour."""
_LEAST = 10 * MINUTE
_MOST_HOPS = 10
_MOST_NIGHTS = 21


class LegParameters(BaseModel):
    """Time and errors of the way between hubs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ratio_mu: float = Field(
        default=-0.2,
        ge=-3,
        le=3,
        description="Leg time in fair weather over planned time is 1 + LogNormal(mu, sigma); with the weather's slowing the median is"
        " 2.0, that of actual over OSRM time in Delhivery's public trip data of 2018.",
    )
    ratio_sigma: float = Field(default=0.88, gt=0, le=3, description="Spread of the log (the same data: p5 1.2, p95 5.2).")
    stays: tuple[float, float, float] = Field(
        default=(0.45, 0.55, 0.55),
        description="Probability, each evening, that a sorted parcel waits for a later lorry, at national, regional and local hubs"
        " (chosen: with them the way from hand-over to delivery takes Olist's mean of 9.3 days).",
    )
    missort: float = Field(
        default=0.01, ge=0, le=0.5, description="Probability that a parcel is put on a wrong lorry, per departure (chosen)."
    )
    reroute: float = Field(default=0.5, ge=0, le=1, description="Share of parcels sent another way while the next hub overflows (chosen).")
    overflow_days: float = Field(
        default=1.5, gt=0, le=60, description="Backlog of a hub, in days of its capacity, from which it overflows (chosen)."
    )

    @field_validator("stays")
    @classmethod
    def _leaves_some_day(cls, stays: tuple[float, float, float]) -> tuple[float, float, float]:
        if not all(0 <= stay < 1 for stay in stays):
            raise ValueError("stays: each must be at least 0 and below 1, or no parcel ever leaves")
        return stays


@dataclass(frozen=True)
class Departure:
    """Where parcels are sent to."""

    to: Integers
    is_missort: Flags
    is_reroute: Flags


class Legs:
    """The draws of the legs."""

    def __init__(self, parameters: LegParameters, stream: Stream) -> None:
        self.parameters = parameters
        self._stream = stream

    def nights(self, number: Integers, hop: Integers, level: Integers, replicate: int | Integers = 0) -> Integers:
        """Evenings for which a sorted parcel is left behind at a hub of ``level``: geometric, 0 is the first evening's lorry."""
        stays = np.maximum(np.array(self.parameters.stays)[level], 1e-12)
        u = self._stream.uniform(number, hop, replicate, slot=_NIGHTS)
        return np.asarray(np.minimum((np.log(u) / np.log(stays)).astype(np.int64), _MOST_NIGHTS))

    def departs_at(self, start: int | Integers, number: Integers, hop: Integers, replicate: int | Integers = 0) -> Integers:
        """Instant of the evening's departure on the local day that begins at ``start``: from 23:00 to 24:00."""
        return start + LEAVES + (self._stream.uniform(number, hop, replicate, slot=_DEPARTURE) * _WINDOW).astype(np.int64)

    def ratio(self, number: Integers, hop: Integers, replicate: int | Integers = 0) -> Floats:
        """Actual over planned minutes in fair weather."""
        p = self.parameters
        return np.asarray(1.0 + np.exp(p.ratio_mu + p.ratio_sigma * self._stream.normal(number, hop, replicate, slot=_RATIO)))

    def send(
        self,
        number: Integers,
        hop: Integers,
        following: Integers,
        alternate: Integers,
        overflows: Flags,
        neighbours: Integers,
        neighbours_count: Integers,
        replicate: int | Integers = 0,
    ) -> Departure:
        """Where each parcel is sent: as planned (``following``), around an overflowing hub, or by mistake to a neighbour.

        ``neighbours`` has a row per parcel. Parcels that have been through many hubs already are sent with care.
        """
        p = self.parameters
        fresh = hop < _MOST_HOPS
        is_reroute = overflows & (alternate >= 0) & fresh
        is_reroute &= self._stream.bernoulli(p.reroute, number, hop, replicate, slot=_REROUTE)
        to = np.where(is_reroute, alternate, following)
        is_missort = self._stream.bernoulli(p.missort, number, hop, replicate, slot=_MISSORT) & (neighbours_count >= 2) & fresh
        wrong = np.flatnonzero(is_missort)
        if len(wrong):
            to = to.copy()
            u = self._stream.uniform(*_at(wrong, number, hop, replicate), slot=_WHERE)
            to[wrong] = _other(u, to[wrong], neighbours[wrong], neighbours_count[wrong])
        return Departure(to=to, is_missort=is_missort, is_reroute=is_reroute & ~is_missort)


def travel_seconds(planned_minutes: Floats, ratio: Floats, weather: Floats) -> Integers:
    """Time of a leg: planned × ratio × weather, and at least ten minutes."""
    return np.maximum((planned_minutes * MINUTE * ratio * weather).astype(np.int64), _LEAST)


def _at(chosen: Integers, number: Integers, hop: Integers, replicate: int | Integers) -> tuple[Integers, Integers, int | Integers]:
    if isinstance(replicate, int):
        return number[chosen], hop[chosen], replicate
    return number[chosen], hop[chosen], replicate[chosen]


def _other(u: Floats, intended: Integers, neighbours: Integers, count: Integers) -> Integers:
    """A neighbour drawn evenly; the next one in place of the one that was meant."""
    place = np.minimum((u * count).astype(np.int64), count - 1)
    rows = np.arange(len(place))
    drawn = neighbours[rows, place]
    return np.where(drawn == intended, neighbours[rows, (place + 1) % count], drawn)
