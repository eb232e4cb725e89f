"""Small joins without Feast: a table as a file, a view over it, a question, an answer."""

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tradewind_features.datasets import Dataset, open_path
from tradewind_features.offline.answering import Question
from tradewind_features.offline.engine import Limits
from tradewind_features.offline.entity_rows import from_frame
from tradewind_features.offline.joining import ViewJoin

STAMP = pa.timestamp("us", "UTC")
LIMITS = Limits("200MB", 1)


def at(day: int, hour: int = 0) -> dt.datetime:
    return dt.datetime(2024, 3, day, hour, tzinfo=dt.UTC)


def source_rows(rows: list[tuple[Any, ...]], names: tuple[str, ...] = ("k", "event", "created", "a")) -> pa.Table:
    """Rows of a source; instants as ``datetime``."""
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows])
    for name in ("event", "created"):
        if name in names:
            table = table.set_column(names.index(name), name, table[name].cast(STAMP))
    return table


def written(folder: Path, table: pa.Table, name: str = "rows.parquet", **options: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, **options)
    return path


def view(data: Path | Dataset, *, name: str = "v", keys: tuple[tuple[str, str], ...] = (("k", "k"),), features: tuple[str, ...] = ("a",),
         created: str | None = "created", ttl: dt.timedelta = dt.timedelta(0), known_at: bool = True) -> ViewJoin:  # fmt: skip
    dataset = data if isinstance(data, Dataset) else open_path(name, data)
    return ViewJoin(
        view=name, dataset=dataset, keys=keys, event="event", created=created, ttl_us=ttl // dt.timedelta(microseconds=1), known_at=known_at,
        features=tuple((f"{name}__{feature}", feature) for feature in features), order=tuple(sorted(features)),
    )  # fmt: skip


def question(rows: pd.DataFrame, *views: ViewJoin, limits: Limits = LIMITS, row_event_at: bool = False) -> Question:
    answer = [(name, index) for index, one in enumerate(views) for name, _ in one.features]
    return Question(from_frame(rows), list(views), answer, limits, row_event_at)


def asked(keys: list[Any], times: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"k": keys, "event_timestamp": pd.to_datetime(pd.Series(times), utc=True)})
