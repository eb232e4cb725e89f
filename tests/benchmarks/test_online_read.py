"""Reading the online store in process, while another process writes to it: our reader, and Feast's SDK on our store and on its own."""

import contextlib
import datetime as dt
import math
import statistics
import subprocess
from collections.abc import Iterator, Mapping
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
from tests.benchmarks.online_reads import CHECKED, FEAST, FEASTS, FEASTS_ON_REDIS, OURS, OURS_ON_REDIS, READER, RUNS, SERVER
from tests.benchmarks.online_worlds import FILLED_AT, FIRST_DAY, OnlineWorld, key_of, make_sources, open_online, silent
from tests.benchmarks.plots import grid_of_bars

pytestmark = [pytest.mark.benchmark, pytest.mark.filterwarnings("ignore")]

ENTITIES = 50_000


@dataclass(frozen=True)
class Contender:
    """How a store of some kind is read, and how many reads of one and of a hundred rows a run has: as many as take seconds."""

    name: str
    how: str
    kind: str
    reads: Mapping[int, int]


CONTENDERS = [
    Contender("Tradewind's reader", READER, OURS, {1: 10_000, 100: 2_000}),
    Contender("Feast's SDK on our store", FEAST, OURS, {1: 1_000, 100: 50}),
    Contender("Feast's SDK on its SQLite store", FEAST, FEASTS, {1: 1_000, 100: 50}),
    Contender("Tradewind's reader, Redis", READER, OURS_ON_REDIS, {1: 2_000, 100: 500}),
    Contender("Feast's SDK on its Redis store", FEAST, FEASTS_ON_REDIS, {1: 1_000, 100: 50}),
]
ON_REDIS = {OURS_ON_REDIS, FEASTS_ON_REDIS}


@dataclass(frozen=True)
class Answer:
    """Medians over the runs of the median and of the 99th percentile, in milliseconds, and the values of some keys."""

    contender: Contender
    rows: int
    p50: float
    p99: float
    values: list[list[float | None]]


def test_online_reads_beside_a_writer(scratch: Path) -> None:
    world = OnlineWorld(scratch / "world", online_reads.VIEWS, ENTITIES)
    make_sources(world)
    contenders = [one for one in CONTENDERS if one.kind not in ON_REDIS or _redis_answers()]
    kinds = dict.fromkeys(one.kind for one in contenders)
    with contextlib.ExitStack() as cleaning:
        with silent():
            stores = {kind: open_online(kind, world, scratch / f"store-{number}") for number, kind in enumerate(kinds)}
            for kind in ON_REDIS & kinds.keys():
                cleaning.callback(stores[kind].teardown)
            for kind in kinds.keys() & {OURS, OURS_ON_REDIS}:
                stores[kind].materialize(FIRST_DAY - dt.timedelta(days=1), FILLED_AT)
            for kind in kinds.keys() & {FEASTS, FEASTS_ON_REDIS}:
                _copy(stores[OURS], stores[kind], world)
        reference = _values(stores[OURS], world)
        found: list[Answer] = []
        for one in contenders:
            found += _read(one, Path(stores[one.kind].config.repo_path))
            print(
                ", ".join(f"{a.contender.name}, {a.rows}: p50 {a.p50:.3f} ms, p99 {a.p99:.3f} ms" for a in found[-len(one.reads) :]),
                flush=True,
            )
    plot = IMAGES / "bench_online_read.png"
    grid_of_bars([(f"{r} row{'s' * (r > 1)}", "milliseconds", _bars(found, r)) for r in (1, 100)], plot)
    caption = image(plot, "Milliseconds of a read, median and 99th percentile")
    write_section(
        "online-read", _explained(len(contenders) < len(CONTENDERS)), _table(found), caption, measured_on(["feast", "numpy", "redis"])
    )
    assert {a.contender.name: n for a in found if (n := _differing(a.values, reference))} == {}


def _redis_answers() -> bool:
    import redis

    with contextlib.closing(redis.Redis.from_url(SERVER, socket_connect_timeout=1)) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def _copy(ours: FeatureStore, theirs: FeatureStore, world: OnlineWorld) -> None:
    """Put what our store holds into Feast's through Feast's own batch write, which its materialization ends in."""
    protos = [EntityKey(join_keys=["merchant_id"], entity_values=[Value(string_val=key_of(n))]) for n in range(world.entities)]
    for view in world.features:
        held = ours._get_provider().online_store.online_read(ours.config, ours.get_feature_view(view), protos)
        rows = [(key, values, at, at) for key, (at, values) in zip(protos, held, strict=True) if values is not None]
        theirs._get_provider().online_store.online_write_batch(theirs.config, theirs.get_feature_view(view), rows, None)


def _values(store: FeatureStore, world: OnlineWorld) -> list[list[float | None]]:
    """All features of the first keys, by Feast's SDK."""
    answer = store.get_online_features(world.references, [{"merchant_id": key_of(number)} for number in range(CHECKED)]).to_dict()
    return [list(row) for row in zip(*(answer[name.split(":")[1]] for name in world.references), strict=True)]


def _read(contender: Contender, folder: Path) -> list[Answer]:
    asked = [f"{rows}:{reads}" for rows, reads in contender.reads.items()]
    with _writing(contender.kind, folder):
        told = in_fresh_process("online_reads", contender.how, contender.kind, str(folder), str(ENTITIES), *asked)
    answers = []
    for rows in contender.reads:
        p50, p99 = (statistics.median(run[n] for run in told["runs"][str(rows)]) for n in (0, 1))
        answers.append(Answer(contender, rows, p50, p99, told["values"]))
    return answers


@contextlib.contextmanager
def _writing(kind: str, folder: Path) -> Iterator[None]:
    """Another process that writes to the store while the block runs."""
    started = command("online_writer", kind, str(folder), str(ENTITIES))
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
    return {a.contender.name: {"p50": a.p50, "p99": a.p99} for a in found if a.rows == rows}


def _table(found: list[Answer]) -> str:
    """Ratios are to Feast's SDK on its own store of the same kind of server."""
    lines: dict[str, dict[str, str]] = {}
    for answer in found:
        one, label = answer.contender, f"{answer.rows} row{'s' * (answer.rows > 1)}"
        feasts = FEASTS_ON_REDIS if one.kind in ON_REDIS else FEASTS
        beside = next(a for a in found if a.contender.kind == feasts and a.rows == answer.rows)
        lines.setdefault(one.name, {"contender": one.name}).update(
            {
                f"{label}, p50": f"{answer.p50:.3f} ms",
                f"{label}, p99": f"{answer.p99:.3f} ms",
                f"{label}, × Feast's p99": times(beside.p99 / answer.p99),
                f"{label}, reads": f"{RUNS} × {one.reads[answer.rows]:,}",
            }
        )
    rows = list(lines.values())
    return table(rows, right=[name for name in rows[0] if name != "contender"])


def _explained(without_redis: bool) -> str:
    absent = " No Redis answered on this machine." if without_redis else " Redis is on loopback."
    return (
        f"{online_reads.VIEWS} views × {online_reads.FEATURES} numbers of {ENTITIES:,} entities; one row, or a hundred, of random keys, warm, in a process of"
        f" its own; medians over {RUNS} runs. Meanwhile another process writes {online_writer.ROWS} rows of each view {online_writer.PER_SECOND} times a"
        " second to the same store (ours through its backend, Feast's through Feast). The reader gives a matrix in the order asked, presence and ages;"
        f" Feast's SDK gives lists by feature. All give the same values for {CHECKED} keys. Feast's stores were filled with the same rows by"
        f" their own batch write.{absent}"
    )
