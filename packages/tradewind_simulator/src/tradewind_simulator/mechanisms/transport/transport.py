"""The parcels between hand-over and the depot of their destination: queues at the hubs, legs between them, and what goes wrong.

A day: parcels of a closed hub are moved on; those that come today and those left over go through their hub's queue; of the sorted ones,
those at the depot of their destination are ready for the last mile, the others leave with a lorry: this evening's, or a later one's.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.days import HOUR, NEVER
from tradewind_simulator.entities import Arrays, Entities
from tradewind_simulator.flows import DepotArrivals, Flags, HandOvers, Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.places.brazil import STATES
from tradewind_simulator.mechanisms.places.network import Network
from tradewind_simulator.mechanisms.transport.legs import LEAVES, Departure, LegParameters, Legs, travel_seconds
from tradewind_simulator.mechanisms.transport.queues import LEFT, ahead_at_knots, serve
from tradewind_simulator.mechanisms.transport.route_tables import RouteTable, RouteTables
from tradewind_simulator.mechanisms.transport.scans import ARRIVED, DEPARTED, PICKED_UP, SORTED, Scans, network_ordinal
from tradewind_simulator.mechanisms.transport.staffing import Staffing
from tradewind_simulator.mechanisms.transport.waits import QueueHistory
from tradewind_simulator.streams import Floats, Integers

_CLEARED = 6 * HOUR


class TransportParameters(BaseModel):
    """Parameters of the way through the network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    legs: LegParameters = Field(default=LegParameters(), description="Time and errors of the legs.")


@dataclass(frozen=True)
class Trip:
    """Parcels that leave hubs on a day, aligned."""

    number: Integers
    hop: Integers
    origin: Integers
    to: Integers
    departed_at: Integers
    arrives_at: Integers
    ratio: Floats
    minutes: Floats
    is_missort: Flags
    is_reroute: Flags
    queue_hours: Floats


@dataclass(frozen=True)
class Passed:
    """What truly happened to parcels in the network on a day, aligned: the scans before any defect."""

    number: Integers
    hub: Integers
    event: Integers
    """Position in ``scans.EVENTS``."""
    at: Integers
    to: Integers
    """Where it was sent to; -1 but for departures."""
    hop: Integers


