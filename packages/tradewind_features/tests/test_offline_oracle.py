"""The store's join against the oracle, over whatever Hypothesis thinks of."""

import datetime as dt
import itertools
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import OracleView

from tradewind_features.datasets import open_path, partition_name
from tradewind_features.offline.answering import Question
from tradewind_features.offline.engine import Limits
from tradewind_features.offline.entity_rows import from_arrow, from_frame
from tradewind_features.offline.joining import ViewJoin

HOUR, DAY = 3600 * 10**6, 24 * 3600 * 10**6
CLOCK_CHANGE = 1_541_304_000 * 10**6  # 2018-11-04 04:00 UTC: São Paulo went to summer time an hour before
GRID = [CLOCK_CHANGE + step for step in (-2 * DAY, -DAY, -HOUR - 1, -HOUR, -1, 0, 1, HOUR, DAY, DAY + 1, 2 * DAY)]
FOLDERS = itertools.count()
LIMITS = Limits("200MB", 1)

instants = st.sampled_from(GRID)
stamps = st.sampled_from([("us", None), ("us", "UTC"), ("ms", "UTC"), ("ns", None), ("ns", "UTC")])
layouts = st.sampled_from(["file", "partitions", "files", "a column short"])


@st.composite
def views(draw: st.DrawFn, keys: tuple[str, ...], kinds: dict[str, str]) -> SimpleNamespace:
    """A view: its rows in microseconds, how they are kept, and what the oracle says of them."""
    event, created = draw(stamps), draw(stamps)
    names = ("a", "b")
    row = st.fixed_dictionaries(
        {key: st.none() | _key_values(kinds[key]) for key in keys}
        | {"event": st.none() | instants | instants, "created": st.none() | instants | instants | instants}
        | {name: st.none() | st.integers(0, 2) for name in names}
    )
    rows = draw(st.lists(row, max_size=12))
    beyond = draw(st.integers(0, 999)) if event[0] == "ns" else 0
    for one in rows:
        one["event"] = _kept(one["event"], event, beyond)
        one["created"] = _kept(one["created"], created, 0)
    return SimpleNamespace(
        rows=rows, keys=keys, names=names, kinds=kinds, event=event, created=created, layout=draw(layouts),
        ttl=draw(st.sampled_from([0, 1, HOUR, DAY])), known_at=draw(st.booleans()), has_created=draw(st.booleans()),
    )  # fmt: skip


def _key_values(kind: str) -> st.SearchStrategy[Any]:
    return st.integers(0, 2) if kind != "text" else st.sampled_from(["m", "n", ""])


def _kept(instant: int | None, stamp: tuple[str, str | None], beyond: int) -> int | None:
    """An instant in nanoseconds as a column of this type holds it."""
    if instant is None:
        return None
    return instant // 1000 * 1000 * 1000 if stamp[0] == "ms" else instant * 1000 + beyond


@st.composite
def cases(draw: st.DrawFn) -> SimpleNamespace:
    """Entity rows, and one to three views with keys of their own."""
    kinds = {"k": draw(st.sampled_from(["int64", "int32", "text"])), "l": "int64"}
    sets = st.sampled_from([("k",), ("l",), ("k", "l"), ()])
    asked = [draw(views(draw(sets), kinds)) for _ in range(draw(st.integers(1, 3)))]
    row = st.tuples(st.none() | _key_values(kinds["k"]), st.none() | st.integers(0, 2), st.none() | instants | instants | instants)
    rows = draw(st.lists(row, max_size=8))
    return SimpleNamespace(
        views=asked,
        rows=rows,
        kinds=kinds,
        beyond=draw(st.sampled_from([0, 0, 1, 500])),
        frame=draw(st.sampled_from(FRAMES)),
        threads=draw(st.sampled_from([1, 2])),
    )


FRAMES = ["naive", "UTC", "America/Sao_Paulo", "us", "texts", "objects", "arrow"]


def entity_rows(case: SimpleNamespace) -> tuple[Any, list[int | None]]:
    """The frame as a person would make it, and the instants in nanoseconds that it says."""
    beyond = 0 if case.frame in ("us", "texts", "objects") else case.beyond
    times = [None if t is None else t * 1000 + beyond for _, _, t in case.rows]
    table = pa.table(
        {"n": np.arange(len(times)), "k": pa.array([k for k, _, _ in case.rows], pa.string() if case.kinds["k"] == "text" else pa.int64()),
         "l": pa.array([one for _, one, _ in case.rows], pa.int64()), "event_timestamp": pa.array(times, pa.timestamp("ns", "UTC"))}
    )  # fmt: skip
    if case.frame == "arrow":
        return from_arrow(table), times
    frame = table.to_pandas()
    shape = {
        "naive": lambda stamps: stamps.dt.tz_localize(None), "UTC": lambda stamps: stamps,
        "America/Sao_Paulo": lambda stamps: stamps.dt.tz_convert("America/Sao_Paulo"), "us": lambda stamps: stamps.dt.as_unit("us"),
        "texts": lambda stamps: stamps.map(lambda t: None if t is pd.NaT else t.isoformat()).astype(object),
        "objects": lambda stamps: pd.Series([None if t is pd.NaT else t.to_pydatetime() for t in stamps], dtype=object),
    }[case.frame]  # fmt: skip
    return from_frame(frame.assign(event_timestamp=shape(frame["event_timestamp"]))), times


