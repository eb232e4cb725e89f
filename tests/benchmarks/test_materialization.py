"""Materialization into our online store beside Feast's SQLite store: the first fill, and what came since."""

import datetime as dt
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from feast import FeatureStore

from tests.benchmarks.document import rows_of, seconds, table, times, write_section
from tests.benchmarks.machine import measured_on
from tests.benchmarks.online_reads import FEASTS, OURS
from tests.benchmarks.online_worlds import (
    ADDED_AT,
    DAYS,
    FEATURES,
    FILLED_AT,
    FIRST_DAY,
    OnlineWorld,
    add_new_rows,
    key_of,
    make_sources,
    open_online,
    silent,
)

pytestmark = [pytest.mark.benchmark, pytest.mark.filterwarnings("ignore")]

TURNS = [(1, 10_000, (OURS, FEASTS)), (3, 10_000, (OURS, FEASTS)), (1, 50_000, (OURS,)), (3, 50_000, (OURS,))]
"""Views, entities, and which stores: Feast's is left out where it would take minutes."""


@dataclass(frozen=True)
class Filled:
    """Seconds and CPU seconds of the first fill, seconds of the second, and how many of the new and of the late rows are served after it."""

    views: int
    entities: int
    kind: str
    seconds: float
    cpu_seconds: float
    second: float
    new: int
    served: int
    late: int
    late_served: int


def test_materialization_beside_feasts_sqlite_store(scratch: Path) -> None:
    found = []
    for views, entities, kinds in TURNS:
        world = OnlineWorld(scratch / f"{views}-{entities}", views, entities)
        make_sources(world)
        with silent():
            stores = {kind: open_online(kind, world, world.folder / f"store-{number}") for number, kind in enumerate(kinds)}
        first = {kind: _first(store) for kind, store in stores.items()}
        new = add_new_rows(world)
        for kind, store in stores.items():
            one = _second(world, kind, store, first[kind], new)
            found.append(one)
            print(f"{views} × {rows_of(entities)}: {kind} {seconds(one.seconds)}, then {seconds(one.second)}", flush=True)
    write_section("materialization", _explained(), _table(found), measured_on(["feast", "duckdb", "pyarrow"]))
    assert [f for f in found if f.kind == OURS and (f.served, f.late_served) != (f.new, f.late)] == []


def _first(store: FeatureStore) -> tuple[float, float]:
    with silent():
        began, cpu = time.perf_counter(), time.process_time()
        store.materialize(FIRST_DAY - dt.timedelta(days=1), FILLED_AT)
        return time.perf_counter() - began, time.process_time() - cpu


def _second(world: OnlineWorld, kind: str, store: FeatureStore, first: tuple[float, float], new: int) -> Filled:
    before = _served(store, world)
    with silent():
        began = time.perf_counter()
        store.materialize_incremental(ADDED_AT)
        taken = time.perf_counter() - began
    after = _served(store, world)
    changed = {number for number in before if before[number] != after[number]}
    late = set(world.late().tolist())
    return Filled(world.views, world.entities, kind, *first, taken, new, len(changed), len(late), len(changed & late))


def _served(store: FeatureStore, world: OnlineWorld) -> dict[int, float]:
    """The first feature of every key that has a new row, as it is served now."""
    numbers = [*world.late().tolist(), *world.forward().tolist()]
    answer = store.get_online_features(["v0:v0_f0"], [{"merchant_id": key_of(number)} for number in numbers]).to_dict()
    return dict(zip(numbers, answer["v0_f0"], strict=True))


def _table(found: list[Filled]) -> str:
    lines = []
    for one in found:
        rows = one.views * one.entities
        feasts = next((f for f in found if (f.views, f.entities, f.kind) == (one.views, one.entities, FEASTS)), None)
        lines.append(
            {
                "views × entities": f"{one.views} × {rows_of(one.entities)}",
                "store": one.kind,
                "first fill": seconds(one.seconds),
                "rows/s": f"{rows / one.seconds:,.0f}",
                "rows per CPU second": f"{rows / one.cpu_seconds:,.0f}",
                "× Feast's": times(feasts.seconds / one.seconds) if feasts else "",
                "second": seconds(one.second),
                "new rows served": f"{one.served} of {one.new}",
                "of them late": f"{one.late_served} of {one.late}",
            }
        )
    return table(lines, right=[name for name in lines[0] if name != "store"])


def _explained() -> str:
    return (
        f"Views of {FEATURES} numbers, published by day ({DAYS} days, one row a key and day): the first materialization has to find the newest row of"
        " each key and write it. Before the second, 1 % of the keys get a new row, half of them late: an event of a day that was already materialized,"
        " created after it. *Rows/s* counts rows written by the wall clock, two cores or not; *second* is the incremental run. Feast's SQLite store is"
        " measured up to 10 k entities."
    )
