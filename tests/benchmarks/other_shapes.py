"""The offline join over other shapes of data: where it gains most, where least. By hand, since it takes minutes:

.venv/bin/python -m pytest tests/benchmarks/other_shapes.py -m benchmark -s -q
"""

from pathlib import Path

import pytest

from tests.benchmarks.answers import compare
from tests.benchmarks.document import megabytes, rows_of, seconds, table, times, write_section
from tests.benchmarks.joined_worlds import Shape, World, make_world
from tests.benchmarks.machine import measured_on
from tests.benchmarks.measuring import in_fresh_process
from tests.benchmarks.test_offline_join import BY_HAND, CONTENDERS, FEASTS, OURS

pytestmark = pytest.mark.benchmark

ENTITY_ROWS, FEATURES = 100_000, 10
MOST_MULTIPLIED = 20_000_000
"""Chosen: above so many rows in the middle of its join, Feast's store takes minutes and all the memory, and is left out."""
SHAPES = {
    "as above": {},
    "keys are integers": {"integer_keys": True},
    "one file a day": {"by_day": True},
    "half of the rows late by up to 60 days": {"late_share": 0.5, "late_days": 60},
    "1 % exact ties": {"tied_share": 0.01},
    "daily rows": {"keys": 3_000, "every_hours": 24.0},
    "ttl of two days": {"ttl_days": 2},
    "no ttl": {"ttl_days": 0},
    "few keys, very many rows": {"keys": 20, "every_hours": 0.16},
    "many keys, few rows": {"keys": 275_000, "every_hours": 24.0 * 90},
}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from Linux's /proc")
def test_the_offline_join_over_other_shapes(scratch: Path) -> None:
    lines, differing = [], {}
    for number, (name, changes) in enumerate(SHAPES.items()):
        shape = Shape(name, features=FEATURES, entity_rows=ENTITY_ROWS, **changes)
        line, answer = _line(make_world(scratch / str(number), shape))
        lines.append(line)
        if answer != "same":
            differing[name] = answer
        print(name, line, flush=True)
    measured = [column for column in lines[0] if column not in {"shape", "Feast's answer"}]
    write_section("other-shapes", _explained(), table(lines, right=measured), measured_on(["duckdb", "feast", "pyarrow"]))
    assert differing == {}


def _line(world: World) -> tuple[dict[str, str], str]:
    multiplied = _multiplied(world.shape)
    found, answers = {}, {}
    for name in (OURS, BY_HAND, FEASTS):
        if name == FEASTS and multiplied > MOST_MULTIPLIED:
            continue
        answers[name] = world.folder / f"answer-{CONTENDERS[name]}.parquet"
        found[name] = in_fresh_process("contenders", CONTENDERS[name], world.to_json(), str(ENTITY_ROWS), str(answers[name]))["measurement"]
    ours, by_hand, feasts = found[OURS], found[BY_HAND], found.get(FEASTS)
    shape = world.shape
    line = {
        "shape": shape.name,
        "keys × rows of each": f"{rows_of(shape.keys)} × {rows_of(round(shape.days * 24 / shape.every_hours))}",
        "within the ttl": rows_of(round(multiplied / ENTITY_ROWS)),
        OURS: seconds(ours.seconds),
        "memory": megabytes(ours.peak_bytes),
        BY_HAND: seconds(by_hand.seconds),
        "of the time by hand": times(ours.seconds / by_hand.seconds),
        FEASTS: seconds(feasts.seconds) if feasts else "left out",
        "× Feast's time": times(feasts.seconds / ours.seconds) if feasts else "",
        "× Feast's memory": times(feasts.peak_bytes / ours.peak_bytes) if feasts else "",
        "Feast's answer": str(compare(answers[OURS], answers[FEASTS])) if feasts else "",
    }
    return line, str(compare(answers[BY_HAND], answers[OURS]))


def _multiplied(shape: Shape) -> int:
    """Rows in the middle of a join that pairs each entity row with all rows of its key within the ttl."""
    in_ttl = min(shape.ttl_days or shape.days / 2, shape.days / 2) * 24 / shape.every_hours
    return round(ENTITY_ROWS * max(in_ttl, 1))


def _explained() -> str:
    return (
        f"{rows_of(ENTITY_ROWS)} entity rows against one view of about 1.1 M rows × {FEATURES} columns; one turn each. *Within the ttl*: rows of a key that an"
        f" entity row could take, which Feast's store pairs it with; its store is left out where that gives more than {rows_of(MOST_MULTIPLIED)} rows."
        " Our answer is the one of the query by hand for each shape. Feast's differs where ties are exact: it takes any of them."
    )
