"""Our offline store beside Feast's DuckDB store, a DuckDB query written by hand, and polars: time, memory, and the same answer.

Each turn of a contender is a process of its own; turns are interleaved, so that a slow minute of the machine meets all alike. Feast's
store has one turn at each size, the others three at the largest; the medians count.
"""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.benchmarks.answers import Comparison, compare
from tests.benchmarks.document import IMAGES, image, megabytes, rows_of, seconds, table, times, write_section
from tests.benchmarks.joined_worlds import LAG_HOURS, Shape, World, make_world
from tests.benchmarks.machine import measured_on
from tests.benchmarks.measuring import Measurement, in_fresh_process
from tests.benchmarks.plots import grid_of_lines

pytestmark = pytest.mark.benchmark

OURS, FEASTS, BY_HAND = "Tradewind's store", "Feast's DuckDB store", "DuckDB by hand"
CONTENDERS = {OURS: "tradewind_store", BY_HAND: "handwritten_duckdb", "polars join_asof": "polars_asof", FEASTS: "feast_duckdb"}
CASES = {"(a) one view of 20 columns": Shape("a", views=1, features=20), "(b) five views of 10 columns": Shape("b", views=5, features=10)}
SIZES = {20_000: 1, 100_000: 1, 500_000: 3}
"""Entity rows, and how many turns a contender has (Feast's store always one)."""


@dataclass(frozen=True)
class Place:
    """What one contender took for one size of one case: medians of its turns, and its answer beside the one by hand."""

    case: str
    rows: int
    contender: str
    seconds: float
    cpu_seconds: float
    peak_bytes: float
    answer_bytes: int
    comparison: Comparison


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from Linux's /proc")
def test_the_offline_join_beside_feast_duckdb_and_polars(scratch: Path) -> None:
    found = [place for case, shape in CASES.items() for place in _case(case, make_world(scratch / shape.name, shape))]
    plot = IMAGES / "bench_offline_join.png"
    _draw(found, plot)
    write_section(
        "offline-join",
        _explained(),
        *(part for case in CASES for part in (f"### {case}", _table([p for p in found if p.case == case]))),
        image(plot, "Seconds and peak memory by entity rows"),
        measured_on(["duckdb", "feast", "polars", "pyarrow", "pandas"]),
    )
    assert {(p.case, p.rows, p.contender): str(p.comparison) for p in found if not p.comparison.is_same} == {}


def _case(case: str, world: World) -> Iterator[Place]:
    for rows, turns in SIZES.items():
        taken: dict[str, list[Measurement]] = {name: [] for name in CONTENDERS}
        answer_bytes: dict[str, int] = {}
        answers = {name: world.folder / f"answer-{module}.parquet" for name, module in CONTENDERS.items()}
        for turn in range(turns):
            for name, module in CONTENDERS.items():
                if name == FEASTS and turn:
                    continue
                told = in_fresh_process("contenders", module, world.to_json(), str(rows), str(answers[name]))
                one = told["measurement"]
                taken[name].append(one)
                answer_bytes[name] = told["answer_bytes"]
                print(f"{case}, {rows_of(rows)}: {name} {seconds(one.seconds)}, {megabytes(one.peak_bytes)}", flush=True)
        for name in CONTENDERS:
            yield Place(
                case=case,
                rows=rows,
                contender=name,
                seconds=statistics.median(one.seconds for one in taken[name]),
                cpu_seconds=statistics.median(one.cpu_seconds for one in taken[name]),
                peak_bytes=statistics.median(one.peak_bytes for one in taken[name]),
                answer_bytes=answer_bytes[name],
                comparison=compare(answers[BY_HAND], answers[name]),
            )


def _table(places: list[Place]) -> str:
    lines = []
    for place in places:
        by_name = {p.contender: p for p in places if p.rows == place.rows}
        ours, feasts, by_hand = by_name[OURS], by_name[FEASTS], by_name[BY_HAND]
        lines.append(
            {
                "entity rows": rows_of(place.rows),
                "contender": place.contender,
                "time": seconds(place.seconds),
                "CPU time": seconds(place.cpu_seconds),
                "peak memory": megabytes(place.peak_bytes),
                "× Feast's time": times(feasts.seconds / place.seconds),
                "× Feast's memory": times(feasts.peak_bytes / place.peak_bytes),
                "of the time by hand": times(place.seconds / by_hand.seconds),
                "answer": "" if place is by_hand else str(place.comparison),
            }
        )
    measured = ["entity rows", "time", "CPU time", "peak memory", "× Feast's time", "× Feast's memory", "of the time by hand"]
    return table(lines, right=measured) + f"\n\nThe largest answer itself is {megabytes(ours.answer_bytes)}."


def _draw(places: list[Place], path: Path) -> None:
    def lines(case: str, value: str, unit: float) -> Mapping[str, list[tuple[float, float]]]:
        return {n: [(p.rows, getattr(p, value) / unit) for p in places if (p.case, p.contender) == (case, n)] for n in CONTENDERS}

    panels = [
        [(f"{case}: time", "seconds", lines(case, "seconds", 1)), (f"{case}: peak memory", "MB", lines(case, "peak_bytes", 1e6))]
        for case in CASES
    ]
    grid_of_lines(panels, "entity rows", path)


def _explained() -> str:
    shape = CASES["(a) one view of 20 columns"]
    rows = World(Path(), shape).rows_per_view
    return (
        f"Each view is one Parquet file of {rows_of(rows)} rows: {shape.keys:,} keys (text) × {shape.days} days,"
        f" one row every {shape.every_hours:g} hours, created {LAG_HOURS} hours after its event; {shape.late_share:.0%} late by up to {shape.late_days} days,"
        f" {shape.corrected_share:.0%} corrected later (same event, newer created); ttl {shape.ttl_days} days; values random. Entity rows ask for random keys"
        f" at random seconds, {shape.unknown_share:.1%} for unknown keys. Known-at holds for all: a value counts only if event *and* created time are at or"
        " before the entity row's instant.\n\n"
        "Time runs from the entity rows as a pandas frame to the answer as an Arrow table in memory (`to_arrow()` of a retrieval). Peak memory is the most"
        " that a fresh process held, less what it held after imports and a warm-up on a tiny world; the entity rows' frame counts. *× Feast's* says how many"
        " times less than Feast's store took; *answer* compares all cells with the query written by hand (`tests/benchmarks/contenders`). Feast's store"
        f" multiplies entity rows by all rows of their key within the ttl (here {round(shape.ttl_days * 24 / shape.every_hours)}) before it picks one: ratios grow and shrink with that"
        " number, see [other shapes](#the-same-join-over-other-shapes-of-data)."
        " polars gives the same answer here, but has no memory limit, no spilling, no order for exact ties, and takes types as the files have them."
    )
