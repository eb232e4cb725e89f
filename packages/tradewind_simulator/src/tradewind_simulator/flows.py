"""What the mechanisms hand to each other within a local day: aligned arrays, one position per entity of the flow.

Instants are seconds since 1970 in UTC (``days.NEVER``: not yet, or never), money is in cents, positions point into the store
that the name tells (``merchant``: ``Merchants.entities``, ``product``: ``Catalogue.entities``, ``area``: ``Geography``, ``hub``:
``Network``). ``number`` names an entity for ever and is what draws are keyed by.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tradewind_simulator.streams import Floats, Integers

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Today:
    """A local day: ``number`` counts from the world's first (0); [start, end) are its instants; arrays are by state."""

    number: int
    date: dt.date
    start: int
    end: int
    weekday: int
    """0 is Monday."""
    is_holiday: Flags
    is_workday: Flags
    """Carriers pick up and deliver: neither Sunday nor holiday."""
    campaign: str
    """Name of the sales campaign; empty where none runs."""
    demand: float
    """Factor on demand of weekday, season, trend and campaign together; 1 is an average day at the start."""
    weather: Floats
    """How much the weather slows the roads, by state: a factor of at least 1."""


@dataclass(frozen=True)
class Orders:
    """The orders of a local day, in order of ``number``, and their items (``item_*``, in order of order and item number)."""

    number: Integers
    customer: Integers
    address: Integers
    """Number of the address that it goes to (``Addresses``)."""
    area: Integers
    """Position of the destination's postal area."""
    ordered_at: Integers
    item_order: Integers
    """Position of the item's order in this flow."""
    item_number: Integers
    item_product: Integers
    item_merchant: Integers
    item_price: Integers
    item_freight: Integers
    item_subsidy: Integers
    item_creator: Integers
    """Number of the creator whose link led to it; -1 none."""


@dataclass(frozen=True)
class Parcels:
    """The parcels of a local day's orders, in order of ``number``: an order's items of one merchant."""

    number: Integers
    order: Integers
    """Number of the order."""
    customer: Integers
    address: Integers
    merchant: Integers
    origin_area: Integers
    destination_area: Integers
    warehouse: Integers
    """Position of the fulfilment centre that it leaves from; -1 where the merchant ships it."""
    ordered_at: Integers
    promised_at: Integers
    """Start of the promised local day."""
    ship_by_at: Integers
    items: Integers
    weight_g: Integers
    volume_cm3: Integers
    price: Integers
    freight: Integers
    category: Integers
    """Category of the heaviest item (position in ``Catalogue.categories``)."""


@dataclass(frozen=True)
class HandOvers:
    """Parcels that the network takes over during a local day, in order of ``number``."""

    number: Integers
    origin_area: Integers
    destination_area: Integers
    handed_over_at: Integers
    weight_g: Integers


@dataclass(frozen=True)
class DepotArrivals:
    """Parcels sorted at the depot of their destination during a local day: ready for a courier's next round."""

    number: Integers
    depot: Integers
    """Position of the hub."""
    destination_area: Integers
    ready_at: Integers


@dataclass(frozen=True)
class Outcomes:
    """Parcels whose way ended during a local day: received, or sent back. ``received`` is the truth, the scan may say otherwise."""

    number: Integers
    order: Integers
    merchant: Integers
    customer: Integers
    delivered_at: Integers
    """As scanned: what the platform believes; ``NEVER`` where it was sent back."""
    returned_at: Integers
    promised_at: Integers
    is_received: Flags
    """Whether the customer truly has it."""
    is_damaged: Flags
    attempts: Integers


@dataclass(frozen=True)
class Scores:
    """Reviews answered during a local day: the merchant's position and the score from 1 to 5."""

    merchant: Integers
    score: Integers
