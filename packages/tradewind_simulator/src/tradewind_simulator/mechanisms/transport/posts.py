"""Posts: the tasks at the sites. Sites are the fulfilment centres, then the floors of the hubs, in the order of the hubs."""

from dataclasses import dataclass

import numpy as np

from tradewind_contracts.tables import TABLES
from tradewind_simulator.streams import Integers

TASKS = TABLES["shifts_daily"].column("task").allowed
PICK, PACK, SORT, DELIVER = range(len(TASKS))
_LOCAL = 2
_PER_SITE = 8


@dataclass(frozen=True)
class Posts:
    """All posts, one position each, in order of site and task."""

    sites: int
    site: Integers
    task: Integers
    """Position in ``TASKS``."""
    hub: Integers
    """The hub that the site is, or ships through."""
    state: Integers
    key: Integers
    """Names the post for ever: hub and task, whatever the number of fulfilment centres."""


def make_posts(warehouse_hub: Integers, level: Integers, hub_state: Integers) -> Posts:
    """The posts of the fulfilment centres at ``warehouse_hub`` and of the hubs' floors; local depots (level 2) also deliver."""
    centres, hubs = len(warehouse_hub), len(level)
    local = np.flatnonzero(level == _LOCAL)
    site = np.concatenate([np.repeat(np.arange(centres), 2), centres + np.arange(hubs), centres + local])
    task = np.concatenate([np.tile([PICK, PACK], centres), np.full(hubs, SORT), np.full(len(local), DELIVER)])
    order = np.lexsort((task, site))
    site, task = site[order].astype(np.int64), task[order].astype(np.int64)
    hub = np.append(warehouse_hub, np.arange(hubs))[site].astype(np.int64)
    return Posts(sites=centres + hubs, site=site, task=task, hub=hub, state=hub_state[hub], key=hub * _PER_SITE + task)
