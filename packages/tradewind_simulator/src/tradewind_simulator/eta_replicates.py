"""What else could have happened to a parcel from a state on, in the network as it truly was.

A *trajectory* is a parcel's remaining way drawn anew: each stage's own draws (approval, handling, nights, legs, missorts, attempts)
with a replicate's key, through the queues, overflows, weather, workdays and route plans that the network really had.
"""

from dataclasses import dataclass, replace

import numpy as np

from tradewind_simulator.days import HOUR, Days
from tradewind_simulator.flows import Flags
from tradewind_simulator.mechanisms.delivery.handling import Handling
from tradewind_simulator.mechanisms.delivery.last_mile import LastMile
from tradewind_simulator.mechanisms.delivery.round_history import Rest, RoundHistory
from tradewind_simulator.mechanisms.delivery.workdays import Workdays
from tradewind_simulator.mechanisms.places.network import Network
from tradewind_simulator.mechanisms.transport.legs import travel_seconds
from tradewind_simulator.mechanisms.transport.route_tables import RouteTable
from tradewind_simulator.mechanisms.transport.transport import Transport
from tradewind_simulator.streams import Floats, Integers, Stream

STATES = ("purchased", "approved", "picked_up", "arrived", "sorted", "departed", "out_for_delivery")
"""States that a way is continued from. ``picked_up`` and ``arrived``: at a hub, not sorted yet; ``departed``: on the road."""
PURCHASED, APPROVED, PICKED_UP, ARRIVED, SORTED, DEPARTED, OUT_FOR_DELIVERY = range(len(STATES))
_MOST_HOPS = 24
_UNKNOWN_WAIT = 12 * HOUR
_OPENS, _CUTOFF = 8 * HOUR, 17 * HOUR
_PACKED = 0


@dataclass(frozen=True)
class Trajectories:
    """Trajectories, aligned: where each stands and what of its parcel matters."""

    number: Integers
    replicate: Integers
    state: Integers
    at: Integers
    hub: Integers
    """Where it is, or has left last; -1 before it is handed over."""
    to: Integers
    """Where it is going, for those on the road; else -1."""
    hop: Integers
    order: Integers
    address: Integers
    origin_area: Integers
    area: Integers
    warehouse: Integers
    promised_at: Integers
    is_boleto: Flags
    median_hours: Floats
    spread: Floats
    load: Floats
    ready_at: Integers
    """Of those out for delivery: since when they were ready at the depot."""
    attempt: Integers
    """Number of the next attempt, from 1."""
    rounds: Integers
    """Rounds before."""

    def take(self, rows: Integers | Flags) -> "Trajectories":
        """Some of them."""
        return Trajectories(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})


@dataclass(frozen=True)
class World:
    """The mechanisms whose draws and whose past are asked."""

    days: Days
    workdays: Workdays
    network: Network
    handling: Handling
    transport: Transport
    last_mile: LastMile
    area_state: Integers
    stream: Stream


def delivered_at(world: World, ways: Trajectories, rounds: RoundHistory) -> Integers:
    """When each trajectory ends at the door; ``NEVER`` where the parcel goes back."""
    ways = _through_the_network(world, _handed_over(world, ways))
    is_out, day = ways.state == OUT_FOR_DELIVERY, world.days.of(ways.at)
    rest = Rest(
        number=ways.number,
        replicate=ways.replicate,
        depot=ways.hub,
        area=ways.area,
        address=ways.address,
        promised_at=ways.promised_at,
        ready_at=np.where(is_out, ways.ready_at, ways.at),
        earliest=np.where(is_out, day, day + 1),
        is_out=is_out,
        attempt=ways.attempt,
        rounds=ways.rounds,
    )
    return world.last_mile.delivered_at(rest, rounds)


def _handed_over(world: World, ways: Trajectories) -> Trajectories:
    """Bring those that are before the hand-over to their first hub."""
    at, hub, state = ways.at.copy(), ways.hub.copy(), ways.state.copy()
    rows = np.flatnonzero(ways.state == PURCHASED)
    if len(rows):
        some = ways.take(rows)
        at[rows] = world.handling.payments.approved_at(some.order, some.at, some.is_boleto, some.replicate)
    rows = np.flatnonzero(ways.state <= APPROVED)
    if len(rows):
        some = replace(ways.take(rows), at=at[rows])
        at[rows] = np.where(some.warehouse >= 0, _packed_at(world, some), _dropped_at(world, some))
        hub[rows] = _depots(world, world.days.of(at[rows]), some.origin_area)
        state[rows] = PICKED_UP
    return replace(ways, at=at, hub=hub, state=state)


def _dropped_at(world: World, ways: Trajectories) -> Integers:
    hours = world.handling.dispatch.hours(ways.number, ways.median_hours, ways.spread, ways.load, ways.replicate)
    return world.handling.dispatch.handed_over_at(ways.at, world.area_state[ways.origin_area], hours)


