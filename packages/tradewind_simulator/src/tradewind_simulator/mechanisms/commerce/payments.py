"""How orders are paid: means, instalments, vouchers; the parts sum to the order's price and freight to the cent."""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.flows import Flags
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.streams import Floats, Integers

METHODS = ("credit_card", "boleto", "voucher", "debit_card")
_CARD, _BOLETO, _VOUCHER, _DEBIT = range(4)
_METHOD, _INSTALLMENTS, _SPLIT, _SHARE, _SECOND = range(5)
_INSTALLMENT_WEIGHTS = (33, 16, 13.6, 9.2, 6.8, 5.1, 2.1, 5.5, 0.8, 6.9)
"""Weights of 1 to 10 instalments of card payments. Olist."""


class PaymentsParameters(BaseModel):
    """Means of payment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method_weights: tuple[float, float, float, float] = Field(
        default=(76.0, 19.9, 3.8, 1.5),
        description="Weights of card, boleto, voucher and debit among orders. Olist's payments: 74, 19, 6 and 1.5 %; vouchers are more often several.",
    )
    voucher_split_share: float = Field(
        default=0.6, ge=0, le=1, description="Share of voucher orders whose rest is paid by card. Olist: about half."
    )
    second_voucher_share: float = Field(
        default=0.3, ge=0, le=1, description="Share of voucher orders with a second voucher. Olist: a long tail of small vouchers."
    )
    least_installment_cents: int = Field(
        default=1_000, ge=1, le=10**9, description="Smallest instalment, in cents. Chosen: usual at Brazilian shops."
    )

    def model_post_init(self, _: object) -> None:
        """Refuse weights that are none."""
        if min(self.method_weights) < 0 or sum(self.method_weights) <= 0:
            raise ValueError(f"method_weights: expected weights of at least 0, not all 0 (found: {self.method_weights})")


@dataclass(frozen=True)
class Paid:
    """Payments, in order of order and payment number."""

    order: Integers
    """Position of the order."""
    payment_number: Integers
    method: Integers
    installments: Integers
    amount: Integers


class Payments:
    """A function of the orders; nothing is kept."""

    def __init__(self, parameters: PaymentsParameters, surroundings: Surroundings) -> None:
        self._parameters = parameters
        self._exports = surroundings.exports
        self._stream = surroundings.streams.stream("payments")

    def of(self, number: Integers, cents: Integers) -> Paid:
        """How each order's ``cents`` are paid."""
        p, draw = self._parameters, self._stream
        method = draw.choice(np.cumsum(np.array(p.method_weights)), number, slot=_METHOD)
        is_voucher = method == _VOUCHER
        rest_by_card = is_voucher & draw.bernoulli(p.voucher_split_share, number, slot=_SPLIT)
        share = np.where(rest_by_card, 0.15 + 0.7 * draw.uniform(number, slot=_SHARE), 1.0)
        vouchers = np.floor(cents * share).astype(np.int64)
        second = np.where(is_voucher & draw.bernoulli(p.second_voucher_share, number, slot=_SECOND), vouchers // 3, 0)
        parts = np.stack((np.where(is_voucher, vouchers - second, cents), second, np.where(rest_by_card, cents - vouchers, 0)), axis=1)
        methods = np.stack((method, np.full(len(number), _VOUCHER), np.full(len(number), _CARD)), axis=1)
        order, column = np.nonzero((parts > 0) | (np.arange(3) == 0))
        amount, means = parts[order, column], methods[order, column]
        numbered = (np.cumsum((parts > 0) | (np.arange(3) == 0), axis=1))[order, column]
        most = np.maximum(amount // p.least_installment_cents, 1)
        drawn = 1 + draw.choice(_cumulative(), number[order], slot=_INSTALLMENTS)
        return Paid(order, numbered, means, np.where(means == _CARD, np.minimum(drawn, most), 1), amount)

    def step(self, number: Integers, cents: Integers, ordered_at: Integers) -> Flags:
        """Write the payments of the day's orders; returns which are by boleto."""
        paid = self.of(number, cents)
        at = ordered_at[paid.order]
        self._exports.append(
            "payments",
            at,
            {
                "order_id": columns.ids("o", number[paid.order]),
                "payment_number": columns.integers(paid.payment_number),
                "ordered_at": columns.instants(at),
                "method": columns.words(paid.method, METHODS),
                "installments_count": columns.integers(paid.installments),
                "amount": columns.money(paid.amount),
            },
        )
        is_boleto = np.zeros(len(number), dtype=bool)
        is_boleto[paid.order[paid.method == _BOLETO]] = True
        return is_boleto


def _cumulative() -> Floats:
    return np.cumsum(np.array(_INSTALLMENT_WEIGHTS))
