"""Where a parcel is sent from a hub and how long the leg takes: pure functions of the parcel, its hop and the state of the network.

Each draw is keyed by the parcel's number, the hop (0 at the origin depot) and a *replicate*: 0 is what happened, others are what else
could have happened in the same network (``eta_law`` asks for those).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator
from scipy.special import expit, logit

from tradewind_simulator.days import HOUR, MINUTE
from tradewind_simulator.flows import Flags
from tradewind_simulator.streams import Floats, Integers, Key, Stream

_DEPARTURE, _RATIO, _MISSORT, _WHERE, _REROUTE, _NIGHTS, _HUB, _IS_HELD, _HELD = range(9)
LEAVES, _WINDOW = 23 * HOUR, HOUR
"""Lorries leave from 23:00 on, after the sort, within an hour."""
_LEAST = 10 * MINUTE
_MOST_HOPS = 10
_MOST_NIGHTS = 40


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
        default=(0.62, 0.52, 0.36),
        description="Probability, each evening, that a sorted parcel waits for a later lorry, at national, regional and local hubs"
        " (fitted: with them the way from hand-over to delivery takes as long as in Olist, near and far).",
    )
    stays_spread: float = Field(
        default=0.5,
        ge=0,
        le=3,
        description="Standard deviation of a hub's own log-odds of that: hubs differ (chosen: some are twice as slow).",
    )
    slow_states: dict[str, float] = Field(
        default={"RJ": 1.0, "PR": 0.5, "SC": 0.6, "RS": 0.5, "BA": 0.4, "PE": 0.3, "CE": 0.4, "PA": 0.4, "MA": 0.4},
        description="Log-odds added at the hubs of a state (fitted: Olist's parcels to Rio and to the coast of the North-East take longer than their roads say).",
    )
    held: float = Field(
        default=0.01,
        ge=0,
        le=0.5,
        description="Probability that a parcel is held up at a hub: a search, a form, a strike (fitted to Olist's tail).",
    )
    held_days: float = Field(default=13.0, gt=0, le=60, description="Mean days of that, beside the lorry's (fitted to Olist's tail).")
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

    def __init__(self, parameters: LegParameters, stream: Stream, level: Integers, states: Sequence[str]) -> None:
        """``level`` and ``states`` (codes) are by hub."""
        self.parameters = parameters
        self._stream = stream
        own = np.array([parameters.slow_states.get(state, 0.0) for state in states])
        own += parameters.stays_spread * stream.normal(np.arange(len(level)), slot=_HUB)
        stays = np.array(parameters.stays)[level]
        self.stays: Floats = np.where(stays > 0, expit(logit(np.maximum(stays, 1e-9)) + own), 0.0)

    def nights(self, number: Integers, hop: Integers, hub: Integers, replicate: Key = 0) -> Integers:
        """Evenings for which a sorted parcel is left behind at ``hub``: geometric, 0 is the first evening's lorry, and more if held up."""
        u = self._stream.uniform(number, hop, replicate, slot=_NIGHTS)
        nights = np.log(u) / np.log(np.maximum(self.stays[hub], 1e-12))
        held = self._stream.bernoulli(self.parameters.held, number, hop, replicate, slot=_IS_HELD)
        longer = self.parameters.held_days * self._stream.exponential(number, hop, replicate, slot=_HELD)
        return np.asarray(np.minimum((nights + np.where(held, longer, 0.0)).astype(np.int64), _MOST_NIGHTS))

    def departs_at(self, start: int | Integers, number: Integers, hop: Integers, replicate: Key = 0) -> Integers:
        """Instant of the evening's departure on the local day that begins at ``start``: from 23:00 to 24:00."""
        return start + LEAVES + (self._stream.uniform(number, hop, replicate, slot=_DEPARTURE) * _WINDOW).astype(np.int64)

    def ratio(self, number: Integers, hop: Integers, replicate: Key = 0) -> Floats:
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
        replicate: Key = 0,
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


def _at(chosen: Integers, number: Integers, hop: Integers, replicate: Key) -> tuple[Integers, Integers, Key]:
    if isinstance(replicate, int):
        return number[chosen], hop[chosen], replicate
    return number[chosen], hop[chosen], replicate[chosen]


def _other(u: Floats, intended: Integers, neighbours: Integers, count: Integers) -> Integers:
    """A neighbour drawn evenly; the next one in place of the one that was meant."""
    place = np.minimum((u * count).astype(np.int64), count - 1)
    rows = np.arange(len(place))
    drawn = neighbours[rows, place]
    return np.where(drawn == intended, neighbours[rows, (place + 1) % count], drawn)
