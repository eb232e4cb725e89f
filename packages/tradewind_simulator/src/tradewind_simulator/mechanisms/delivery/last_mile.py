"""The last mile: from the depot to the door, with attempts, second passes, and parcels that go back."""

from typing import Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.days import HOUR, NEVER
from tradewind_simulator.entities import Arrays, Entities
from tradewind_simulator.flows import DepotArrivals, Flags, Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.delivery import attempts as causes
from tradewind_simulator.mechanisms.delivery.attempts import Attempts, AttemptsParameters, Tries, Visits, WrittenAddresses
from tradewind_simulator.mechanisms.delivery.breakage import Breakage, BreakageParameters
from tradewind_simulator.mechanisms.delivery.courier_reports import CourierReports, CourierReportsParameters, Made, ScanRecorder
from tradewind_simulator.mechanisms.delivery.endings import FALSE_SCAN, MISDELIVERY, RECEIVED, Ended
from tradewind_simulator.mechanisms.delivery.handling import Handling
from tradewind_simulator.mechanisms.delivery.receipt import Doorstep, Receipt
from tradewind_simulator.mechanisms.delivery.round_history import Out, Rest, RoundHistory
from tradewind_simulator.mechanisms.delivery.rounds import Rounds, RoundsParameters, Stops, Waiting
from tradewind_simulator.mechanisms.delivery.workdays import Workdays
from tradewind_simulator.mechanisms.delivery.workloads import Work
from tradewind_simulator.streams import Floats, Integers

_BACK = 0


