"""Routes: the quickest planned way from every hub to every depot over the lanes that are valid, and the next best one."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from tradewind_simulator.streams import Floats, Integers

NO_HUB = -1
_TRANSIT = 1e6
"""Minutes that entering a depot costs the planner: each way enters one, its last; none passes through another."""


@dataclass(frozen=True)
class RoutePlan:
    """The plan while a set of lanes is valid; [at, final depot] throughout."""

    next_hub: Integers
    """The next hub on the way; -1 where the parcel is there, the end is no depot, or no way leads."""
    alternate_hub: Integers
    """The next hub of the best way that begins with another lane and does not come back; -1 where there is none."""
    planned_days: Floats
    """Local days from a departure to the arrival at the depot: one hub a day, each leg at least one day; NaN without a way."""


def plan(minutes: Floats, is_depot: npt.NDArray[np.bool_], hub_minutes: float, leg_days: Floats) -> RoutePlan:
    """Shortest planned time (Dijkstra, by scipy) with ``hub_minutes`` for each hub on the way.

    ``minutes`` [H, H] is NaN where no lane may be used; ``leg_days`` [H, H] are the days that each lane takes.
    """
    cost = np.where(np.isnan(minutes), np.inf, minutes + hub_minutes) + np.where(is_depot, _TRANSIT, 0.0)
    linked = np.isfinite(cost)
    rows, ends = np.nonzero(linked)
    graph = csr_array((cost[rows, ends], (rows, ends)), shape=cost.shape)
    # By destination, on the reversed graph: the predecessor of a hub is then the next hub of its way.
    distance, towards = dijkstra(graph.T, directed=True, return_predecessors=True)
    to_go = np.where(distance.T < 2 * _TRANSIT, distance.T, np.inf)
    next_hub = np.where(is_depot[np.newaxis, :] & np.isfinite(to_go), towards.T, NO_HUB).astype(np.int64)
    np.fill_diagonal(next_hub, NO_HUB)
    return RoutePlan(next_hub, _alternates(cost, to_go, next_hub, is_depot), _days(next_hub, leg_days, is_depot))


def _alternates(cost: Floats, to_go: Floats, next_hub: Integers, is_depot: npt.NDArray[np.bool_]) -> Integers:
    """For each hub, its best first lane other than the planned one, over ends whose way from there does not return."""
    count = len(cost)
    alternate = np.full((count, count), NO_HUB, dtype=np.int64)
    ends = np.arange(count)
    for at in range(count):
        via = np.flatnonzero(np.isfinite(cost[at]))
        if len(via) < 2:
            continue
        onward = to_go[via]
        total = cost[at, via][:, np.newaxis] + onward
        returns = np.isfinite(onward) & (to_go[via, at][:, np.newaxis] + to_go[at] <= onward + 1e-6)
        through_depot = is_depot[via][:, np.newaxis] & (via[:, np.newaxis] != ends)
        total[returns | through_depot | (via[:, np.newaxis] == next_hub[at])] = np.inf
        best = np.argmin(total, axis=0)
        found = np.isfinite(total[best, ends]) & (next_hub[at] >= 0)
        alternate[at] = np.where(found, via[best], NO_HUB)
    return alternate


def _days(next_hub: Integers, leg_days: Floats, is_depot: npt.NDArray[np.bool_]) -> Floats:
    count = len(next_hub)
    ends = np.broadcast_to(np.arange(count), (count, count))
    at = np.ascontiguousarray(ends.T)
    total = np.zeros((count, count))
    while True:
        moving = (at != ends) & is_depot[np.newaxis, :] & ~np.isnan(total)
        if not moving.any():
            return np.where(is_depot[np.newaxis, :], total, np.nan)
        following = next_hub[at, ends]
        leg = np.where(following >= 0, leg_days[at, following], np.nan)
        total = np.where(moving, total + leg, total)
        at = np.where(moving & (following >= 0), following, at)
