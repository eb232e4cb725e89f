"""The route plan as tables to be looked up: one set for each stretch of days between two changes of the network."""

from dataclasses import dataclass

import numpy as np

from tradewind_simulator.flows import Flags
from tradewind_simulator.mechanisms.places.geography import great_circle_km
from tradewind_simulator.mechanisms.places.network import Network
from tradewind_simulator.streams import Floats, Integers

_MINUTES_A_KM = 1.6
"""Where no lane links two hubs: 1.3 × the great circle at 50 km/h (chosen; happens only when a plan has no way)."""


@dataclass(frozen=True)
class RouteTable:
    """The plan of some days. Hubs are positions."""

    is_open: Flags
    depot_of_area: Integers
    next_hub: Integers
    """Hubs × final depots; where the plan has none, an open parent, else the final depot itself."""
    alternate_hub: Integers
    """Hubs × final depots; -1 none."""
    neighbours: Integers
    """Hubs × places: open hubs that a valid lane leads to, then -1."""
    neighbours_count: Integers


class RouteTables:
    """Tables by day, and the minutes of each pair of hubs."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._tables: dict[int, RouteTable] = {}
        self.minutes = _minutes(network)

    def epoch(self, day: int) -> int:
        """Number of the stretch of days that ``day`` lies in."""
        return self._network.epoch_number(day)

    def on(self, day: int) -> RouteTable:
        """The tables of local day ``day``."""
        epoch = self.epoch(day)
        if epoch not in self._tables:
            self._tables[epoch] = _table(self._network, day)
        return self._tables[epoch]


def _table(network: Network, day: int) -> RouteTable:
    is_open = network.is_open(day)
    hubs = np.arange(len(is_open))
    planned, final = network.next_hub(day), np.broadcast_to(hubs, (len(hubs), len(hubs)))
    parent = np.broadcast_to(network.parent[:, None], planned.shape)
    ahead = np.where(planned >= 0, planned, np.where((parent >= 0) & is_open[parent], parent, final))
    linked = network.is_valid(day) & is_open[None, :] & (hubs[:, None] != hubs[None, :])
    count = linked.sum(axis=1).astype(np.int64)
    neighbours = np.argsort(~linked, axis=1, kind="stable")[:, : max(int(count.max(initial=1)), 1)]
    places = np.arange(neighbours.shape[1])[None, :]
    return RouteTable(
        is_open=is_open,
        depot_of_area=network.depot_of_area(day),
        next_hub=ahead.astype(np.int64),
        alternate_hub=network.alternate_hub(day),
        neighbours=np.where(places < count[:, None], neighbours, -1).astype(np.int64),
        neighbours_count=count,
    )


def _minutes(network: Network) -> Floats:
    lat, lng = network.hub_lat, network.hub_lng
    km = great_circle_km(lat[:, None], lng[:, None], lat[None, :], lng[None, :])
    return np.where(np.isfinite(network.planned_minutes), network.planned_minutes, 60.0 + km * _MINUTES_A_KM)
