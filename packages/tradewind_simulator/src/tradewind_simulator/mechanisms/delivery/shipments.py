"""The ledgers of orders and parcels under way: their rows in the landing tables, rewritten on each day that a milestone falls on."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from tradewind_simulator import columns
from tradewind_simulator.days import NEVER
from tradewind_simulator.entities import Arrays, Entities
from tradewind_simulator.exports import Columns, Exports, Ledger
from tradewind_simulator.streams import Integers


class Places(Protocol):
    """What of the geography is written beside a parcel."""

    @property
    def states(self) -> tuple[str, ...]:
        """Codes of the states."""

    @property
    def area_ids(self) -> tuple[str, ...]:
        """Ids of the postal areas."""

    @property
    def area_state(self) -> Integers:
        """State of each area."""


class Shipments:
    """Orders and parcels from purchase until their way is over.

    ``parcels.entities`` has, beside what is written, what later stages need: positions (``merchant``, areas), ``quality`` (the
    merchant's at purchase), ``siblings`` (parcels of the order), ``planned_at`` (the merchant's drop) and ``patience_at`` (when the
    customer would call it off).
    """

    def __init__(self, places: Places, warehouse_ids: tuple[str, ...], exports: Exports) -> None:
        self._places = places
        self._warehouse_ids = warehouse_ids
        whole = np.int64
        self.orders = exports.ledger(
            "orders",
            Ledger(
                ("ordered_at", "approved_at", "cancelled_at"),
                self._order_rows,
                customer=whole,
                address=whole,
                area=whole,
                promised_at=whole,
            ),
        )
        self.parcels = exports.ledger(
            "parcels",
            Ledger(
                ("ordered_at", "approved_at", "handed_over_at", "delivered_at", "cancelled_at", "returned_at"),
                self._parcel_rows,
                **dict.fromkeys(_PARCEL_COLUMNS, whole),
                quality=np.float64,
            ),
        )

    def rows_of_orders(self, orders: Integers) -> Integers:
        """Positions (among the parcels) of all parcels of ``orders`` (numbers, ascending)."""
        own = self.parcels.entities["order"]
        if len(orders) == 0:
            return np.zeros(0, dtype=np.int64)
        place = np.minimum(np.searchsorted(orders, own), len(orders) - 1)
        return np.flatnonzero(orders[place] == own).astype(np.int64)

    def close_orders(self, orders: Integers) -> None:
        """Nothing more happens to the rows of those ``orders`` that are still open."""
        found, rows = present(self.orders.entities, orders)
        self.orders.entities["closed"][rows[found]] = True

    def _order_rows(self, arrays: Arrays, until: int) -> Columns:
        places = self._places
        return {
            "order_id": columns.ids("o", arrays["number"]),
            "customer_id": columns.ids("c", arrays["customer"]),
            "destination_postal_area_id": columns.words(arrays["area"], places.area_ids),
            "destination_state": columns.words(places.area_state[arrays["area"]], places.states),
            "ordered_at": columns.instants(arrays["ordered_at"]),
            "approved_at": columns.instants(arrays["approved_at"], until),
            "cancelled_at": columns.instants(arrays["cancelled_at"], until),
            "promised_at": columns.instants(arrays["promised_at"]),
            "address_id": columns.ids("a", arrays["address"]),
        }

    def _parcel_rows(self, arrays: Arrays, until: int) -> Columns:
        places = self._places
        is_approved = arrays["approved_at"] < until
        milestones = {name: columns.instants(arrays[name], until) for name in self.parcels.milestones}
        return {
            "parcel_id": columns.ids("x", arrays["number"]),
            "order_id": columns.ids("o", arrays["order"]),
            "merchant_id": columns.ids("m", arrays["merchant_number"]),
            "origin_postal_area_id": columns.words(arrays["origin_area"], places.area_ids),
            "origin_state": columns.words(places.area_state[arrays["origin_area"]], places.states),
            "destination_postal_area_id": columns.words(arrays["destination_area"], places.area_ids),
            "destination_state": columns.words(places.area_state[arrays["destination_area"]], places.states),
            **milestones,
            "promised_at": columns.instants(arrays["promised_at"]),
            "ship_by_at": columns.instants(np.where(is_approved, arrays["ship_by_at"], NEVER)),
            "items_count": columns.integers(arrays["items"]),
            "weight_g": columns.integers(arrays["weight_g"]),
            "volume_cm3": columns.integers(arrays["volume_cm3"]),
            "price": columns.money(arrays["price"]),
            "freight": columns.money(arrays["freight"]),
            "address_id": columns.ids("a", arrays["address"]),
            "warehouse_id": columns.words(arrays["warehouse"], self._warehouse_ids),
        }


_PARCEL_COLUMNS = (
    *("order", "customer", "address", "merchant", "merchant_number", "origin_area", "destination_area", "warehouse"),
    *("promised_at", "ship_by_at", "items", "weight_g", "volume_cm3", "price", "freight", "category"),
    *("siblings", "planned_at", "patience_at"),
)


def present(entities: Entities, numbers: Integers) -> tuple[npt.NDArray[np.bool_], Integers]:
    """Which of ``numbers`` are among the entities, and their positions (meaningless for the others)."""
    own = entities["number"]
    if len(own) == 0:
        return np.zeros(len(numbers), dtype=bool), np.zeros(len(numbers), dtype=np.int64)
    order = np.argsort(own, kind="stable")
    place = order[np.minimum(np.searchsorted(own, numbers, sorter=order), len(own) - 1)]
    return own[place] == numbers, place.astype(np.int64)
