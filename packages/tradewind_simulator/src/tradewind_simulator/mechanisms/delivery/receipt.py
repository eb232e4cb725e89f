"""Delivered and not received: theft, delivery at the wrong door, a scan without a delivery; and customers who only say so."""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import expit

from tradewind_simulator import columns
from tradewind_simulator.days import NEVER
from tradewind_simulator.flows import Flags, Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.delivery.endings import CAUSES, FALSE_SCAN, MISDELIVERY, RECEIVED, THEFT, Ended
from tradewind_simulator.streams import Floats, Integers

_AREA, _CUSTOMER, _LIE = 0, 10, 11
FALSE_CLAIM = "false_claim"
"""In truth, beside the causes of ``endings``: received, and claimed as not received."""


class ReceiptParameters(BaseModel):
    """Log-odds of each cause, given that the parcel is scanned as delivered. Their sum is fitted to 0.6 %: carriers and police give
    0.5 to 1 % for theft after delivery in cities (parcel-theft surveys); the split is chosen.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    theft: float = Field(default=-6.2, description="Log-odds of theft: house, a value of 100 in an average area. Fitted.")
    theft_value: float = Field(default=0.5, ge=0, description="Times log(value / 100). Chosen: dear parcels are worth a look.")
    theft_area_spread: float = Field(default=0.9, ge=0, le=3, description="Standard deviation of the areas' own log-odds. Chosen.")
    theft_flat: float = Field(default=-0.5, description="Added for flats: a porter keeps them. Chosen.")
    misdelivery: float = Field(default=-7.0, description="Log-odds of a wrong door for an address as true as can be, house. Fitted.")
    misdelivery_written: float = Field(default=0.7, ge=0, description="Times the effect of how the address is written. Chosen.")
    misdelivery_flat: float = Field(default=0.8, ge=0, description="Added for flats: many doors. Chosen.")
    false_scan: float = Field(default=-7.4, description="Log-odds that an average courier scans without a delivery. Fitted.")
    false_scan_courier: float = Field(default=1.2, ge=0, le=5, description="Times the courier's dishonesty (standard normal). Chosen.")
    false_scan_end: float = Field(default=0.8, ge=0, description="Added in the last fifth of a round. Chosen.")
    false_scan_pressure: float = Field(default=0.8, ge=0, description="Times the depot's backlog in days of work (at most 3). Chosen.")
    lie: float = Field(default=-7.3, description="Log-odds that a customer who has it claims that it is not there. Chosen: 0.15 % overall.")
    lie_customer: float = Field(default=1.3, ge=0, le=5, description="Times the customer's own disposition (standard normal). Chosen.")
    lie_value: float = Field(default=0.3, ge=0, description="Times log(value / 100). Chosen.")


@dataclass(frozen=True)
class Doorstep:
    """Deliveries as scanned, aligned: what it depends on whether they are received."""

    number: Integers
    area: Integers
    is_flat: Flags
    written: Floats
    """Planted effect of how the address is written (log-odds)."""
    value: Integers
    """Price in cents."""
    progress: Floats
    pressure: Floats
    dishonesty: Floats
    """Of the courier, standard normal."""


class Receipt:
    """Draws are functions of the parcel's number; nothing is kept from day to day."""

    def __init__(self, parameters: ReceiptParameters, surroundings: Surroundings, areas: int) -> None:
        self._parameters = parameters
        self._truth = surroundings.truth
        self._stream = surroundings.streams.stream("receipt")
        self.area_effects = parameters.theft_area_spread * self._stream.normal(np.arange(areas), slot=_AREA)

    def causes(self, door: Doorstep) -> Integers:
        """What becomes of each delivery (position in ``CAUSES``)."""
        chances = self.chances(door)
        cause = np.full(len(door.number), RECEIVED, dtype=np.int64)
        for code in (THEFT, MISDELIVERY, FALSE_SCAN):
            cause = np.where(self._stream.uniform(door.number, slot=code) < chances[code], code, cause)
        return cause

    def chances(self, door: Doorstep) -> Floats:
        """Probability of each cause by itself: causes × deliveries (row 0, received, is not used)."""
        p = self._parameters
        theft = p.theft + p.theft_value * _log_value(door.value) + self.area_effects[door.area] + p.theft_flat * door.is_flat
        wrong = p.misdelivery + p.misdelivery_written * door.written + p.misdelivery_flat * door.is_flat
        false = p.false_scan + p.false_scan_courier * door.dishonesty + p.false_scan_end * (door.progress > 0.8)
        false = false + p.false_scan_pressure * np.minimum(door.pressure, 3.0)
        return np.asarray(expit(np.array([np.full(len(theft), -np.inf), theft, wrong, false])))

    def lies(self, ended: Ended) -> Flags:
        """Which customers have it and will claim that they have not."""
        p = self._parameters
        logit = p.lie + p.lie_customer * self._stream.normal(ended.customer, slot=_CUSTOMER) + p.lie_value * _log_value(ended.price)
        is_there = ended.is_received & (ended.delivered_at < NEVER)
        return np.asarray(is_there & (self._stream.uniform(ended.number, slot=_LIE) < expit(logit)))

    def step(self, today: Today, ended: Ended) -> None:
        """Tell the truth of what was scanned as delivered: only where it is not received, or claimed so."""
        if today.number == 0:
            areas = np.arange(len(self.area_effects))
            self._truth.append("area_theft", {"area": columns.integers(areas), "theft_logit": columns.floats(self.area_effects)})
        rows = np.flatnonzero(self.lies(ended) | (ended.cause != RECEIVED))
        self._truth.append(
            "receipts",
            {
                "parcel_id": columns.ids("x", ended.number[rows]),
                "cause": columns.words(np.where(ended.cause[rows] == RECEIVED, len(CAUSES), ended.cause[rows]), (*CAUSES, FALSE_CLAIM)),
                "is_received": columns.booleans(ended.is_received[rows]),
                "delivered_at": columns.instants(ended.delivered_at[rows]),
            },
        )


def _log_value(cents: Integers) -> Floats:
    return np.log(np.maximum(cents, 100) / 10_000.0)
