"""polars' `join_asof` with the same answer: on visible time, over the rows that raise the running maximum of (event, created).

What it lacks beside a store: a memory limit and spilling, one order for exact ties (the last in the file wins), and column types of
the views (it takes what the files hold).
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa

from tests.benchmarks.joined_worlds import World


def prepare(world: World, folder: Path) -> Callable[[pd.DataFrame], pa.Table]:
    return lambda entities: _join(world, entities)


def _join(world: World, entities: pd.DataFrame) -> pa.Table:
    rows = pl.from_pandas(entities).with_columns(pl.col("event_timestamp").dt.cast_time_unit("us")).sort("event_timestamp")
    for view, features in world.views.items():
        rows = _join_view(world, rows, view, features)
    return rows.sort("row").to_arrow(compat_level=pl.CompatLevel.oldest())


def _join_view(world: World, rows: pl.DataFrame, view: str, features: list[str]) -> pl.DataFrame:
    event, created = pl.col("_event"), pl.col("created_timestamp")
    seen = (
        pl.scan_parquet(world.files(view), hive_partitioning=False)
        .rename({"event_timestamp": "_event"})
        .filter(pl.col("merchant_id").is_not_null() & event.is_not_null() & created.is_not_null())
        .with_columns(pl.max_horizontal(event, created).alias("_visible"))
        .sort("_visible", "_event", "created_timestamp", maintain_order=True)
        .filter(event == event.cum_max().over("merchant_id"))
        .unique(["merchant_id", "_visible"], keep="last", maintain_order=True)
        .select("merchant_id", "_event", "_visible", *features)
        .collect()
    )
    joined = rows.join_asof(
        seen, left_on="event_timestamp", right_on="_visible", by="merchant_id", strategy="backward", check_sortedness=False
    )
    if world.shape.ttl_days:
        fresh = event >= pl.col("event_timestamp") - world.ttl
        joined = joined.with_columns(pl.when(fresh).then(pl.col(name)).alias(name) for name in features)
    return joined.drop("_event", "_visible", strict=False)