def _packed_at(world: World, ways: Trajectories) -> Integers:
    """Fulfilment centres hand over on the workday of the approval, or on the next one after the cut-off, whatever their queue."""
    states = world.area_state[ways.origin_area]
    day = world.days.of(ways.at)
    is_late = ways.at - world.workdays.starts(day) >= _CUTOFF
    day = world.workdays.at(world.workdays.before(day + is_late, states), states)
    start = world.workdays.starts(day)
    taken = (0.5 + 2.0 * world.stream.uniform(ways.number, ways.replicate, slot=_PACKED)) * HOUR
    return np.maximum(ways.at, start + _OPENS) + taken.astype(np.int64)


def _through_the_network(world: World, ways: Trajectories) -> Trajectories:
    """Bring all to the moment when they are sorted at the depot of their area."""
    at, hub, hop = ways.at.copy(), ways.hub.copy(), ways.hop.copy()
    road = np.flatnonzero(ways.state == DEPARTED)
    some = ways.take(road)
    day = world.days.of(some.at)
    at[road] = np.maximum(some.at + _travel(world, some, some.to, day), world.workdays.starts(day + 1))
    hub[road], hop[road] = some.to, some.hop + 1
    is_sorted = (ways.state == SORTED) | (ways.state == OUT_FOR_DELIVERY)
    at = np.where(is_sorted, at, _sorted_at(world, hub, at))
    rows = np.flatnonzero(ways.state != OUT_FOR_DELIVERY)
    for _ in range(_MOST_HOPS):
        day = world.days.of(at[rows])
        is_under_way = _depots(world, day, ways.area[rows]) != hub[rows]
        rows, day = rows[is_under_way], day[is_under_way]
        if not len(rows):
            break
        here = replace(ways.take(rows), at=at[rows], hub=hub[rows], hop=hop[rows])
        to, arrives = _send(world, here, day)
        at[rows], hub[rows], hop[rows] = _sorted_at(world, to, arrives), to, here.hop + 1
    return replace(ways, at=at, hub=hub, hop=hop)


def _sorted_at(world: World, hub: Integers, at: Integers) -> Integers:
    """When parcels that come to hubs are through the queues that there were; half a day where it is not known."""
    found = world.transport.waits.sorted_at(hub, at)
    return np.where(found >= 0, found, at + _UNKNOWN_WAIT)


def _send(world: World, here: Trajectories, day: Integers) -> tuple[Integers, Integers]:
    """Parcels sorted on ``day`` leave on an evening: where each is sent, and when it arrives."""
    transport, network = world.transport, world.network
    nights = transport.legs.nights(here.number, here.hop, here.hub, here.replicate)
    states = network.hub_state[here.hub]
    leaves = world.workdays.at(world.workdays.before(day + nights, states), states)
    to = _next(world, here, leaves)
    departed_at = transport.legs.departs_at(world.workdays.starts(leaves), here.number, here.hop, here.replicate)
    return to, np.maximum(departed_at + _travel(world, here, to, leaves), world.workdays.starts(leaves + 1))


def _travel(world: World, here: Trajectories, to: Integers, day: Integers) -> Integers:
    transport, state = world.transport, world.network.hub_state
    ratio = transport.legs.ratio(here.number, here.hop, here.replicate)
    weather = (transport.waits.weather(day, state[here.hub]) + transport.waits.weather(day, state[to])) / 2.0
    return travel_seconds(transport.routes.minutes[here.hub, to], ratio, weather)


def _next(world: World, here: Trajectories, day: Integers) -> Integers:
    """Where each is sent on the evening of ``day``."""
    to = np.zeros(len(day), dtype=np.int64)
    for table, rows in _by_table(world, day):
        some = here.take(rows)
        final = table.depot_of_area[some.area]
        following = table.next_hub[some.hub, final]
        sent = world.transport.legs.send(
            some.number,
            some.hop,
            following,
            table.alternate_hub[some.hub, final],
            world.transport.waits.overflows(day[rows], following),
            table.neighbours[some.hub],
            table.neighbours_count[some.hub],
            some.replicate,
        )
        to[rows] = sent.to
    return to


def _depots(world: World, day: Integers, area: Integers) -> Integers:
    depots = np.zeros(len(day), dtype=np.int64)
    for table, rows in _by_table(world, day):
        depots[rows] = table.depot_of_area[area[rows]]
    return depots


def _by_table(world: World, day: Integers) -> list[tuple[RouteTable, Integers]]:
    """The route plans of the days, each with the positions that it holds for."""
    if not len(day):
        return []
    routes, kinds = world.transport.routes, np.unique(day)
    epochs = np.array([routes.epoch(int(value)) for value in kinds])
    epoch = epochs[np.searchsorted(kinds, day)]
    first = {int(e): int(kinds[epochs == e][0]) for e in np.unique(epochs)}
    return [(routes.on(start), np.flatnonzero(epoch == e)) for e, start in first.items()]
