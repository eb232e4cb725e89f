"""How many hubs of which kind a parcel passes by plan: what a planner expects of each sort floor before it has seen a parcel."""

import numpy as np

from tradewind_simulator.streams import Floats, Integers

_MOST_HOPS = 12


def visits(next_hub: Integers, origin_share: Floats, destination_share: Floats) -> Floats:
    """Mean visits of each hub by a parcel, when origin and final depots are drawn apart with the shares given (each sums to 1).

    ``next_hub[at, final]`` is the planned route, -1 at the end of it.
    """
    flow = origin_share[:, None] * destination_share[None, :]
    visited = np.zeros(len(next_hub))
    for _ in range(_MOST_HOPS):
        visited += flow.sum(axis=1)
        at, final = np.nonzero((flow > 0) & (next_hub >= 0))
        moved = np.zeros_like(flow)
        np.add.at(moved, (next_hub[at, final], final), flow[at, final])
        flow = moved
        if not len(at):
            break
    return visited
