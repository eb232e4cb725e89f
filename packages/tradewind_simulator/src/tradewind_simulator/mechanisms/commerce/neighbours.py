"""What commerce asks of the mechanisms beside it: the parts of their interfaces that it uses."""

from typing import Any, Protocol

import numpy.typing as npt

from tradewind_simulator.flows import Flags, Orders, Parcels, Today
from tradewind_simulator.streams import Floats, Integers


class Table(Protocol):
    """Entities as columns."""

    def __len__(self) -> int: ...

    def __getitem__(self, name: str) -> npt.NDArray[Any]: ...


class MerchantsLike(Protocol):
    """The merchants: columns number, area, category, segment, quality, handling_hours, born_day, is_alive, sales_rate."""

    @property
    def entities(self) -> Table:
        """One position per merchant; positions never change."""

    def subsidy(self, today: Today) -> Floats:
        """Share of the list price that the platform pays, by merchant."""

    def demand_lift(self, today: Today) -> Floats:
        """Factor on demand, by merchant."""

    def observe_orders(self, merchant: Integers, cents: Integers | None = None) -> None:
        """Positions of the merchants that were ordered from, one per parcel, and what each earns on it."""

    def first_seen(self, merchant: Integers, at: Integers) -> None:
        """Positions of merchants ordered from today, with the instant of the first of today's orders."""


class CreatorsLike(Protocol):
    """The creators."""

    def lift(self, today: Today, product_category: Integers, product_number: Integers) -> Floats:
        """Factor on clicks, by product."""

    def credit(self, order_numbers: Integers, product_numbers: Integers, today: Today) -> Integers:
        """Number of the creator whose link led to each item; -1 none."""


class GeographyLike(Protocol):
    """The postal areas."""

    states: tuple[str, ...]
    area_ids: tuple[str, ...]
    city_names: tuple[str, ...]
    area_state: Integers
    area_city: Integers
    area_lat: Floats
    area_lng: Floats
    area_weight: Floats

    def distance_km(self, a: Integers, b: Integers) -> Floats:
        """Great-circle distance between areas."""


class AddressesLike(Protocol):
    """The customers' addresses."""

    def of(self, customers: Integers, areas: Integers, ordered_at: Integers) -> Integers:
        """Numbers of the addresses that these orders go to."""


class PromisesLike(Protocol):
    """The promise shown at purchase."""

    def of(
        self, today: Today, origin_area: Integers, destination_area: Integers, ordered_at: Integers, handling_hours: Floats, network: Any
    ) -> Integers:
        """Start of the promised local day, by parcel."""


class HandlingLike(Protocol):
    """What becomes of an order until its parcels are handed over."""

    def take(self, today: Today, orders: Orders, parcels: Parcels, merchants: Any, is_boleto: Flags | None = None) -> None:
        """Take over the day's orders and parcels."""

    def approvals(self, orders: Orders) -> Integers:
        """When each order's payment is approved; ``NEVER`` where it is not."""
