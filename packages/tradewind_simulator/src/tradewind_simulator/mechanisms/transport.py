"""The parcels between hand-over and the depot of their destination: queues at the hubs, legs between them, and what goes wrong.

A day: parcels of a closed hub are moved on; those that come today and those left over go through their hub's queue; of the sorted ones,
those at the depot of their destination are ready for the last mile, the others leave with the evening's departure.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.days import HOUR, NEVER
from tradewind_simulator.entities import Arrays, Entities
from tradewind_simulator.flows import DepotArrivals, Flags, HandOvers, Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.legs import Departure, LegParameters, Legs, travel_seconds
from tradewind_simulator.mechanisms.network import Network
from tradewind_simulator.mechanisms.queues import LEFT, ahead_at_knots, serve
from tradewind_simulator.mechanisms.route_tables import RouteTable, RouteTables
from tradewind_simulator.mechanisms.scans import ARRIVED, DEPARTED, PICKED_UP, SORTED, Scans, network_ordinal
from tradewind_simulator.mechanisms.staffing import Staffing
from tradewind_simulator.mechanisms.waits import QueueHistory
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


class Transport:
    """The network's parcels. ``waits`` remembers the queues of the last days."""

    def __init__(
        self, parameters: TransportParameters, surroundings: Surroundings, network: Network, staffing: Staffing, scans: Scans
    ) -> None:
        self.parameters = parameters
        self.routes = RouteTables(network)
        self.legs = Legs(parameters.legs, surroundings.streams.stream("legs"))
        self.parcels = Entities(hub=np.int64, area=np.int64, arrives_at=np.int64, hop=np.int64)
        hubs, knots = staffing.sort_cumulative.shape
        self.waits = QueueHistory(surroundings.days, hubs, knots, int(network.hub_state.max()) + 1)
        self._truth, self._network, self._staffing, self._scans = surroundings.truth, network, staffing, scans

    def step(self, today: Today, handovers: HandOvers) -> DepotArrivals:
        """Move the parcels through local day ``today``; returns those that are ready at their depot."""
        table = self.routes.on(today.number)
        self._take_over(handovers, table)
        cleared = self._leave_closed(today, table)
        here = np.flatnonzero(self.parcels["arrives_at"] < today.end)
        hub, arrives_at = self.parcels["hub"][here], self.parcels["arrives_at"][here]
        number, hop = self.parcels["number"][here], self.parcels["hop"][here]
        comes = arrives_at >= today.start
        off = comes & (hop > 0)
        self._scans.record(number[off], hub[off], ARRIVED, arrives_at[off], network_ordinal(hop[off], ARRIVED))
        finish = self._sort(today, hub, arrives_at - today.start, number, comes, cleared)
        done = np.flatnonzero(finish != LEFT)
        sorted_at = today.start + finish[done]
        self._scans.record(number[done], hub[done], SORTED, sorted_at, network_ordinal(hop[done], SORTED))
        queued = (sorted_at - arrives_at[done]) / HOUR
        return self._forward(today, table, here[done], sorted_at, queued)

    def _take_over(self, handovers: HandOvers, table: RouteTable) -> None:
        hub = table.depot_of_area[handovers.origin_area]
        self.parcels.add(number=handovers.number, hub=hub, area=handovers.destination_area, arrives_at=handovers.handed_over_at, hop=0)
        first = np.zeros(len(hub), dtype=np.int64)
        self._scans.record(handovers.number, hub, PICKED_UP, handovers.handed_over_at, network_ordinal(first, PICKED_UP))

    def _leave_closed(self, today: Today, table: RouteTable) -> Integers:
        """Parcels left at, or coming today to, a hub that is closed go on at once; returns how many were left at each hub."""
        hub, arrives_at = self.parcels["hub"], self.parcels["arrives_at"]
        moved = np.flatnonzero((arrives_at < today.end) & ~table.is_open[hub])
        left = moved[arrives_at[moved] < today.start]
        cleared = np.bincount(hub[left], minlength=len(table.is_open)).astype(np.int64)
        if len(moved):
            leaves = np.maximum(arrives_at[moved], today.start + _CLEARED)
            waited = np.maximum(leaves - arrives_at[moved], 0) / HOUR
            to = table.next_hub[hub[moved], table.depot_of_area[self.parcels["area"][moved]]]
            nothing = np.zeros(len(moved), dtype=bool)
            sent = Departure(to=to, is_missort=nothing, is_reroute=~nothing)
            self._leave(today, moved, sent, leaves, waited, arrives_at[moved] < today.start)
        return cleared

    def _sort(self, today: Today, hub: Integers, arrival: Integers, number: Integers, comes: Flags, cleared: Integers) -> Integers:
        """Send the parcels through their hubs' queues; returns when each is finished, in seconds of the day."""
        capacity = self._staffing.sort_cumulative
        hubs = len(capacity)
        served = serve(hub, arrival, number, capacity, HOUR)
        arrived = np.bincount(hub[comes], minlength=hubs)
        is_done = served.finish != LEFT
        backlog = np.bincount(hub[~is_done], minlength=hubs)
        self._staffing.record("sort", arrived, np.bincount(hub[is_done], minlength=hubs) + cleared, backlog)
        overflows = backlog > self.parameters.legs.overflow_days * np.maximum(capacity[:, -1], 1.0)
        ahead = ahead_at_knots(served, hub, arrival, capacity, HOUR)
        self.waits.keep(today.number, capacity, ahead, overflows, today.weather)
        return served.finish

    def _forward(self, today: Today, table: RouteTable, rows: Integers, sorted_at: Integers, queued: Floats) -> DepotArrivals:
        """Sorted parcels (positions ``rows``) leave in the evening, or are ready where they are."""
        parcels = self.parcels
        hub, area = parcels["hub"][rows], parcels["area"][rows]
        final = table.depot_of_area[area]
        ends = hub == final
        on, over = np.flatnonzero(~ends), np.flatnonzero(ends)
        self._tell_ends(rows[over], queued[over])
        ready = np.argsort(parcels["number"][rows[over]])
        over = over[ready]
        arrivals = DepotArrivals(parcels["number"][rows[over]].copy(), final[over], area[over], sorted_at[over])
        if len(on):
            goes = rows[on]
            number, hop = parcels["number"][goes], parcels["hop"][goes]
            sent = self._send(today, table, number, hop, hub[on], final[on])
            self._leave(today, goes, sent, self.legs.departs_at(today.start, number, hop), queued[on], np.ones(len(on), dtype=bool))
        keep = np.ones(len(parcels), dtype=bool)
        keep[rows[over]] = False
        parcels.keep(keep)
        return arrivals

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

    def _leave(self, today: Today, rows: Integers, sent: Departure, departed_at: Integers, queued: Floats, was_there: Flags) -> None:
        """Parcels at positions ``rows`` set out; one that never came to its hub (closed meanwhile) is only turned round, without a scan."""
        parcels = self.parcels
        number, hop, hub = parcels["number"][rows], parcels["hop"][rows], parcels["hub"][rows]
        minutes = self.routes.minutes[hub, sent.to]
        ratio = self.legs.ratio(number, hop)
        state = self._network.hub_state
        weather = (today.weather[state[hub]] + today.weather[state[sent.to]]) / 2.0
        arrives_at = departed_at + travel_seconds(minutes, ratio, weather)
        trip = Trip(number, hop, hub, sent.to, departed_at, arrives_at, ratio, minutes, sent.is_missort, sent.is_reroute, queued)
        self._scans.record(
            number[was_there],
            hub[was_there],
            DEPARTED,
            departed_at[was_there],
            network_ordinal(hop[was_there], DEPARTED),
            sent.to[was_there],
        )
        self._tell(trip)
        parcels["hub"][rows], parcels["arrives_at"][rows], parcels["hop"][rows] = sent.to, arrives_at, hop + 1

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

    def _tell_ends(self, rows: Integers, queued: Floats) -> None:
        """The visit of the final depot: a row without a leg."""
        nowhere = np.full(len(rows), -1, dtype=np.int64)
        never = np.full(len(rows), NEVER)
        unknown = np.full(len(rows), np.nan)
        nothing = np.zeros(len(rows), dtype=bool)
        number, hop, hub = self.parcels["number"][rows], self.parcels["hop"][rows], self.parcels["hub"][rows]
        self._tell(Trip(number, hop, hub, nowhere, never, never, unknown, unknown, nothing, nothing, queued))

    def arrays(self) -> Arrays:
        """What it carries from day to day."""
        waits = {f"waits.{name}": values for name, values in self.waits.arrays().items()}
        return {**self.parcels.arrays("parcels."), **waits}

    def restore(self, arrays: Arrays) -> None:
        """Go on from a checkpoint."""
        self.parcels.restore(arrays, "parcels.")
        self.waits.restore(arrays, "waits.")
