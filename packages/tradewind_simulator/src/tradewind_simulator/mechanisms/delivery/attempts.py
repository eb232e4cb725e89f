"""Why a delivery attempt fails: causes that compete, each with planted log-odds."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import expit

from tradewind_contracts.tables import TABLES
from tradewind_simulator.flows import Flags
from tradewind_simulator.streams import Floats, Integers, Key, Streams

CAUSES = ("delivered", "false_attempt", "damaged", "bad_address", "no_access", "nobody_home", "refused")
"""The true outcomes, in the order in which they come in a courier's way: the first that strikes counts."""
DELIVERED, FALSE_ATTEMPT, DAMAGED, BAD_ADDRESS, NO_ACCESS, NOBODY_HOME, REFUSED = range(len(CAUSES))
REASONS = TABLES["delivery_attempts"].column("reason").allowed
"""What a courier can say."""
SAID = np.array([-1, *(REASONS.index("nobody_home" if cause == "false_attempt" else cause) for cause in CAUSES[1:])], dtype=np.int64)
"""Position in ``REASONS`` of what is said of each cause: a false attempt is given out as nobody at home."""
_AREA, _IS_SEEN, _IS_SECOND, _GAP = 0, 10, 11, 12


class AttemptsParameters(BaseModel):
    """Log-odds of the causes at one attempt. Their sum is fitted to public figures: first attempts succeed in 80 to 95 % of the cases
    by area, 92 % overall; about 4 % of the parcels are delivered again on a later day (issue 3; Changshu's public courier data: 3.3 %). The
    shares of the causes are chosen after carriers' own reports, which put an absent customer far ahead of all others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    nobody_home: float = Field(default=-3.0, description="Log-odds of nobody at home: on a workday at noon, house, on time. Fitted.")
    nobody_home_evening: float = Field(default=-0.6, description="Added from 18:00 on. Chosen: people are back.")
    nobody_home_saturday: float = Field(default=-0.5, description="Added on Saturdays. Chosen.")
    nobody_home_flat: float = Field(default=0.25, description="Added for flats: no neighbour takes it. Chosen.")
    nobody_home_late: float = Field(
        default=0.45, ge=0, description="Times log(1 + days late): the customer was there on the promised day. Chosen."
    )
    nobody_home_area_spread: float = Field(
        default=0.6, ge=0, le=3, description="Standard deviation of the areas' own log-odds. Fitted: 80 to 95 %."
    )
    bad_address: float = Field(default=-5.3, description="Log-odds of an address that can't be found, as true as can be. Chosen.")
    no_access: float = Field(default=-5.3, description="Log-odds of a closed gate, house. Chosen.")
    no_access_flat: float = Field(default=0.9, description="Added for flats. Chosen.")
    no_access_written: float = Field(
        default=0.3, ge=0, description="Times the effect of how the address is written: no flat, no bell. Chosen."
    )
    refused: float = Field(default=-6.2, description="Log-odds that a parcel on time and whole is refused. Chosen.")
    refused_late: float = Field(default=0.45, ge=0, description="Times log(1 + days late). Chosen.")
    refused_damaged: float = Field(default=3.2, ge=0, description="Added when it is damaged and the customer sees it. Chosen.")
    damage_seen: float = Field(default=0.15, ge=0, le=1, description="Share of damaged parcels that the courier takes back. Chosen.")
    false_attempt: float = Field(default=-6.6, description="Log-odds that an average courier does not go at all. Chosen.")
    false_courier: float = Field(default=1.2, ge=0, le=5, description="Times the courier's dishonesty (standard normal). Chosen.")
    false_end: float = Field(default=1.2, ge=0, description="Added in the last fifth of a round. Chosen: the day is over.")
    false_pressure: float = Field(default=0.8, ge=0, description="Times the depot's backlog in days of work (at most 3). Chosen.")
    again: float = Field(
        default=-0.3, description="Added to nobody at home and bad address from the second attempt on: the customer knows. Chosen."
    )
    second_pass_share: float = Field(
        default=0.46, ge=0, le=1, description="Share of failures that are tried again the same day. Fitted: half end well."
    )
    second_pass_hours: float = Field(default=2.0, gt=0, le=6, description="Mean hours until then (half to one and a half of it). Chosen.")
    second_pass_until_hour: float = Field(default=20.5, ge=9, le=20.5, description="No second pass after this local hour. Chosen.")
    second_pass: float = Field(
        default=-2.0, description="Added to all causes on a second pass of the same day: the customer was called. Fitted."
    )


@dataclass(frozen=True)
class Tries:
    """Attempts to be made, aligned: what their outcomes depend on."""

    number: Integers
    """Parcel."""
    attempt: Integers
    """From 1."""
    area: Integers
    address: Integers
    hour: Floats
    """Local, with its fraction."""
    weekday: Integers
    """0 is Monday."""
    days_late: Integers
    """Local days after the promised one; 0 where it is not late."""
    is_damaged: Flags
    is_second_pass: Flags
    progress: Floats
    """Place in the round, 0 to 1."""
    pressure: Floats
    """The depot's backlog in days of its couriers' work."""
    dishonesty: Floats
    """Of the courier, standard normal."""


@dataclass(frozen=True)
class Visits:
    """What became of a day's attempts, aligned with them: the first pass, and the second where there was one."""

    cause: Integers
    """Position in ``CAUSES``."""
    probability: Floats
    """That the first pass fails, whatever the cause."""
    has_second: Flags
    second_hour: Floats
    second_cause: Integers
    second_probability: Floats

    @property
    def last_cause(self) -> Integers:
        """Of the last pass."""
        return np.where(self.has_second, self.second_cause, self.cause)

    @property
    def passes(self) -> Integers:
        """1 or 2."""
        return 1 + self.has_second.astype(np.int64)


