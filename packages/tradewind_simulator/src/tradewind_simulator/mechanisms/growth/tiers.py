"""Tiers of merchants: bronze, silver, gold, by the orders of the last quarter, with a band against flicker."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator.streams import Floats, Integers

TIERS = ("bronze", "silver", "gold")


class TiersParameters(BaseModel):
    """Where tiers begin. Olist's sellers: half have at most 6 orders in all, a tenth 69 and more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    silver_orders: float = Field(default=80.0, gt=0, description="Orders in 90 days from which a merchant is silver; chosen.")
    gold_ratio: float = Field(default=5.0, gt=1, description="Gold begins at this multiple of silver; chosen.")
    band: float = Field(default=0.8, gt=0, le=1, description="A tier is lost below this share of where it begins; chosen.")
    visibility: float = Field(default=0.05, ge=0, le=1, description="Added to the log of demand per tier above bronze; chosen.")


def tiers(parameters: TiersParameters, tier: Integers, sales_90d: Floats) -> Integers:
    """Tiers after a look at the sales; ``tier`` is the one held before."""
    starts = np.array([parameters.silver_orders, parameters.silver_orders * parameters.gold_ratio])
    earned = np.searchsorted(starts, sales_90d, side="right")
    kept = np.searchsorted(starts * parameters.band, sales_90d, side="right")
    return np.maximum(earned, np.minimum(tier, kept)).astype(np.int64)
