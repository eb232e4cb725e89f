"""Work at sites that take what is there first: places in a queue, and what came, was done and was left."""

from dataclasses import dataclass

import numpy as np

from tradewind_simulator.streams import Integers


@dataclass(frozen=True)
class Work:
    """A local day's work by site, in parcels: for the site's shift report."""

    arrived: Integers
    done: Integers
    backlog: Integers


def places(groups: Integers) -> Integers:
    """The place of each entry among those of its group, from 0; entries of a group stand together."""
    count = len(groups)
    begins = np.ones(count, dtype=bool)
    begins[1:] = groups[1:] != groups[:-1]
    first = np.maximum.accumulate(np.where(begins, np.arange(count), 0))
    return np.asarray(np.arange(count) - first, dtype=np.int64)
