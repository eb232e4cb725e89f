"""Exact first-in-first-out queues with a capacity that varies over the day, for many hubs at once.

Work is counted in units (one parcel is one unit). ``cumulative[h, k]`` is how many units hub ``h`` could have done from the day's
start until its ``k``-th knot; between knots it grows linearly. A unit that arrives when the hub could have done ``w`` is finished
when the hub could have done ``D``: the Lindley recursion ``D_i = max(w_i, D_{i-1}) + 1`` (Lindley 1952) in the hub's own time, whose
solution is ``D_i = i + 1 + max_{j<=i} (w_j - j)``: a running maximum, so no loop over units is needed.

Work is rounded to 2^-20 units, which makes all sums exact: what happens at one hub never changes a bit at another.
"""

from dataclasses import dataclass

import numpy as np

from tradewind_simulator.streams import Floats, Integers

LEFT = np.int64(-1)
"""In place of the finish: not done on this day."""
_GRAIN = 2.0**20


@dataclass(frozen=True)
class Served:
    """What a day's queues did, aligned with the units as given."""

    finish: Integers
    """Seconds from the day's start until the unit was done, rounded up; ``LEFT`` where it was not."""
    order: Integers
    """Positions of the units in order of hub and turn."""
    work: Floats
    """``D`` of each unit: what its hub could have done when it was finished."""


def serve(hub: Integers, arrival: Integers, number: Integers, cumulative: Floats, knot_seconds: int) -> Served:
    """Serve the units of a day: by hub in order of arrival, then of ``number``.

    ``arrival`` is in seconds from the day's start (0 or less: already there); ``cumulative`` has the shape hubs × knots, begins
    with 0 and never falls; the last knot is the end of what can be done on this day.
    """
    exact = rounded(cumulative)
    order = np.lexsort((number, arrival, hub))
    hubs = hub[order]
    offered = work_at(exact, hubs, arrival[order], knot_seconds)
    turn = np.arange(len(order)) - np.searchsorted(hubs, hubs, side="left")
    apart = hubs * _apart(exact, len(order))
    done = np.maximum.accumulate(offered - turn + apart) - apart + turn + 1.0 if len(order) else offered
    work = np.empty(len(order))
    finish = np.empty(len(order), dtype=np.int64)
    work[order] = done
    finish[order] = instant_of(exact, hubs, done, knot_seconds)
    return Served(finish=finish, order=order.astype(np.int64), work=work)


def rounded(cumulative: Floats) -> Floats:
    """Work rounded down to the grain in which all sums are exact."""
    return np.floor(cumulative * _GRAIN) / _GRAIN


def work_at(cumulative: Floats, hub: Integers, seconds: Integers, knot_seconds: int) -> Floats:
    """How many units each hub could have done until ``seconds`` after the day's start; as before or after the day at its ends."""
    last = cumulative.shape[1] - 1
    place = np.clip(seconds / knot_seconds, 0.0, last)
    knot = np.minimum(place.astype(np.int64), last - 1)
    low = cumulative[hub, knot]
    return rounded(low + (cumulative[hub, knot + 1] - low) * (place - knot))


def instant_of(cumulative: Floats, hub: Integers, work: Floats, knot_seconds: int) -> Integers:
    """Seconds from the day's start at which each hub could have done ``work``, rounded up; ``LEFT`` where it is more than the day's."""
    knots = cumulative.shape[1]
    apart = _apart(cumulative, 0)
    line = (cumulative + np.arange(len(cumulative))[:, None] * apart).ravel()
    is_done = work <= cumulative[hub, -1]
    found = np.searchsorted(line, np.where(is_done, work, 0.0) + hub * apart, side="left") - hub * knots
    knot = np.clip(found - 1, 0, knots - 2)
    low, high = cumulative[hub, knot], cumulative[hub, knot + 1]
    part = np.clip((work - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    return np.where(is_done, np.ceil((knot + part) * knot_seconds).astype(np.int64), LEFT)


def ahead_at_knots(served: Served, hub: Integers, arrival: Integers, cumulative: Floats, knot_seconds: int) -> Floats:
    """Units ahead of one that would arrive at each knot (after those that arrive in the same second): hubs × knots."""
    hubs, knots = cumulative.shape
    span = np.int64(knots * knot_seconds + 1)
    exact = rounded(cumulative)
    keys = hub[served.order] * span + np.clip(arrival[served.order], 0, span - 1)
    at = np.arange(hubs)[:, None] * span + np.arange(knots) * knot_seconds
    last = np.searchsorted(keys, at, side="right") - 1
    first = np.searchsorted(keys, np.arange(hubs) * span, side="left")[:, None]
    work = np.append(served.work[served.order], 0.0)[last]
    return np.where(last >= first, np.maximum(work - exact, 0.0), 0.0)


def _apart(cumulative: Floats, units: int) -> float:
    """A power of two that is more than any work of a hub: what keeps hubs apart on one line without rounding."""
    most = float(cumulative[:, -1].max(initial=0.0)) + units + 1.0
    return float(2.0 ** np.ceil(np.log2(2.0 * most)))
