"""Our offline store, called through Feast."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from tests.benchmarks.contenders.through_feast import asking_feast
from tests.benchmarks.joined_worlds import World

TYPE = "tradewind_features.offline.store.PointInTimeOfflineStore"


def prepare(world: World, folder: Path) -> Callable[[pd.DataFrame], pa.Table]:
    return asking_feast(world, folder, {"type": TYPE}, lambda view: str(world.path(view)))
