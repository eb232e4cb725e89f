"""Feast's own DuckDB store, told to leave out what was created after an entity row's instant."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from tests.benchmarks.contenders.through_feast import asking_feast
from tests.benchmarks.joined_worlds import World


def prepare(world: World, folder: Path) -> Callable[[pd.DataFrame], pa.Table]:
    ask = asking_feast(world, folder, {"type": "duckdb"}, world.files, filter_by_created_timestamp=True)
    return lambda entities: ask(entities).to_arrow()
