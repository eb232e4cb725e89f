"""Five million entity rows against a hundred million feature rows, within a memory limit. By hand, since it takes minutes and gigabytes:

.venv/bin/python -m pytest tests/benchmarks/large_join.py -m benchmark -s -q
"""

from pathlib import Path

import pytest

from tests.benchmarks.answers import compare
from tests.benchmarks.document import megabytes, rows_of, seconds, table, times, write_section
from tests.benchmarks.joined_worlds import Shape, make_world
from tests.benchmarks.machine import measured_on
from tests.benchmarks.measuring import in_fresh_process
from tests.benchmarks.test_offline_join import BY_HAND, CONTENDERS, OURS

pytestmark = pytest.mark.benchmark

SHAPE = Shape(
    "large",
    features=10,
    keys=273_000,
    days=365,
    every_hours=24.0,
    entity_rows=5_000_000,
    by_day=True,
    distinct_values=256,
    corrected_share=0.005,
)
MEMORY_LIMIT = "4GB"
"""DuckDB's; the rest of the 8 GB that the whole process may take is for the entity rows, the places found and the file being written."""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from Linux's /proc")
def test_a_hundred_million_rows_are_joined_within_a_memory_limit(scratch: Path) -> None:
    world = make_world(scratch / "large", SHAPE)
    source = sum(path.stat().st_size for path in world.path("v0").rglob("*.parquet"))
    told, answers = {}, {}
    for name in (OURS, BY_HAND):
        answers[name] = scratch / f"answer-{CONTENDERS[name]}.parquet"
        told[name] = in_fresh_process("contenders.streaming", CONTENDERS[name], world.to_json(), MEMORY_LIMIT, str(answers[name]))
        print(name, told[name], flush=True)
    by_hand = told[BY_HAND]["measurement"]
    comparison = compare(answers[BY_HAND], answers[OURS])
    lines = [
        {
            "contender": name,
            "time": seconds(found["measurement"].seconds),
            "CPU time": seconds(found["measurement"].cpu_seconds),
            "of the time by hand": times(found["measurement"].seconds / by_hand.seconds),
            "peak memory": megabytes(found["measurement"].peak_bytes + found["measurement"].base_bytes),
            "of it imports": megabytes(found["measurement"].base_bytes),
            "spilled to disk at most": megabytes(found["spilled_bytes"]),
            "answer": megabytes(found["answer_bytes"]),
        }
        for name, found in told.items()
    ]
    explained = (
        f"{rows_of(SHAPE.entity_rows)} entity rows against one view of {rows_of(world.rows_per_view)} rows × {SHAPE.features} columns, {SHAPE.days} daily files"
        f" ({megabytes(source)}; each feature has {SHAPE.distinct_values} distinct values, which keeps the files small), {rows_of(SHAPE.keys)} text keys, ttl"
        f" {SHAPE.ttl_days} days. Entity rows are read from Parquet (our store: by an SQL string), the answer is written to Parquet. DuckDB's memory limit is"
        f" {MEMORY_LIMIT} for both; peak memory is the whole process's. Our answer beside the one by hand: {comparison}."
    )
    write_section(
        "large-join",
        explained,
        table(lines, right=[name for name in lines[0] if name != "contender"]),
        measured_on(["duckdb", "feast", "pyarrow"]),
    )
    assert comparison.is_same