class WrittenAddresses(Protocol):
    """What an address does to attempts."""

    def failure_logit(self, addresses: Integers) -> Floats:
        """Planted effect of how it is written."""

    def is_flat(self, addresses: Integers) -> Flags:
        """Whether the true place is a flat."""


class Attempts:
    """Outcomes are functions of the parcel's number, the attempt's and ``replicate`` (0 is what happens)."""

    def __init__(self, parameters: AttemptsParameters, streams: Streams, addresses: WrittenAddresses, areas: int) -> None:
        self._parameters = parameters
        self._addresses = addresses
        self._stream = streams.stream("attempts")
        self.area_effects = parameters.nobody_home_area_spread * self._stream.normal(np.arange(areas), slot=_AREA)

    def visits(self, tries: Tries, replicate: Key = 0) -> Visits:
        """The first pass of each, and the second pass of the same day for those whom a call may help."""
        p, keys = self._parameters, (tries.number, tries.attempt, replicate)
        cause, probability = self.outcomes(tries, replicate)
        hour = tries.hour + p.second_pass_hours * (0.5 + self._stream.uniform(*keys, slot=_GAP))
        may_help = (cause != DELIVERED) & (cause != DAMAGED) & (cause != REFUSED) & (hour < p.second_pass_until_hour)
        has_second = may_help & self._stream.bernoulli(p.second_pass_share, *keys, slot=_IS_SECOND)
        again = replace(tries, attempt=tries.attempt + 1, hour=hour, is_second_pass=np.ones(len(hour), dtype=bool))
        return Visits(cause, probability, has_second, hour, *self.outcomes(again, replicate))

    def outcomes(self, tries: Tries, replicate: Key = 0) -> tuple[Integers, Floats]:
        """The true cause of each (position in ``CAUSES``) and the probability that it fails, whatever the cause."""
        chances = self.chances(tries)
        cause = np.full(len(tries.number), DELIVERED, dtype=np.int64)
        stays = np.ones(len(tries.number))
        for code in range(len(CAUSES) - 1, 0, -1):
            drawn = self._stream.uniform(tries.number, tries.attempt, replicate, slot=code)
            cause = np.where(drawn < chances[code], code, cause)
            stays = stays * (1.0 - chances[code])
        return cause, 1.0 - stays

    def chances(self, tries: Tries) -> Floats:
        """Probability of each cause by itself: causes × attempts (row 0, delivered, is not used)."""
        p = self._parameters
        written = self._addresses.failure_logit(tries.address)
        is_flat = self._addresses.is_flat(tries.address)
        late = np.log1p(tries.days_late)
        shift = p.second_pass * tries.is_second_pass
        again = p.again * ((tries.attempt > 1) & ~tries.is_second_pass)
        home = p.nobody_home + p.nobody_home_flat * is_flat + p.nobody_home_late * late + self.area_effects[tries.area] + again
        home += p.nobody_home_evening * (tries.hour >= 18.0) + p.nobody_home_saturday * (tries.weekday == 5)
        seen = tries.is_damaged & (self._stream.uniform(tries.number, slot=_IS_SEEN) < p.damage_seen)
        false = p.false_attempt + p.false_courier * tries.dishonesty + p.false_end * (tries.progress > 0.8)
        false = false + p.false_pressure * np.minimum(tries.pressure, 3.0)
        logits = np.array(
            [
                np.full(len(late), -np.inf),
                false,
                np.where(seen, np.inf, -np.inf),
                p.bad_address + written + again,
                p.no_access + p.no_access_flat * is_flat + p.no_access_written * written,
                home,
                p.refused + p.refused_late * late + p.refused_damaged * tries.is_damaged,
            ]
        )
        return np.asarray(expit(logits + shift))