def write(view: SimpleNamespace, folder: Path, order: Sequence[int]) -> Path:
    """Keep the view's rows as its layout says, in the order given."""
    key = {"int64": pa.int64(), "int32": pa.int32(), "text": pa.string()}
    schema = pa.schema(
        [(name, key[view.kinds[name]]) for name in view.keys]
        + [("event", pa.timestamp(*view.event)), ("created", pa.timestamp(*view.created)), ("a", pa.int64()), ("b", pa.int32())]
    )
    per = {
        name: 10**6 if kind[0] == "ms" else 1000 if kind[0] == "us" else 1
        for name, kind in (("event", view.event), ("created", view.created))
    }

    def table(rows: list[dict[str, Any]]) -> pa.Table:
        columns = {
            name: [row[name] if row[name] is None or name not in per else row[name] // per[name] for row in rows] for name in schema.names
        }
        return pa.table({name: pa.array(values, schema.field(name).type) for name, values in columns.items()}, schema=schema)

    rows = [view.rows[index] for index in order]
    folder.mkdir(parents=True)
    if view.layout == "file":
        pq.write_table(table(rows), folder / "rows.parquet", row_group_size=2)
        return folder / "rows.parquet"
    split: dict[str, list[dict[str, Any]]] = {"rest": []}
    for index, row in enumerate(rows):
        day = None if row["event"] is None else dt.datetime.fromtimestamp(row["event"] // 10**9, dt.UTC).date()
        name = (
            partition_name(day)
            if view.layout == "partitions" and day is not None
            else f"part{index % 3}"
            if view.layout != "partitions"
            else "rest"
        )
        split.setdefault(name, []).append(row)
    for index, (name, some) in enumerate(sorted(split.items())):
        (folder / name).mkdir()
        kept = table(some)
        if view.layout == "a column short" and all(row["b"] is None for row in some) and name != "rest":
            kept = kept.drop_columns(["b"])
        pq.write_table(kept, folder / name / f"{index}.parquet")
    return folder


def plan(view: SimpleNamespace, path: Path, number: int) -> ViewJoin:
    return ViewJoin(
        view=f"v{number}", dataset=open_path(f"v{number}", path), keys=tuple((key, key) for key in view.keys), event="event",
        created="created" if view.has_created else None, ttl_us=view.ttl, known_at=view.known_at,
        features=tuple((f"v{number}__{name}", name) for name in view.names), order=tuple(sorted(view.names)),
    )  # fmt: skip


def ask(case: SimpleNamespace, folder: Path, backwards: bool = False, limits: Limits = LIMITS) -> pa.Table:
    rows, _ = entity_rows(case)
    plans = []
    for number, view in enumerate(case.views):
        order = range(len(view.rows))[::-1] if backwards else range(len(view.rows))
        plans.append(plan(view, write(view, folder / str(number), order), number))
    answer = [(name, number) for number, one in enumerate(plans) for name, _ in one.features]
    return Question(rows, plans, answer, limits, row_event_at=True).features()


@settings(max_examples=60)
@given(case=cases())
def test_every_entity_row_sees_what_the_oracle_says(case: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp() / f"oracle{next(FOLDERS)}"
    found = ask(case, folder / "forwards", limits=Limits("200MB", case.threads))
    _, times = entity_rows(case)
    assert found.num_rows == len(case.rows)
    for number, view in enumerate(case.views):
        oracle = OracleView(view.rows, view.keys, view.names, view.ttl * 1000, view.known_at, view.has_created)
        for row, ((k, one, _), t) in enumerate(zip(case.rows, times, strict=True)):
            seen = oracle.seen([{"k": k, "l": one}[key] for key in view.keys], t)
            wanted = {f"v{number}__{name}": seen[name] if seen else None for name in view.names}
            assert {name: found[name][row].as_py() for name in wanted} == wanted, (number, row)
            at = found[f"v{number}__row_event_at"].cast(pa.int64())[row].as_py()
            assert at == (seen["event"] // 1000 if seen else None)
    assert ask(case, folder / "backwards", backwards=True).equals(found)
