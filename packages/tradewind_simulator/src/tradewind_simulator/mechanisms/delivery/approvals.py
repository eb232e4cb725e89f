"""When a payment is approved, and when a waiting customer calls the order off."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator.days import DAY, HOUR, MINUTE
from tradewind_simulator.flows import Flags
from tradewind_simulator.streams import Floats, Integers, Key, Streams

_METHOD, _REVIEWED, _TIME, _PATIENCE = range(4)


class ApprovalParameters(BaseModel):
    """Payments and cancellations. Olist (public 2016–2018 data): approval takes 20 minutes in the median and 0.4 days in the mean,
    19 % of the payments are by boleto (paid at a bank within days), 0.6 % of the orders are cancelled.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    boleto_share: float = Field(default=0.2, ge=0, le=1, description="Share of orders paid by boleto where the order does not say. Olist.")
    card_median_minutes: float = Field(default=16.0, gt=0, description="Median of a card's approval, in minutes. Fitted to Olist's median.")
    card_spread: float = Field(default=0.6, ge=0, le=3, description="Standard deviation of its logarithm. Chosen: minutes to an hour.")
    reviewed_share: float = Field(
        default=0.10, ge=0, le=1, description="Share of card payments that a person looks at. Fitted to Olist's mean."
    )
    reviewed_median_hours: float = Field(default=20.0, gt=0, description="Median of their approval, in hours. Chosen: the next day.")
    boleto_median_days: float = Field(default=1.3, gt=0, description="Median of a boleto's approval, in days. Olist: one to three.")
    slow_spread: float = Field(default=0.5, ge=0, le=3, description="Standard deviation of the logarithm of both slow ways. Olist.")
    cancelled_per_day: float = Field(
        default=0.0004, ge=0, le=1, description="Hazard per day of a cancellation, from the purchase. Fitted to Olist."
    )
    patience_days: float = Field(default=5.0, gt=0, description="Days of waiting after which it rises. Chosen: a merchant's usual limit.")
    impatient_per_day: float = Field(default=0.003, ge=0, le=1, description="Hazard per day from then on. Fitted to Olist.")


class Approvals:
    """Draws for orders: each is a function of the order's number (and of ``replicate``; 0 is what happens)."""

    def __init__(self, parameters: ApprovalParameters, streams: Streams) -> None:
        self._parameters = parameters
        self._stream = streams.stream("approvals")

    def approved_at(self, orders: Integers, ordered_at: Integers, is_boleto: Flags | None = None, replicate: Key = 0) -> Integers:
        """The instants at which the payments are approved; without ``is_boleto`` the means is drawn."""
        p, stream = self._parameters, self._stream
        boleto = stream.bernoulli(p.boleto_share, orders, slot=_METHOD) if is_boleto is None else is_boleto
        reviewed = stream.bernoulli(p.reviewed_share, orders, replicate, slot=_REVIEWED)
        median = np.where(reviewed, p.reviewed_median_hours * HOUR, p.card_median_minutes * MINUTE)
        median = np.where(boleto, p.boleto_median_days * DAY, median)
        spread = np.where(boleto | reviewed, p.slow_spread, p.card_spread)
        taken: Floats = median * np.exp(spread * stream.normal(orders, replicate, slot=_TIME))
        return np.asarray(ordered_at + np.ceil(taken).astype(np.int64))

    def cancelled_at(self, orders: Integers, ordered_at: Integers) -> Integers:
        """When each customer would call the order off, were it not on its way by then: the hazard rises with the wait."""
        p = self._parameters
        spent = self._stream.exponential(orders, slot=_PATIENCE)
        calm = p.cancelled_per_day * p.patience_days
        early = spent / max(p.cancelled_per_day, 1e-12)
        late = p.patience_days + (spent - calm) / max(p.impatient_per_day, 1e-12)
        waited = np.minimum(np.where(spent <= calm, early, late), 1e6)
        return np.asarray(ordered_at + np.ceil(waited * DAY).astype(np.int64))