class Transport:
    """The network's parcels. ``waits`` remembers the queues of the last days."""

    def __init__(
        self, parameters: TransportParameters, surroundings: Surroundings, network: Network, staffing: Staffing, scans: Scans
    ) -> None:
        self.parameters = parameters
        self.routes = RouteTables(network)
        states = [STATES[state].code for state in network.hub_state]
        self.legs = Legs(parameters.legs, surroundings.streams.stream("legs"), network.level, states)
        self.parcels = Entities(hub=np.int64, area=np.int64, arrives_at=np.int64, hop=np.int64, sorted_at=np.int64, leaves_day=np.int64)
        hubs, knots = staffing.sort_cumulative.shape
        self.waits = QueueHistory(surroundings.days, hubs, knots, int(network.hub_state.max()) + 1)
        self._scanned: list[tuple[Integers, ...]] = []
        nothing = np.zeros(0, dtype=np.int64)
        self.passed = Passed(nothing, nothing, nothing, nothing, nothing, nothing)
        self._truth, self._network, self._staffing, self._scans = surroundings.truth, network, staffing, scans

    def step(self, today: Today, handovers: HandOvers) -> DepotArrivals:
        """Move the parcels through local day ``today``; returns those that are ready at their depot."""
        table = self.routes.on(today.number)
        if today.number == 0:
            hubs = np.arange(len(self.legs.stays))
            self._truth.append("hubs", {"hub_id": columns.words(hubs, self._network.hub_ids), "stay": columns.floats(self.legs.stays)})
        self._take_over(handovers, table)
        cleared = self._leave_closed(today, table)
        self._sort(today, cleared)
        arrivals = self._end(today, table)
        self._depart(today, table)
        self._record()
        return arrivals

    def _take_over(self, handovers: HandOvers, table: RouteTable) -> None:
        hub = table.depot_of_area[handovers.origin_area]
        at = handovers.handed_over_at
        rows = self.parcels.add(
            number=handovers.number,
            hub=hub,
            area=handovers.destination_area,
            arrives_at=at,
            hop=0,
            sorted_at=NEVER,
            leaves_day=NEVER,
        )
        self._scan(rows, PICKED_UP, at)

    def _leave_closed(self, today: Today, table: RouteTable) -> Integers:
        """Parcels left at, or coming today to, a hub that is closed go on at once; returns how many were left at each hub."""
        parcels = self.parcels
        hub, arrives_at = parcels["hub"], parcels["arrives_at"]
        moved = np.flatnonzero((arrives_at < today.end) & (parcels["sorted_at"] == NEVER) & ~table.is_open[hub])
        was_there = arrives_at[moved] < today.start
        cleared = np.bincount(hub[moved[was_there]], minlength=len(table.is_open)).astype(np.int64)
        if len(moved):
            leaves = np.maximum(arrives_at[moved], today.start + _CLEARED)
            to = table.next_hub[hub[moved], table.depot_of_area[parcels["area"][moved]]]
            nothing = np.zeros(len(moved), dtype=bool)
            parcels["sorted_at"][moved] = leaves
            self._leave(today, moved, Departure(to=to, is_missort=nothing, is_reroute=~nothing), leaves, was_there)
        return cleared

    def _sort(self, today: Today, cleared: Integers) -> None:
        """Send the parcels that are there through their hubs' queues."""
        parcels, capacity = self.parcels, self._staffing.sort_cumulative
        here = np.flatnonzero((parcels["arrives_at"] < today.end) & (parcels["sorted_at"] == NEVER))
        hub, arrives_at = parcels["hub"][here], parcels["arrives_at"][here]
        comes = arrives_at >= today.start
        self._scan(here[comes & (parcels["hop"][here] > 0)], ARRIVED, arrives_at[comes & (parcels["hop"][here] > 0)])
        hubs, arrival = len(capacity), arrives_at - today.start
        served = serve(hub, arrival, parcels["number"][here], capacity, HOUR)
        is_done = served.finish != LEFT
        backlog = np.bincount(hub[~is_done], minlength=hubs)
        done = np.bincount(hub[is_done], minlength=hubs) + cleared
        self._staffing.record("sort", np.bincount(hub[comes], minlength=hubs), done, backlog)
        overflows = backlog > self.parameters.legs.overflow_days * np.maximum(capacity[:, -1], 1.0)
        self.waits.keep(today.number, capacity, ahead_at_knots(served, hub, arrival, capacity, HOUR), overflows, today.weather)
        rows = here[is_done]
        parcels["sorted_at"][rows] = today.start + served.finish[is_done]
        self._scan(rows, SORTED, parcels["sorted_at"][rows])
        nights = self.legs.nights(parcels["number"][rows], parcels["hop"][rows], hub[is_done])
        parcels["leaves_day"][rows] = today.number + nights

    def _end(self, today: Today, table: RouteTable) -> DepotArrivals:
        """Sorted parcels that are at the depot of their area are ready; the depot may have become theirs since they were sorted."""
        parcels = self.parcels
        depot = table.depot_of_area[parcels["area"]]
        is_over = (parcels["sorted_at"] != NEVER) & (parcels["hub"] == depot)
        over = np.flatnonzero(is_over)
        over = over[np.argsort(parcels["number"][over])]
        self._tell_ends(over)
        ready_at = np.maximum(parcels["sorted_at"][over], today.start)
        arrivals = DepotArrivals(parcels["number"][over], depot[over], parcels["area"][over], ready_at)
        parcels.keep(~is_over)
        return arrivals

    def _depart(self, today: Today, table: RouteTable) -> None:
        """The evening's lorries: on workdays of the hub's state, with the parcels whose turn it is."""
        parcels = self.parcels
        works = today.is_workday[self._network.hub_state]
        rows = np.flatnonzero((parcels["leaves_day"] <= today.number) & works[parcels["hub"]])
        number, hop, hub = parcels["number"][rows], parcels["hop"][rows], parcels["hub"][rows]
        sent = self._send(today, table, number, hop, hub, table.depot_of_area[parcels["area"][rows]])
        departed_at = self.legs.departs_at(today.start, number, hop)
        self._leave(today, rows, sent, departed_at, np.ones(len(rows), dtype=bool))

    def _send(self, today: Today, table: RouteTable, number: Integers, hop: Integers, hub: Integers, final: Integers) -> Departure:
        following = table.next_hub[hub, final]
        overflows = self.waits.overflows(np.full(len(hub), today.number), following)
        return self.legs.send(
            number,
            hop,
            following,
            table.alternate_hub[hub, final],
            overflows,
            table.neighbours[hub],
            table.neighbours_count[hub],
        )

    def _leave(self, today: Today, rows: Integers, sent: Departure, departed_at: Integers, was_there: Flags) -> None:
        """Parcels at positions ``rows`` set out; one that never came to its hub (closed meanwhile) is only turned round, without a scan."""
        parcels = self.parcels
        number, hop, hub = parcels["number"][rows], parcels["hop"][rows], parcels["hub"][rows]
        minutes = self.routes.minutes[hub, sent.to]
        ratio = self.legs.ratio(number, hop)
        state = self._network.hub_state
        weather = (today.weather[state[hub]] + today.weather[state[sent.to]]) / 2.0
        # Who leaves in the evening comes on a later day: a parcel is sorted once a day.
        earliest = np.where(departed_at - today.start >= LEAVES, today.end, departed_at)
        arrives_at = np.maximum(departed_at + travel_seconds(minutes, ratio, weather), earliest)
        queued = (parcels["sorted_at"][rows] - parcels["arrives_at"][rows]) / HOUR
        self._scan(rows[was_there], DEPARTED, departed_at[was_there], sent.to[was_there])
        self._tell(Trip(number, hop, hub, sent.to, departed_at, arrives_at, ratio, minutes, sent.is_missort, sent.is_reroute, queued))
        parcels["hub"][rows], parcels["arrives_at"][rows], parcels["hop"][rows] = sent.to, arrives_at, hop + 1
        parcels["sorted_at"][rows] = NEVER
        parcels["leaves_day"][rows] = NEVER

    def _scan(self, rows: Integers, event: int, at: Integers, following: Integers | None = None) -> None:
        """Note scans of the parcels at positions ``rows``; they are written all at once."""
        hop = self.parcels["hop"][rows]
        to = np.full(len(rows), -1, dtype=np.int64) if following is None else following
        events = np.full(len(rows), event, dtype=np.int64)
        scanned = (self.parcels["number"][rows], self.parcels["hub"][rows], events, at.copy(), network_ordinal(hop, event), to)
        self._scanned.append(scanned)

    def _record(self) -> None:
        number, hub, event, at, ordinal, to = (np.concatenate(parts) for parts in zip(*self._scanned, strict=True))
        self._scans.record(number, hub, event, at, ordinal, to)
        self.passed = Passed(number, hub, event, at, to, ordinal // 3)
        self._scanned = []

    def _tell(self, trip: Trip) -> None:
        names = self._network.hub_ids
        self._truth.append(
            "legs",
            {
                "parcel_id": columns.ids("x", trip.number),
                "hop": columns.integers(trip.hop),
                "from_hub_id": columns.words(trip.origin, names),
                "to_hub_id": columns.words(trip.to, names),
                "planned_minutes": columns.floats(trip.minutes),
                "ratio": columns.floats(trip.ratio),
                "departed_at": columns.instants(trip.departed_at),
                "arrived_at": columns.instants(trip.arrives_at),
                "is_missort": columns.booleans(trip.is_missort),
                "is_reroute": columns.booleans(trip.is_reroute),
                "queue_hours": columns.floats(trip.queue_hours),
            },
        )

    def _tell_ends(self, rows: Integers) -> None:
        """The visit of the final depot: a row without a leg."""
        nowhere, never = np.full(len(rows), -1, dtype=np.int64), np.full(len(rows), NEVER)
        unknown, nothing = np.full(len(rows), np.nan), np.zeros(len(rows), dtype=bool)
        parcels = self.parcels
        queued = (parcels["sorted_at"][rows] - parcels["arrives_at"][rows]) / HOUR
        number, hop, hub = parcels["number"][rows], parcels["hop"][rows], parcels["hub"][rows]
        self._tell(Trip(number, hop, hub, nowhere, never, never, unknown, unknown, nothing, nothing, queued))

    def arrays(self) -> Arrays:
        """What it carries from day to day."""
        waits = {f"waits.{name}": values for name, values in self.waits.arrays().items()}
        return {**self.parcels.arrays("parcels."), **waits}

    def restore(self, arrays: Arrays) -> None:
        """Go on from a checkpoint."""
        self.parcels.restore(arrays, "parcels.")
        self.waits.restore(arrays, "waits.")
