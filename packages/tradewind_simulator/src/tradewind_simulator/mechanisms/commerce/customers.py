"""The people who buy: a pool as large as the world, each in a postal area for ever; who orders, and their rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.entities import Arrays
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.commerce.neighbours import GeographyLike
from tradewind_simulator.streams import Integers

_FIRST, _SECOND, _NEARER = range(3)
_NOT_YET = np.int32(-1)


class CustomersParameters(BaseModel):
    """The pool, and how distance matters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    people_per_daily_order: int = Field(
        default=1_500,
        ge=10,
        le=100_000,
        description="People in the pool per order a day. Chosen: about a tenth of a year's orders are by someone who ordered before (Olist: 6 %, in part for want of time).",
    )
    nearer_share: float = Field(
        default=0.65,
        ge=0.5,
        le=1,
        description="Share of orders placed by the nearer of two people drawn; 0.5 is no preference. Chosen: mild, as Olist's median of 430 km with sellers mostly in SP.",
    )


class Customers:
    """Remembers when each person first ordered (seconds since the world began)."""

    def __init__(self, parameters: CustomersParameters, surroundings: Surroundings, geography: GeographyLike) -> None:
        self._parameters = parameters
        self._surroundings = surroundings
        self._geography = geography
        self._stream = surroundings.streams.stream("customers")
        self._origin = surroundings.days.start(0)
        people = max(int(parameters.people_per_daily_order * surroundings.orders_per_day), len(geography.area_ids))
        self._until = np.round(np.cumsum(geography.area_weight) / geography.area_weight.sum() * people).astype(np.int64)
        self._first = np.full(people, _NOT_YET, dtype=np.int32)

    def __len__(self) -> int:
        return len(self._first)

    def area(self, customer: Integers) -> Integers:
        """The position of each person's postal area."""
        return np.searchsorted(self._until, customer, side="right").astype(np.int64)

    def of_orders(self, number: Integers, origin_area: Integers) -> Integers:
        """Who places each order, given where its first merchant is: the nearer of two people drawn, more often than not."""
        one = self._stream.integers(len(self), number, slot=_FIRST)
        other = self._stream.integers(len(self), number, slot=_SECOND)
        nearer = self._geography.distance_km(origin_area, self.area(one)) <= self._geography.distance_km(origin_area, self.area(other))
        wanted = self._stream.bernoulli(self._parameters.nearer_share, number, slot=_NEARER)
        return np.where(nearer == wanted, one, other)

    def record(self, customer: Integers, area: Integers, ordered_at: Integers) -> None:
        """Write the rows of those who ordered today."""
        since = (ordered_at - self._origin).astype(np.int32)
        order = np.argsort(since, kind="stable")
        people, place = np.unique(customer[order], return_index=True)
        fresh = self._first[people] == _NOT_YET
        self._first[people[fresh]] = since[order[place[fresh]]]
        places = self._geography
        self._surroundings.exports.append(
            "customers",
            ordered_at,
            {
                "customer_id": columns.ids("c", customer),
                "first_ordered_at": columns.instants(self._first[customer].astype(np.int64) + self._origin),
                "last_ordered_at": columns.instants(ordered_at),
                "postal_area_id": columns.words(area, places.area_ids),
                "city": columns.words(places.area_city[area], places.city_names),
                "state": columns.words(places.area_state[area], places.states),
            },
        )

    def arrays(self) -> Arrays:
        """Who has ordered, and since when."""
        people = np.flatnonzero(self._first != _NOT_YET)
        return {"people": people.astype(np.int64), "first": self._first[people]}

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from a checkpoint."""
        self._first[:] = _NOT_YET
        self._first[arrays["people"]] = arrays["first"]
