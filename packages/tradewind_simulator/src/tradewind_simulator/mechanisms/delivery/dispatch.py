"""How long a merchant takes from the approved payment to the drop at the carrier's hub."""

from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tradewind_simulator.days import HOUR, Days
from tradewind_simulator.mechanisms.delivery.workdays import Workdays
from tradewind_simulator.streams import Floats, Integers, Key, Streams

_WORK = 0


class DispatchParameters(BaseModel):
    """The merchants' handling. Olist (public 2016–2018 data), purchase to carrier: median 1.9 days, mean 2.8 to 3.2, p90 6."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours_factor: float = Field(
        default=1.15, gt=0, le=10, description="Factor on every merchant's median, which counts Sundays and nights too. Fitted to Olist."
    )
    longest_hours: float = Field(
        default=720.0, gt=0, description="No parcel takes longer, in hours of workdays. Olist: p99.9 is about 45 days."
    )
    cutoff_hour: float = Field(default=14.0, ge=0, le=15, description="Local hour after which work begins on the next workday. Chosen.")
    opens_hour: float = Field(default=9.0, ge=0, le=24, description="First local hour of drops at the hub. Chosen: office hours.")
    closes_hour: float = Field(default=19.0, ge=0, le=24, description="Last local hour of drops. Chosen: before the evening's departures.")
    backlog_exponent: float = Field(
        default=0.35, ge=0, le=2, description="Handling grows with (orders today / twice the usual) to this power. Chosen."
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.closes_hour <= self.opens_hour:
            raise ValueError(f"closes_hour: expected after opens_hour ({self.opens_hour:g}; found: {self.closes_hour:g})")
        return self


class Dispatch:
    """Draws for parcels: each is a function of the parcel's number (and of ``replicate``; 0 is what happens)."""

    def __init__(self, parameters: DispatchParameters, streams: Streams, workdays: Workdays, days: Days) -> None:
        self._parameters = parameters
        self._stream = streams.stream("dispatch")
        self._workdays = workdays
        self._days = days

    def load(self, today: Floats, usual: Floats) -> Floats:
        """The factor on handling of a merchant with so many orders ``today`` and ``usual``ly."""
        return np.asarray(np.maximum(today / (2.0 * usual + 1.0), 1.0) ** self._parameters.backlog_exponent)

    def hours(self, parcels: Integers, median_hours: Floats, spread: Floats, load: Floats, replicate: Key = 0) -> Floats:
        """Hours of workdays that merchants take, with the median and the log standard deviation of each one's own times."""
        p = self._parameters
        drawn = np.exp(spread * self._stream.normal(parcels, replicate, slot=_WORK))
        return np.asarray(np.minimum(median_hours * p.hours_factor * load * drawn, p.longest_hours))

    def handed_over_at(self, approved_at: Integers, states: Integers, hours: Floats) -> Integers:
        """The drops: ``hours`` of workdays after the approval, or after the next workday began when it came past the cut-off.

        A workday's clock has 24 hours; they are laid on the hours in which drops are made, so that longer never ends sooner.
        """
        p = self._parameters
        days = self._days.of(approved_at)
        clock = (approved_at - self._workdays.starts(days)) / HOUR
        place = self._workdays.before(days, states)
        is_workday = self._workdays.before(days + 1, states) > place
        begun = is_workday & (clock < p.cutoff_hour)
        place, clock = np.where(is_workday & ~begun, place + 1, place), np.where(begun, clock, 0.0)
        passed = np.floor((clock + hours) / 24.0)
        rest = clock + hours - 24.0 * passed
        last = self._workdays.at(place + passed.astype(np.int64), states)
        seconds = (p.opens_hour + (p.closes_hour - p.opens_hour) * rest / 24.0) * HOUR
        return np.asarray(np.maximum(self._workdays.starts(last) + seconds.astype(np.int64), approved_at))