class LastMileParameters(BaseModel):
    """All of the last mile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rounds: RoundsParameters = RoundsParameters()
    attempts: AttemptsParameters = AttemptsParameters()
    breakage: BreakageParameters = BreakageParameters()
    reports: CourierReportsParameters = CourierReportsParameters()
    most_rounds: int = Field(default=3, ge=1, le=6, description="Rounds after which it goes back. Chosen: three, as carriers commonly do.")
    address_days: int = Field(default=2, ge=1, le=30, description="Days until the next round after a bad address: somebody asks. Chosen.")
    back_hour: float = Field(
        default=20.6, ge=20.5, le=23, description="Local hour from which parcels are scanned back to the merchant. Chosen."
    )


class Depots(Protocol):
    """What of the network the last mile asks."""

    @property
    def hub_ids(self) -> tuple[str, ...]:
        """Ids of the hubs."""

    @property
    def hub_state(self) -> Integers:
        """State of each hub."""

    def is_open(self, day: int) -> Flags:
        """Which hubs are open."""

    def depot_of_area(self, day: int) -> Integers:
        """Position of the depot of each area."""


class LastMile:
    """The parcels at their depots; hands over those whose way ends today."""

    def __init__(
        self,
        parameters: LastMileParameters,
        surroundings: Surroundings,
        handling: Handling,
        network: Depots,
        addresses: WrittenAddresses,
        scans: ScanRecorder,
        receipt: Receipt,
        workdays: Workdays,
    ) -> None:
        self._parameters = parameters
        self._days, self._truth = surroundings.days, surroundings.truth
        self._stream = surroundings.streams.stream("last mile")
        self._shipments, self._network, self._addresses = handling.shipments, network, addresses
        self._receipt, self._workdays = receipt, workdays
        self.rounds = Rounds(parameters.rounds, surroundings.streams)
        self.attempts = Attempts(parameters.attempts, surroundings.streams, addresses, len(receipt.area_effects))
        self.breakage = Breakage(parameters.breakage, surroundings.streams)
        self._reports = CourierReports(parameters.reports, surroundings, network.hub_ids, scans)
        whole = np.int64
        self.waiting = Entities(**dict.fromkeys(_WAITING, whole), is_damaged=np.bool_)
        hubs = len(network.hub_ids)
        self.pressure, self.load = np.zeros(hubs), np.full(hubs, 0.8)
        self._backlog = np.zeros(hubs, dtype=whole)
        nothing = np.zeros(0, dtype=whole)
        self.out = Out(nothing, nothing, nothing, nothing, nothing, nothing)
        self.work = Work(self._backlog, self._backlog, self._backlog)

    def step(self, today: Today, arrivals: DepotArrivals, capacity: Integers, couriers: Integers) -> Ended:
        """What is sorted today waits; what waited goes out. ``capacity`` (stops) and ``couriers`` (people out) are by hub."""
        if today.number == 0:
            self._tell_areas()
        arrived = self._admit(today, arrivals)
        stops = self._plan(today, capacity, couriers)
        self.out = self._leaving(stops)
        visits, tries = self._visit(today, stops)
        ended = self._settle(today, stops, tries, visits)
        self._report_work(arrived)
        return ended

    def delivered_at(self, rest: Rest, history: RoundHistory) -> Integers:
        """When parcels would be delivered by the rounds that there were, their own draws made anew; ``NEVER`` where they go back."""
        p, states, depot = self._parameters, self._network.hub_state[rest.depot], rest.depot
        delivered, is_open = np.full(len(rest.number), NEVER), np.ones(len(rest.number), dtype=bool)
        attempt, made, earliest, is_out = rest.attempt, rest.rounds, rest.earliest, rest.is_out
        for _ in range(p.most_rounds):
            goes = history.day(earliest, depot, rest.ready_at, rest.promised_at)
            day = np.where(is_out, earliest, self._workdays.at(self._workdays.before(goes, states), states))
            progress = self.rounds.progress(rest.number, attempt, rest.replicate)
            tries = Tries(
                number=rest.number,
                attempt=attempt,
                area=rest.area,
                address=rest.address,
                hour=self.rounds.hour(progress, history.load(day, depot)),
                weekday=(day + self._days.first.weekday()) % 7,
                days_late=np.maximum(day - self._days.of(rest.promised_at), 0),
                is_damaged=np.zeros(len(day), dtype=bool),
                is_second_pass=np.zeros(len(day), dtype=bool),
                progress=progress,
                pressure=history.pressure(day, depot),
                dishonesty=np.zeros(len(day)),
            )
            visits = self.attempts.visits(tries, rest.replicate)
            last = visits.last_cause
            hour = np.where(visits.has_second, visits.second_hour, tries.hour)
            is_done, made = is_open & (last == causes.DELIVERED), made + 1
            delivered = np.where(is_done, self._workdays.starts(day) + (hour * HOUR).astype(np.int64), delivered)
            is_open = is_open & (last != causes.DELIVERED) & (last != causes.REFUSED) & (made < p.most_rounds)
            attempt = attempt + visits.passes
            earliest = day + np.where(last == causes.BAD_ADDRESS, p.address_days, 1)
            is_out = np.zeros(len(day), dtype=bool)
        return delivered

    def arrays(self) -> Arrays:
        """What is carried from day to day."""
        kept = {"pressure": self.pressure.copy(), "load": self.load.copy(), "backlog": self._backlog.copy()}
        return {**kept, **self.waiting.arrays("waiting.")}

    def restore(self, arrays: Arrays) -> None:
        """Go on from a checkpoint."""
        self.pressure, self.load = np.array(arrays["pressure"]), np.array(arrays["load"])
        self._backlog = np.array(arrays["backlog"], dtype=np.int64)
        self.waiting.restore(arrays, "waiting.")

    def _admit(self, today: Today, arrivals: DepotArrivals) -> Integers:
        """Take in the day's arrivals and those of depots that closed; returns how many came to each depot."""
        hubs, waiting = len(self._backlog), self.waiting
        came = np.bincount(arrivals.depot, minlength=hubs)
        homeless = np.flatnonzero(~self._network.is_open(today.number)[waiting["depot"]])
        if len(homeless):
            moved = self._network.depot_of_area(today.number)[waiting["area"][homeless]]
            waiting["depot"][homeless] = moved
            came = came + np.bincount(moved, minlength=hubs)
        if len(arrivals.number) == 0:
            return came
        parcels = self._shipments.parcels.entities
        rows = parcels.positions(arrivals.number)
        spent = arrivals.ready_at - parcels["handed_over_at"][rows]
        is_damaged = self.breakage.is_damaged(arrivals.number, parcels["weight_g"][rows], spent)
        waiting.add(
            number=arrivals.number,
            customer=parcels["customer"][rows],
            depot=arrivals.depot,
            area=parcels["destination_area"][rows],
            address=parcels["address"][rows],
            promised_at=parcels["promised_at"][rows],
            price=parcels["price"][rows],
            ready_at=arrivals.ready_at,
            not_before=today.number + 1,
            attempts=0,
            rounds=0,
            is_damaged=is_damaged,
        )
        broken = arrivals.number[is_damaged]
        self._truth.append(
            "damages", {"parcel_id": columns.ids("x", broken), "damaged_at": columns.instants(arrivals.ready_at[is_damaged])}
        )
        return came

    def _plan(self, today: Today, capacity: Integers, couriers: Integers) -> Stops:
        waiting = self.waiting
        is_workday = today.is_workday[self._network.hub_state]
        queue = Waiting(
            number=waiting["number"],
            customer=waiting["customer"],
            depot=waiting["depot"],
            area=waiting["area"],
            ready_at=waiting["ready_at"],
            promised_at=waiting["promised_at"],
            attempt=waiting["attempts"] + 1,
            may_go=(waiting["not_before"] <= today.number) & (waiting["ready_at"] < today.start),
        )
        stops = self.rounds.plan(today, queue, is_workday, capacity, couriers)
        out = is_workday & (couriers > 0)
        self.pressure = np.where(out, stops.pressure, self.pressure)
        self.load = np.where(out, stops.load, self.load)
        return stops

    def _leaving(self, stops: Stops) -> Out:
        kept = {name: self.waiting[name][stops.rows] for name in ("number", "depot", "ready_at", "rounds")}
        return Out(**kept, left_at=stops.leaves_at, attempt=self.waiting["attempts"][stops.rows] + 1)

    def _visit(self, today: Today, stops: Stops) -> tuple[Visits, Tries]:
        waiting, rows = self.waiting, stops.rows
        tries = Tries(
            number=waiting["number"][rows],
            attempt=waiting["attempts"][rows] + 1,
            area=waiting["area"][rows],
            address=waiting["address"][rows],
            hour=stops.hour,
            weekday=np.full(len(rows), today.weekday),
            days_late=np.maximum(today.number - self._days.of(waiting["promised_at"][rows]), 0),
            is_damaged=waiting["is_damaged"][rows],
            is_second_pass=np.zeros(len(rows), dtype=bool),
            progress=stops.progress,
            pressure=stops.pressure[waiting["depot"][rows]],
            dishonesty=stops.dishonesty,
        )
        return self.attempts.visits(tries), tries

    def _settle(self, today: Today, stops: Stops, tries: Tries, visits: Visits) -> Ended:
        """Report the attempts, end what is delivered or goes back, and keep the rest for a later round."""
        p, waiting, rows = self._parameters, self.waiting, stops.rows
        last = visits.last_cause
        hour = np.where(visits.has_second, visits.second_hour, stops.hour)
        waiting["attempts"][rows] += visits.passes
        waiting["rounds"][rows] += 1
        waiting["not_before"][rows] = today.number + np.where(last == causes.BAD_ADDRESS, p.address_days, 1)
        is_done = last == causes.DELIVERED
        goes_back = ~is_done & ((last == causes.REFUSED) | (last == causes.DAMAGED) | (waiting["rounds"][rows] >= p.most_rounds))
        drawn = self._stream.uniform(tries.number, slot=_BACK)
        back_at = today.start + ((p.back_hour + 0.3 * drawn) * HOUR).astype(np.int64)
        written = self._addresses.failure_logit(tries.address)
        cause = np.where(is_done, self._receipt.causes(self._doors(tries, stops, written)), RECEIVED)
        first = self._made(today, tries, stops, visits, written)
        is_second = visits.has_second
        final = Made(
            number=tries.number,
            attempt=waiting["attempts"][rows],
            depot=first.depot,
            courier=stops.courier,
            attempted_at=today.start + (hour * HOUR).astype(np.int64),
            cause=last,
            probability=np.where(is_second, visits.second_probability, visits.probability),
            dishonesty=stops.dishonesty,
            is_false_scan=cause == FALSE_SCAN,
            is_wrong_door=cause == MISDELIVERY,
            written=written,
        )
        made = first.take(is_second).and_then(final)
        distance = self._reports.distance_m(made)
        self._reports.write(made, distance)
        self._reports.scan(made, first, stops.leaves_at, final.take(goes_back), back_at[goes_back])
        is_over = is_done | goes_back
        delivered = np.where(is_done, final.attempted_at, NEVER)
        returned = np.where(goes_back, back_at, NEVER)
        scan_m = distance[len(distance) - len(rows) :]
        return self._end(rows, is_over, delivered, returned, cause, scan_m)

    def _made(self, today: Today, tries: Tries, stops: Stops, visits: Visits, written: Floats) -> Made:
        """The first passes."""
        no = np.zeros(len(tries.number), dtype=bool)
        return Made(
            number=tries.number,
            attempt=tries.attempt,
            depot=self.waiting["depot"][stops.rows],
            courier=stops.courier,
            attempted_at=today.start + (tries.hour * HOUR).astype(np.int64),
            cause=visits.cause,
            probability=visits.probability,
            dishonesty=stops.dishonesty,
            is_false_scan=no,
            is_wrong_door=no,
            written=written,
        )

    def _doors(self, tries: Tries, stops: Stops, written: Floats) -> Doorstep:
        return Doorstep(
            number=tries.number,
            area=tries.area,
            is_flat=self._addresses.is_flat(tries.address),
            written=written,
            value=self.waiting["price"][stops.rows],
            progress=tries.progress,
            pressure=tries.pressure,
            dishonesty=tries.dishonesty,
        )

    def _end(self, rows: Integers, is_over: Flags, delivered: Integers, returned: Integers, cause: Integers, scan_m: Floats) -> Ended:
        """Write the ends into the ledger and let go of them."""
        waiting, parcels, over = self.waiting, self._shipments.parcels.entities, rows[is_over]
        number, delivered, returned = waiting["number"][over], delivered[is_over], returned[is_over]
        at = parcels.positions(number)
        parcels["delivered_at"][at], parcels["returned_at"][at], parcels["closed"][at] = delivered, returned, True
        ended = Ended(
            number=number,
            **{
                name: parcels[name][at]
                for name in ("order", "merchant", "customer", "promised_at", "price", "freight", "quality", "siblings")
            },
            delivered_at=delivered,
            returned_at=returned,
            is_received=(delivered < NEVER) & (cause[is_over] == RECEIVED),
            is_damaged=waiting["is_damaged"][over].copy(),
            attempts=waiting["attempts"][over].copy(),
            area=waiting["area"][over].copy(),
            address=waiting["address"][over].copy(),
            cause=cause[is_over],
            scan_m=scan_m[is_over],
        )
        stays = np.ones(len(waiting), dtype=bool)
        stays[over] = False
        waiting.keep(stays)
        return ended

    def _report_work(self, arrived: Integers) -> None:
        left = np.bincount(self.waiting["depot"], minlength=len(self._backlog))
        self.work = Work(arrived, self._backlog + arrived - left, left)
        self._backlog = left

    def _tell_areas(self) -> None:
        effects = self.attempts.area_effects
        areas = np.arange(len(effects))
        self._truth.append("area_absence", {"area": columns.integers(areas), "nobody_home_logit": columns.floats(effects)})


_WAITING = ("customer", "depot", "area", "address", "promised_at", "price", "ready_at", "not_before", "attempts", "rounds")
