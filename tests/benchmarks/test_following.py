"""A promotion under load: what it costs the answers, and how long the old version goes on answering."""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import command_line
import numpy as np
import pytest
import serving_load
import serving_world
from numpy.typing import NDArray

from tests.benchmarks.document import seconds, table, write_section
from tests.benchmarks.machine import measured_on
from tradewind_contracts.settings import Settings
from tradewind_lifecycle import bento
from tradewind_registry import Registry
from tradewind_serving import rehearsing

pytestmark = [pytest.mark.benchmark, pytest.mark.filterwarnings("ignore")]

MOVES, BY_COMMAND = 20, 4
STILL_SECONDS = 10.0
"""Without moves, before and after them."""
ROUNDS, ROWS = 150, 4_000
"""Trees of each quantile and fold, and the parcels that they are fit on: a bundle of 1.6 MB, as the real family's."""


@dataclass(frozen=True)
class Moved:
    """One move: when its command began and ended, and by service when the last old answer came; instants of ``time.monotonic``."""

    began: float
    ended: float
    last_old: Sequence[float]


@dataclass(frozen=True)
class Followed:
    """What was measured with a number of services: moves by the registry and by commands, and milliseconds with and without moves."""

    services: int
    rate: float
    moves: Sequence[Moved]
    commands: Sequence[Moved]
    still: NDArray[np.float64]
    moving: NDArray[np.float64]
    requests: int
    failed: int
    mixed: int


def test_following_under_load(scratch: Path) -> None:
    bundles = [scratch / str(number) for number in (1, 2)]
    for number, bundle in enumerate(bundles, start=1):
        serving_world.write_bundle(bundle, seed=number, rows=ROWS, rounds=ROUNDS)
    found = [_followed(scratch / f"home-{count}", bundles, count) for count in (1, 2)]
    for one in found:
        assert (one.failed, one.mixed) == (0, 0)
    write_section(
        "following",
        f"{MOVES} promotions and rollbacks in turn under {serving_load.RATE:.0f} requests a second in all (open loop; latency counts from the"
        f" instant that a request was due; every {serving_load.BATCH_EVERY}th is a batch of {serving_load.BATCH_ROWS}), services of one worker"
        " each, bundles of 1.6 MB, a SQLite registry; then the commands `tradewind models promote` and `rollback` in processes of their own."
        " Load, services and commands share the machine.",
        table([_row(one) for one in found], right=_row(found[0]).keys() - {"services"}),
        measured_on(("bentoml", "lightgbm", "uvicorn")),
    )


def _followed(home: Path, bundles: Sequence[Path], count: int) -> Followed:
    settings = Settings(home=home, source="olist", threads=1)
    versions = serving_load.two_versions(settings, bundles)
    made = bento.build_bento(settings, versions[0])
    asked = serving_load.questions()
    expected = {version.number: serving_load.own_answers(settings, version, asked) for version in versions}
    digests = {version.number: version.bundle_digest for version in versions}
    with contextlib.ExitStack() as stack:
        services = [stack.enter_context(rehearsing.serve(settings, made.path, name=f"eta-{number}")) for number in range(count)]
        with serving_load.under_load(services, asked) as load:
            assert load.wait_for(1, range(count), 30)
            time.sleep(2.0)  # caches are warm from here on
            begin = time.monotonic()
            time.sleep(STILL_SECONDS)
            moves = [_moved(load, count, 1 + turn % 2, lambda number: _by_registry(settings, number)) for turn in range(MOVES)]
            commands = [_moved(load, count, 1 + turn % 2, lambda number: _by_command(settings, number)) for turn in range(BY_COMMAND)]
            end = time.monotonic()
            time.sleep(STILL_SECONDS)
    first, last = moves[0].began, moves[-1].ended
    still = np.concatenate([load.latencies(begin, first), load.latencies(end)])
    moving = load.latencies(first, last)
    rate = moving.size / (last - first)
    mixed = len(load.mixed(expected, digests))
    return Followed(count, rate, moves, commands, still, moving, len(load.answered), len(load.failures()), mixed)


def _moved(load: serving_load.Load, count: int, old: int, move: Callable[[int], None]) -> Moved:
    began = time.monotonic()
    move(3 - old)
    ended = time.monotonic()
    assert load.wait_for(3 - old, range(count), 30)
    time.sleep(0.1)  # what was under way comes in
    return Moved(began, ended, [load.last_of(service, old, began) for service in range(count)])


def _by_registry(settings: Settings, number: int) -> None:
    with Registry.open(settings) as registry:
        if number == 2:
            registry.promote("eta", 2, why="forth", who="a benchmark")
        else:
            registry.rollback("eta", why="back", who="a benchmark")


def _by_command(settings: Settings, number: int) -> None:
    words = ("promote", "eta@2") if number == 2 else ("rollback", "eta")
    ran = command_line.tradewind(settings.home, "models", *words, "--why", "a benchmark", "--source", "olist")
    assert ran.code == 0, ran.out


def _row(one: Followed) -> dict[str, str]:
    after = [max(move.last_old) - move.ended for move in one.moves]
    whole = [max(move.last_old) - move.began for move in one.commands]
    return {
        "services": str(one.services),
        "requests/s": f"{one.rate:.0f}",
        "failed, mixed": f"{one.failed}, {one.mixed} of {one.requests:,}",
        "p50, p99 still": _milliseconds(one.still),
        "p50, p99 moving": _milliseconds(one.moving),
        "last old answer after the move, median": seconds(max(0.0, float(np.median(after)))),
        "worst": seconds(max(0.0, *after)),
        "after a command began, worst": seconds(max(whole)),
    }


def _milliseconds(values: NDArray[np.float64]) -> str:
    return ", ".join(f"{value:.1f}" for value in np.percentile(values, [50, 99])) + " ms"
