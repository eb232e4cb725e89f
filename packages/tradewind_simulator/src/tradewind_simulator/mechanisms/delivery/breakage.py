"""Parcels that break on their way: heavy ones, and those that lie and travel long."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import expit

from tradewind_simulator.days import DAY
from tradewind_simulator.flows import Flags
from tradewind_simulator.streams import Floats, Integers, Streams


class BreakageParameters(BaseModel):
    """Log-odds of damage. Chosen: 0.8 % overall, as carriers' claim rates of 0.5 to 1 % have it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: float = Field(default=-5.1, description="Log-odds for a kilogram that is at its depot within a day. Fitted to 0.8 % overall.")
    weight: float = Field(default=0.35, ge=0, description="Times log(weight in kg), at least of 100 g. Chosen.")
    day: float = Field(default=0.05, ge=0, description="Times days in the network (about a hub a day). Chosen.")
    most_days: float = Field(default=30.0, gt=0, description="Days beyond that don't count: it only lies. Chosen.")


class Breakage:
    """Draws are functions of the parcel's number."""

    def __init__(self, parameters: BreakageParameters, streams: Streams) -> None:
        self._parameters = parameters
        self._stream = streams.stream("breakage")

    def probability(self, weight_g: Integers, seconds: Integers) -> Floats:
        """That a parcel of that weight is broken after so long in the network."""
        p = self._parameters
        kilograms = np.maximum(weight_g, 100) / 1000.0
        return np.asarray(expit(p.base + p.weight * np.log(kilograms) + p.day * np.minimum(seconds / DAY, p.most_days)))

    def is_damaged(self, parcels: Integers, weight_g: Integers, seconds: Integers) -> Flags:
        """Which are broken."""
        return self._stream.uniform(parcels) < self.probability(weight_g, seconds)
