"""From the purchase to the carrier: approval, cancellation, the merchant's handling or the fulfilment centre's queue."""

from typing import Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator.days import HOUR, MINUTE, NEVER
from tradewind_simulator.entities import Arrays, Entities
from tradewind_simulator.flows import Flags, HandOvers, Orders, Parcels, Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.delivery.approvals import ApprovalParameters, Approvals
from tradewind_simulator.mechanisms.delivery.dispatch import Dispatch, DispatchParameters
from tradewind_simulator.mechanisms.delivery.shipments import Places, Shipments
from tradewind_simulator.mechanisms.delivery.workdays import Workdays
from tradewind_simulator.mechanisms.delivery.workloads import Work, places
from tradewind_simulator.streams import Floats, Integers

_PACK, _GIVES_UP = range(2)


class HandlingParameters(BaseModel):
    """All of the way to the carrier; the fulfilment centres take hours where merchants take days."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approvals: ApprovalParameters = ApprovalParameters()
    dispatch: DispatchParameters = DispatchParameters()
    usual_days: float = Field(
        default=28.0, ge=1, le=365, description="Days over which a merchant's usual orders are averaged. Chosen: four weeks."
    )
    pick_opens_hour: float = Field(default=8.0, ge=0, le=23, description="Local hour at which fulfilment centres begin. Chosen.")
    pick_cutoff_hour: float = Field(
        default=17.0, ge=1, le=19, description="Orders approved until then leave the same day. Chosen: common cut-off."
    )
    pick_hours_least: float = Field(default=0.5, gt=0, le=1, description="Shortest time to pick and pack, in hours. Chosen.")
    pick_hours_most: float = Field(default=2.5, ge=1, le=4, description="Longest time to pick and pack once begun, in hours. Chosen.")


class Sellers(Protocol):
    """The merchants, with columns ``number``, ``handling_hours``, ``handling_sigma``, ``cancel_probability`` and ``quality``."""

    @property
    def entities(self) -> Entities:
        """The merchants by position."""


class Handling:
    """Takes in the day's orders and says each day what is handed over."""

    def __init__(
        self,
        parameters: HandlingParameters,
        surroundings: Surroundings,
        geography: Places,
        workdays: Workdays,
        warehouse_ids: tuple[str, ...],
    ) -> None:
        self._parameters = parameters
        self._area_state = geography.area_state
        self._workdays = workdays
        self._stream = surroundings.streams.stream("fulfilment")
        self.payments = Approvals(parameters.approvals, surroundings.streams)
        self.dispatch = Dispatch(parameters.dispatch, surroundings.streams, workdays, surroundings.days)
        self.shipments = Shipments(geography, warehouse_ids, surroundings.exports)
        self._warehouses = len(warehouse_ids)
        self._usual = np.zeros(0)
        self._queued = np.zeros(self._warehouses, dtype=np.int64)
        self.fulfilment_work = Work(self._queued, self._queued, self._queued)

    def approved_at(self, orders: Integers, ordered_at: Integers, is_boleto: Flags | None = None) -> Integers:
        """When the payments of ``orders`` are approved; ``NEVER`` where the customer calls it off before."""
        approved = self.payments.approved_at(orders, ordered_at, is_boleto)
        return np.where(self.payments.cancelled_at(orders, ordered_at) < approved, NEVER, approved)

    def approvals(self, orders: Orders) -> Integers:
        """When the payment of each of ``orders``, which were taken, is approved; ``NEVER`` where it is not."""
        entities = self.shipments.orders.entities
        return np.asarray(entities["approved_at"][entities.positions(orders.number)])

    def take(self, today: Today, orders: Orders, parcels: Parcels, merchants: Sellers, is_boleto: Flags | None = None) -> None:
        """The orders placed ``today`` and their parcels.

        Raises:
            ValueError: an order is of an earlier day: its row could not be written any more.
        """
        if len(orders.number) and int(orders.ordered_at.min()) < today.start:
            raise ValueError(f"day {today.number}: an order was placed before the day began")
        load = self._loads(parcels.merchant, len(merchants.entities))
        if len(orders.number) == 0:
            return
        approved = self.approved_at(orders.number, orders.ordered_at, is_boleto)
        patience = self.payments.cancelled_at(orders.number, orders.ordered_at)
        place = np.searchsorted(orders.number, parcels.order)
        siblings = np.bincount(place, minlength=len(orders.number)).astype(np.int64)
        promised = np.zeros(len(orders.number), dtype=np.int64)
        np.maximum.at(promised, place, parcels.promised_at)
        self.shipments.orders.add(
            number=orders.number,
            customer=orders.customer,
            address=orders.address,
            area=orders.area,
            promised_at=promised,
            ordered_at=orders.ordered_at,
            approved_at=approved,
        )
        sellers = merchants.entities
        planned, given_up = self._planned(parcels, approved[place], sellers, load)
        np.minimum.at(patience, place, given_up)
        self.shipments.parcels.add(
            **{name: getattr(parcels, name) for name in _GIVEN},
            merchant_number=sellers["number"][parcels.merchant],
            quality=sellers["quality"][parcels.merchant],
            siblings=siblings[place],
            approved_at=approved[place],
            patience_at=patience[place],
            planned_at=planned,
        )

    def step(self, today: Today, fulfilment_capacity: Integers) -> HandOvers:
        """The parcels handed over ``today``; each fulfilment centre can pick and pack as many as ``fulfilment_capacity`` says."""
        entities = self.shipments.parcels.entities
        drops = np.where(entities["planned_at"] < today.end, entities["planned_at"], NEVER)
        packed, instants = self._pack(today, fulfilment_capacity)
        drops[packed] = instants
        self._cancel(drops, today)
        is_open = (entities["handed_over_at"] == NEVER) & (entities["cancelled_at"] == NEVER)
        rows = np.flatnonzero((drops < NEVER) & is_open)
        rows = rows[np.argsort(entities["number"][rows], kind="stable")]
        entities["handed_over_at"][rows] = drops[rows]
        entities["planned_at"][rows] = NEVER
        orders = np.unique(entities["order"][rows])
        entities["patience_at"][self.shipments.rows_of_orders(orders)] = NEVER
        self.shipments.close_orders(orders)
        return HandOvers(
            number=entities["number"][rows],
            origin_area=entities["origin_area"][rows],
            destination_area=entities["destination_area"][rows],
            handed_over_at=entities["handed_over_at"][rows],
            weight_g=entities["weight_g"][rows],
        )

    def arrays(self) -> Arrays:
        """What is carried from day to day beside the ledgers (which the exports keep)."""
        return {"usual": self._usual.copy(), "queued": self._queued.copy()}

    def restore(self, arrays: Arrays) -> None:
        """Go on from a checkpoint."""
        self._usual = np.array(arrays["usual"], dtype=np.float64)
        self._queued = np.array(arrays["queued"], dtype=np.int64)

    def _loads(self, merchant: Integers, merchants: int) -> Floats:
        """The factor of each parcel's merchant on its handling today; then what is usual moves on."""
        if merchants > len(self._usual):
            self._usual = np.concatenate([self._usual, np.zeros(merchants - len(self._usual))])
        today = np.bincount(merchant, minlength=merchants).astype(np.float64)
        load = self.dispatch.load(today, self._usual)
        self._usual += (today - self._usual) / self._parameters.usual_days
        return np.asarray(load[merchant])

    def _planned(self, parcels: Parcels, approved_at: Integers, sellers: Entities, load: Floats) -> tuple[Integers, Integers]:
        """When merchants would drop their parcels, and when those who can't deliver call the order off (just before)."""
        planned, given_up = np.full(len(parcels.number), NEVER), np.full(len(parcels.number), NEVER)
        own = np.flatnonzero((parcels.warehouse < 0) & (approved_at < NEVER))
        number, merchant, approved = parcels.number[own], parcels.merchant[own], approved_at[own]
        hours = self.dispatch.hours(number, sellers["handling_hours"][merchant], sellers["handling_sigma"][merchant], load[own])
        planned[own] = self.dispatch.handed_over_at(approved, self._area_state[parcels.origin_area[own]], hours)
        gives_up = self._stream.uniform(number, slot=_GIVES_UP) < sellers["cancel_probability"][merchant]
        given_up[own] = np.where(gives_up, np.maximum(planned[own] - 1, approved), NEVER)
        return planned, given_up

    def _pack(self, today: Today, capacity: Integers) -> tuple[Integers, Integers]:
        """Positions of the parcels that leave the fulfilment centres today, first approved first, and when."""
        p, entities = self._parameters, self.shipments.parcels.entities
        cutoff = today.start + int(p.pick_cutoff_hour * HOUR)
        site = entities["warehouse"]
        is_queued = (site >= 0) & (entities["approved_at"] < cutoff) & (entities["handed_over_at"] == NEVER)
        rows = np.flatnonzero(is_queued & (entities["cancelled_at"] == NEVER) & (entities["patience_at"] >= today.start))
        rows = rows[np.lexsort((entities["number"][rows], entities["approved_at"][rows], site[rows]))]
        sites = site[rows]
        is_working = today.is_workday[self._area_state[entities["origin_area"][rows]]]
        rank = places(sites)
        is_done = is_working & (rank < capacity[sites])
        arrived = entities["approved_at"][rows] >= cutoff - (today.end - today.start)
        self._report(np.bincount(sites[arrived], minlength=self._warehouses), np.bincount(sites[~is_done], minlength=self._warehouses))
        rows, rank, sites = rows[is_done], rank[is_done], sites[is_done]
        begun = today.start + p.pick_opens_hour * HOUR + rank / capacity[sites] * (p.pick_cutoff_hour - p.pick_opens_hour) * HOUR
        drawn = self._stream.uniform(entities["number"][rows], slot=_PACK)
        taken = (p.pick_hours_least + (p.pick_hours_most - p.pick_hours_least) * drawn) * HOUR
        return rows, (np.maximum(begun, entities["approved_at"][rows]) + taken + MINUTE).astype(np.int64)

    def _report(self, arrived: Integers, backlog: Integers) -> None:
        """What left the queue is done, be it packed or called off."""
        self.fulfilment_work = Work(arrived, self._queued + arrived - backlog, backlog)
        self._queued = backlog

    def _cancel(self, drops: Integers, today: Today) -> None:
        """Orders whose customers have no more patience, and of which nothing is on its way by then, are called off."""
        entities = self.shipments.parcels.entities
        out_of_patience = (
            (entities["patience_at"] < today.end) & (entities["cancelled_at"] == NEVER) & (entities["handed_over_at"] == NEVER)
        )
        orders = np.unique(entities["order"][out_of_patience])
        rows = self.shipments.rows_of_orders(orders)
        place = np.searchsorted(orders, entities["order"][rows])
        first = np.full(len(orders), NEVER)
        np.minimum.at(first, place, np.minimum(entities["handed_over_at"][rows], drops[rows]))
        called_off = entities["patience_at"][rows] < first[place]
        off, on = rows[called_off], rows[~called_off]
        entities["patience_at"][on] = NEVER
        at = entities["patience_at"][off]
        entities["cancelled_at"][off] = at
        entities["approved_at"][off] = np.where(entities["approved_at"][off] < at, entities["approved_at"][off], NEVER)
        entities["planned_at"][off] = NEVER
        entities["closed"][off] = True
        numbers, index = np.unique(entities["order"][off], return_index=True)
        self.shipments.orders.set("cancelled_at", numbers, at[index])
        self.shipments.close_orders(numbers)


_GIVEN = (
    *("number", "order", "customer", "address", "merchant", "origin_area", "destination_area", "warehouse", "ordered_at"),
    *("promised_at", "ship_by_at", "items", "weight_g", "volume_cm3", "price", "freight", "category"),
)
