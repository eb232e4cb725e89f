"""Our offline store, called through Feast."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from tests.benchmarks.contenders.through_feast import asking_feast
from tests.benchmarks.joined_worlds import World

TYPE = "tradewind_features.offline.store.PointInTimeOfflineStore"


def prepare(world: World, folder: Path) -> Callable[[pd.DataFrame], pa.Table]:
    ask = asking_feast(world, folder, {"type": TYPE}, lambda view: str(world.path(view)))
    return lambda entities: ask(entities).to_arrow()


def join_to_parquet(world: World, answer: Path, memory_limit: str, spill: Path) -> None:
    """All entity rows of a world with their features into a Parquet file; the limit is DuckDB's."""
    tables = {"entities": str(world.folder / "entities.parquet")}
    settings = {"type": TYPE, "memory_limit": memory_limit, "spill": str(spill), "tables": tables}
    ask = asking_feast(world, answer.with_suffix(".repository"), settings, lambda view: str(world.path(view)))
    ask("select * from entities").to_parquet(answer)
