"""A local day of the world: which mechanism comes after which, and what they hand to each other.

The order is the causal one. What feeds back (backlogs, ratings, lateness, sales) is yesterday's, so a day has no cycle.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tradewind_contracts.errors import IntegrityError
from tradewind_simulator.days import Days
from tradewind_simulator.dirt import Dirt
from tradewind_simulator.entities import Arrays
from tradewind_simulator.eta_law import EtaLaw
from tradewind_simulator.eta_replicates import World
from tradewind_simulator.exports import Exports
from tradewind_simulator.flows import Parcels, Today
from tradewind_simulator.interventions import Interventions
from tradewind_simulator.manifests import FileEntry
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.commerce.catalogue import Catalogue
from tradewind_simulator.mechanisms.commerce.categories import NAMES, SHARES
from tradewind_simulator.mechanisms.commerce.demand import Demand
from tradewind_simulator.mechanisms.commerce.ordering import Ordering
from tradewind_simulator.mechanisms.commerce.pricing import Pricing
from tradewind_simulator.mechanisms.commerce.stock import Stock
from tradewind_simulator.mechanisms.commerce.traffic import Traffic
from tradewind_simulator.mechanisms.delivery.claims import Claims
from tradewind_simulator.mechanisms.delivery.endings import Ended
from tradewind_simulator.mechanisms.delivery.handling import Handling
from tradewind_simulator.mechanisms.delivery.last_mile import LastMile
from tradewind_simulator.mechanisms.delivery.promises import Promises
from tradewind_simulator.mechanisms.delivery.receipt import Receipt
from tradewind_simulator.mechanisms.delivery.reviews import Reviews
from tradewind_simulator.mechanisms.delivery.workdays import Workdays
from tradewind_simulator.mechanisms.growth.creators import Creators
from tradewind_simulator.mechanisms.growth.merchants import Merchants
from tradewind_simulator.mechanisms.places.addresses import Addresses
from tradewind_simulator.mechanisms.places.calendar import Calendar
from tradewind_simulator.mechanisms.places.geography import Geography
from tradewind_simulator.mechanisms.places.network import Network
from tradewind_simulator.mechanisms.places.weather import Weather
from tradewind_simulator.mechanisms.transport.scans import Scans
from tradewind_simulator.mechanisms.transport.staffing import Staffing
from tradewind_simulator.mechanisms.transport.transport import Transport
from tradewind_simulator.parameters import Parameters
from tradewind_simulator.streams import Streams
from tradewind_simulator.truth import Truth


@runtime_checkable
class Carrying(Protocol):
    """A mechanism that carries something from day to day."""

    def arrays(self) -> Arrays:
        """What it carries."""

    def restore(self, arrays: Any) -> None:
        """Go on from there."""


class Engine:
    """A world and its mechanisms. ``day`` is the next local day to simulate."""

    def __init__(self, parameters: Parameters, interventions: Interventions) -> None:
        self.parameters = parameters
        self.day = 0
        p, streams, self.truth = parameters, Streams(parameters.seed), Truth()
        self.exports = Exports(Dirt(p.dirt, streams, self.truth))
        self.days = Days(p.first_day, p.zone)
        around = Surroundings(p.seed, p.orders_per_day, self.days, streams, interventions, self.exports, self.truth)

        self.geography = Geography(p.geography, around)
        self.weather = Weather(p.weather, around)
        self.calendar = Calendar(p.calendar, around, self.weather)
        self.network = Network(p.network, around, self.geography)
        self.addresses = Addresses(p.addresses, around, self.geography)
        self.staffing = Staffing(p.staffing, around, self.geography, self.network)

        weights = np.asarray(SHARES, dtype=np.float64)
        states = self.geography.states
        state_weights = np.bincount(self.geography.area_state, self.geography.area_weight, len(states)).astype(np.float64)
        self.merchants = Merchants(p.merchants, around, self.geography, NAMES, weights)
        self.creators = Creators(p.creators, around, NAMES, weights, states, state_weights)
        self.catalogue = Catalogue(p.catalogue, around, len(self.staffing.warehouse_ids))
        self.pricing = Pricing(p.pricing, around)
        self.traffic = Traffic(p.traffic, around)
        self.demand = Demand(p.demand, around)
        self.stock = Stock(p.stock, around, self.staffing.warehouse_ids)

        workdays = Workdays(self.calendar, self.days)
        self.promises = Promises(p.promises, around, self.geography, workdays)
        self.handling = Handling(p.handling, around, self.geography, workdays, self.staffing.warehouse_ids)
        self.ordering = Ordering(
            p.ordering, around, self.geography, self.staffing.warehouse_area, self.promises, self.handling, self.network
        )
        scans = Scans(p.scans, around, self.network.hub_ids)
        self.transport = Transport(p.transport, around, self.network, self.staffing, scans)
        self.receipt = Receipt(p.receipt, around, len(self.geography.area_ids))
        self.last_mile = LastMile(p.last_mile, around, self.handling, self.network, self.addresses, scans, self.receipt, workdays)
        self.claims = Claims(p.claims, around, self.receipt)
        self.reviews = Reviews(p.reviews, around, self.handling)
        redrawn = World(
            self.days, workdays, self.network, self.handling, self.transport, self.last_mile, self.geography.area_state,
            streams.stream("eta_replicates"),
        )  # fmt: skip
        self.eta_law = EtaLaw(p.eta_law, around, redrawn)

    @property
    def newest_day(self) -> str:
        """The date of the newest day that was simulated (ISO)."""
        return self.days.date(self.day - 1).isoformat()

    def step(self, observed: Path, truth: Path) -> tuple[list[FileEntry], list[FileEntry]]:
        """Simulate the next local day and write the files of the UTC day of its date; what was written, observed and truth."""
        today = self.calendar.today(self.day)
        self._surround(today)
        parcels = self._sell(today)
        self._ship(today)
        self.eta_law.step(today, parcels, self.merchants, self.staffing.couriers)
        self.day += 1
        utc_day = self.days.utc_day(today.number)
        # Observed first: its junk is told to truth.
        seen = self.exports.flush(utc_day, observed)
        return seen, self.truth.flush(utc_day, truth)

    def state(self) -> tuple[dict[str, Arrays], dict[str, pa.Table], dict[str, object]]:
        """What the world carries to its next day: arrays by mechanism, rows that wait for their day, facts."""
        arrays = {name: mechanism.arrays() for name, mechanism in self._carrying().items()}
        facts: dict[str, object] = {"day": self.day, "rows": self.exports.rows, "truth_rows": self.truth.rows}
        return {**arrays, "ledgers": self.exports.arrays()}, self.exports.waiting(), facts

    def restore(
        self, arrays: Mapping[str, Mapping[str, npt.NDArray[Any]]], waiting: Mapping[str, pa.Table], facts: Mapping[str, object]
    ) -> None:
        """Go on from ``state``.

        Raises:
            IntegrityError: it is the state of another simulator.
        """
        try:
            for name, mechanism in self._carrying().items():
                mechanism.restore(arrays[name])
            self.exports.restore(waiting, arrays["ledgers"])
            self.day = cast(int, facts["day"])
            self.exports.rows = cast(dict[str, int], facts["rows"])
            self.truth.rows = cast(dict[str, int], facts["truth_rows"])
        except KeyError as error:
            raise IntegrityError(
                f"the checkpoint is of another version of the simulator (it lacks {error}); simulate the world again"
            ) from error

    def _surround(self, today: Today) -> None:
        if today.number == 0:
            self.geography.export()
        self.weather.step(today)
        self.calendar.step(today)
        self.network.step(today)
        self.promises.step(today)
        self.staffing.plan(today)

    def _sell(self, today: Today) -> Parcels:
        self.merchants.step(today)
        self.creators.step(today)
        self.catalogue.step(today, self.merchants)
        prices = self.pricing.step(today, self.catalogue, self.merchants)
        exposure = self.traffic.step(today, self.catalogue)
        wanted = self.demand.step(today, self.catalogue, prices, exposure, self.merchants, self.creators)
        sold = self.stock.step(today, self.catalogue, wanted)
        _, parcels = self.ordering.step(
            today, self.catalogue, prices, exposure, wanted, sold, self.merchants, self.creators, self.addresses
        )
        return parcels

    def _ship(self, today: Today) -> None:
        staffing = self.staffing
        handed_over = self.handling.step(today, staffing.fulfilment_capacity)
        work = self.handling.fulfilment_work
        for task in ("pick", "pack"):
            staffing.record(task, work.arrived, work.done, work.backlog)
        arrivals = self.transport.step(today, handed_over)
        ended = self.last_mile.step(today, arrivals, staffing.courier_capacity, staffing.couriers)
        work = self.last_mile.work
        staffing.record("deliver", work.arrived, work.done, work.backlog)
        self._judge(today, ended)
        staffing.close(today)

    def _judge(self, today: Today, ended: Ended) -> None:
        self.receipt.step(today, ended)
        self.claims.step(ended)
        self.merchants.observe_scores(self.reviews.step(today, ended))
        self.merchants.observe_late(ended.merchant, self.days.of(ended.delivered_at) > self.days.of(ended.promised_at))

    def _carrying(self) -> dict[str, Carrying]:
        """The mechanisms that carry something, by their attribute; what exports carry is kept apart."""
        return {name: value for name, value in sorted(vars(self).items()) if isinstance(value, Carrying) and name != "exports"}
