"""Reading the online store in process, while another process writes to it: our reader, and Feast's SDK on our store and on its own."""

import contextlib
import datetime as dt
import math
import statistics
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from feast import FeatureStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from tests.benchmarks import online_reads, online_writer
from tests.benchmarks.document import IMAGES, image, table, times, write_section
from tests.benchmarks.machine import measured_on
from tests.benchmarks.measuring import ROOT, command, in_fresh_process
from tests.benchmarks.online_reads import CHECKED, READER, RUNS
from tests.benchmarks.online_worlds import FEASTS, FILLED_AT, FIRST_DAY, OURS, OnlineWorld, key_of, make_sources, open_online, silent
from tests.benchmarks.plots import grid_of_bars

pytestmark = [pytest.mark.benchmark, pytest.mark.filterwarnings("ignore")]

ENTITIES = 50_000
NAMES = {READER: "Tradewind's reader", OURS: "Feast's SDK on our store", FEASTS: "Feast's SDK on its SQLite store"}
READS = {(READER, 1): 10_000, (READER, 100): 10_000, (OURS, 1): 1_000, (OURS, 100): 100, (FEASTS, 1): 1_000, (FEASTS, 100): 100}
"""Reads of a run, by contender and rows; Feast's SDK has fewer, since its 100 rows take so long."""


@dataclass(frozen=True)
class Answer:
    """Medians over the runs of the median and of the 99th percentile, in milliseconds, and the values of some keys."""

    contender: str
    rows: int
    p50: float
    p99: float
    values: list[list[float | None]]


def test_online_reads_beside_a_writer(scratch: Path) -> None:
    world = OnlineWorld(scratch / "world", online_reads.VIEWS, ENTITIES)
    make_sources(world)
    with silent():
        ours = open_online(OURS, world, scratch / "ours")
        ours.materialize(FIRST_DAY - dt.timedelta(days=1), FILLED_AT)
        feasts = open_online(FEASTS, world, scratch / "feasts")
    reference = _copy_to_feasts(ours, feasts, world)
    places = {OURS: scratch / "ours", FEASTS: scratch / "feasts"}
    found = []
    for contender, rows in READS:
        kind = FEASTS if contender == FEASTS else OURS
        found.append(_read(contender, kind, places[kind], rows))
        print(f"{NAMES[contender]}, {rows}: p50 {found[-1].p50:.3f} ms, p99 {found[-1].p99:.3f} ms", flush=True)
    plot = IMAGES / "bench_online_read.png"
    grid_of_bars([(f"{r} row{'s' * (r > 1)}", "milliseconds", _bars(found, r)) for r in (1, 100)], plot)
    caption = image(plot, "Milliseconds of a read, median and 99th percentile")
    write_section("online-read", _explained(), _table(found), caption, measured_on(["feast", "numpy"]))
    assert {NAMES[a.contender]: n for a in found if (n := _differing(a.values, reference))} == {}


def _copy_to_feasts(ours: FeatureStore, feasts: FeatureStore, world: OnlineWorld) -> list[list[float | None]]:
    """Put what our store holds into Feast's through Feast's own batch write, which its materialization ends in; values of the first keys."""
    keys = [key_of(number) for number in range(world.entities)]
    protos = [EntityKey(join_keys=["merchant_id"], entity_values=[Value(string_val=key)]) for key in keys]
    for view in world.features:
        held = ours._get_provider().online_store.online_read(ours.config, ours.get_feature_view(view), protos)
        rows = [(key, values, at, at) for key, (at, values) in zip(protos, held, strict=True) if values is not None]
        feasts._get_provider().online_store.online_write_batch(feasts.config, feasts.get_feature_view(view), rows, None)
    answer = ours.get_online_features(world.references, [{"merchant_id": key} for key in keys[:CHECKED]]).to_dict()
    return [list(row) for row in zip(*(answer[name.split(":")[1]] for name in world.references), strict=True)]


def _read(contender: str, kind: str, place: Path, rows: int) -> Answer:
    store = str(place / "online.db")
    with _writing(kind, store if kind == OURS else str(place)):
        told = in_fresh_process(
            "online_reads", contender, store if contender == READER else str(place), str(ENTITIES), str(rows), str(READS[contender, rows])
        )
    p50, p99 = (statistics.median(run[n] for run in told["runs"]) for n in (0, 1))
    return Answer(contender, rows, p50, p99, told["values"])


@contextlib.contextmanager
def _writing(kind: str, place: str) -> Iterator[None]:
    """Another process that writes to the store while the block runs."""
    started = command("online_writer", kind, place, str(ENTITIES))
    with subprocess.Popen(started, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        yield
        writer.stdin.close()
        batches = writer.stdout.read().strip()
    assert int(batches) > 0


def _differing(values: list[list[float | None]], reference: list[list[float | None]]) -> int:
    def same(a: float | None, b: float | None) -> bool:
        nothing = [value is None or math.isnan(value) for value in (a, b)]
        return all(nothing) or (not any(nothing) and a == b)

    return sum(not same(a, b) for row, other in zip(values, reference, strict=True) for a, b in zip(row, other, strict=True))


def _bars(found: list[Answer], rows: int) -> dict[str, dict[str, float]]:
    return {NAMES[a.contender]: {"p50": a.p50, "p99": a.p99} for a in found if a.rows == rows}


def _table(found: list[Answer]) -> str:
    lines = []
    for contender, name in NAMES.items():
        line = {"contender": name}
        for rows in (1, 100):
            of_rows = {a.contender: a for a in found if a.rows == rows}
            one, feasts, label = of_rows[contender], of_rows[FEASTS], f"{rows} row{'s' * (rows > 1)}"
            line |= {
                f"{label}, p50": f"{one.p50:.3f} ms",
                f"{label}, p99": f"{one.p99:.3f} ms",
                f"{label}, × Feast's p99": times(feasts.p99 / one.p99),
                f"{label}, reads": f"{RUNS} × {READS[contender, rows]:,}",
            }
        lines.append(line)
    return table(lines, right=[name for name in lines[0] if name != "contender"])


def _explained() -> str:
    return (
        f"{online_reads.VIEWS} views × {online_reads.FEATURES} numbers of {ENTITIES:,} entities; one row, or a hundred, of random keys, warm, in a process of"
        f" its own; medians over {RUNS} runs. Meanwhile another process writes {online_writer.ROWS} rows of each view {online_writer.PER_SECOND} times a"
        " second to the same store (ours through its backend, Feast's through Feast). The reader gives a matrix in the order asked, presence and ages;"
        f" Feast gives lists by feature and applies no ttl. All give the same values for {CHECKED} keys. Feast's store was filled with the same rows by its own batch"
        " write."
    )
