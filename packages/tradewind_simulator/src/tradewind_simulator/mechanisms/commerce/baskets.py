"""Which purchases of a day make one order: most stand alone, some join another of the same merchant or of any.

Olist: 3 % of orders hold several products, 1.3 % several merchants. A purchase that joins looks for its host by a draw of its own
among the order numbers of the day, so that one purchase more or less in a twin world moves only those next to it.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator.flows import Flags
from tradewind_simulator.mechanisms.commerce.demand import ORDER_DAY, Purchases
from tradewind_simulator.streams import Integers, Stream

_JOINS, _SAME, _TARGET = range(10, 13)
_GUESTS = 6
"""Guests that an order takes at most: with its host's, fewer merchants than a parcel's number can tell apart (8)."""


class BasketParameters(BaseModel):
    """How often purchases join."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    joining_share: float = Field(
        default=0.033,
        ge=0,
        lt=0.5,
        description="Share of purchases that join another's order. Olist: 3.3 % of orders hold several products.",
    )
    same_merchant_share: float = Field(
        default=0.6,
        ge=0,
        le=1,
        description="Share of those that look for an order of their own merchant. Olist: 1.3 % of orders hold several merchants.",
    )


@dataclass(frozen=True)
class Baskets:
    """Lines of the day's orders: one per purchase, in order of order, host first, then product."""

    numbers: Integers
    """The orders, ascending."""
    order: Integers
    """By line: position in ``numbers``."""
    purchase: Integers
    """By line: position of the purchase."""
    is_guest: Flags


def baskets(parameters: BasketParameters, stream: Stream, purchases: Purchases, merchant: Integers, product_number: Integers) -> Baskets:
    """The orders of a day's purchases; ``merchant`` (position) and ``product_number`` are by purchase."""
    key = purchases.order_number
    joins = stream.bernoulli(parameters.joining_share, key, slot=_JOINS)
    hosts = np.flatnonzero(~joins)
    guests = np.flatnonzero(joins)
    host = np.arange(len(key), dtype=np.int64)
    if len(hosts) and len(guests):
        host[guests] = _hosts(parameters, stream, key, merchant, hosts, guests)
    is_guest = host != np.arange(len(key))
    order_key = key[host]
    numbers = np.sort(order_key[~is_guest])
    lines = np.lexsort((key, product_number, is_guest, order_key))
    return Baskets(numbers, np.searchsorted(numbers, order_key[lines]), lines, is_guest[lines])


def _hosts(parameters: BasketParameters, stream: Stream, key: Integers, merchant: Integers, hosts: Integers, guests: Integers) -> Integers:
    """The purchase whose order each of ``guests`` joins; itself where that is full."""
    target = stream.integers(ORDER_DAY, key[guests], slot=_TARGET)
    # The merchant's position stands above the 36 bits of the order: one search finds an order of the same merchant.
    low = key % ORDER_DAY
    by_any = hosts[np.argsort(low[hosts], kind="stable")]
    found = by_any[np.searchsorted(low[by_any], target) % len(by_any)]
    by_merchant = hosts[np.lexsort((low[hosts], merchant[hosts]))]
    both = merchant[by_merchant] * ORDER_DAY + low[by_merchant]
    own = by_merchant[np.searchsorted(both, merchant[guests] * ORDER_DAY + target) % len(by_merchant)]
    wants_own = stream.bernoulli(parameters.same_merchant_share, key[guests], slot=_SAME)
    found = np.where(wants_own & (merchant[own] == merchant[guests]), own, found)
    order = np.lexsort((key[guests], found))
    begins = np.flatnonzero(np.diff(found[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(begins, np.diff(begins, append=len(order)))
    full = order[rank >= _GUESTS]
    found[full] = guests[full]
    return found
