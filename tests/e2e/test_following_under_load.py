"""Two services at 200 requests a second while the champion goes back and forth: nothing fails, nothing is mixed, both follow in time."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import pytest
import serving_load
import serving_world
from numpy.typing import NDArray

from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.settings import Settings
from tradewind_lifecycle import bento
from tradewind_registry import Registry
from tradewind_serving import rehearsing
from tradewind_serving.client import EtaClient

MOVES = 20
FOLLOW_SECONDS = 5.0
"""What is promised: from the end of the command to the last old answer."""
BOTH = (0, 1)


@dataclass
class Stage:
    """Two running services over one home, and what each version answers by itself."""

    settings: Settings
    services: Sequence[rehearsing.RunningService]
    asked: Sequence[dict[str, Any]]
    expected: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)

    def move(self, number: int) -> None:
        """As the commands do it: eta@2 is promoted, eta@1 is what a rollback returns to."""
        with Registry.open(self.settings) as registry:
            if number == 2:
                registry.promote("eta", 2, why="forth", who="a test")
            else:
                assert registry.rollback("eta", why="back", who="a test").to_number == number

    def judge(self, load: serving_load.Load) -> None:
        """No failed request, no mixed answer."""
        assert load.failures() == []
        assert load.mixed(self.expected, self.digests) == []

    def champion(self) -> int:
        """Where the alias points."""
        with Registry.open(self.settings) as registry:
            return int(registry.resolve("eta@champion").number)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("following")
    bundles = [folder / str(number) for number in (1, 2)]
    for number, bundle in enumerate(bundles, start=1):
        serving_world.write_bundle(bundle, seed=number)
    settings = Settings(home=folder / "home", source="olist", threads=1)
    versions = serving_load.two_versions(settings, bundles)
    made = bento.build_bento(settings, versions[0])
    asked = serving_load.questions()
    with contextlib.ExitStack() as stack:
        services = [stack.enter_context(rehearsing.serve(settings, made.path, name=name)) for name in ("one", "two")]
        ready = Stage(settings, services, asked)
        for version in versions:
            ready.expected[version.number] = serving_load.own_answers(settings, version, asked)
            ready.digests[version.number] = version.bundle_digest
        yield ready


def test_twenty_moves_reach_both_services_without_a_failed_or_mixed_answer(stage: Stage) -> None:
    assert not (stage.expected[1] == stage.expected[2]).any(), "the versions answer each question differently"
    moves: list[tuple[float, int]] = []
    with serving_load.under_load(stage.services, stage.asked) as load:
        assert load.wait_for(1, BOTH, 30)
        for turn in range(MOVES):
            number = 1 if turn % 2 else 2
            stage.move(number)
            moves.append((time.monotonic(), number))
            assert load.wait_for(number, BOTH, 30), f"move {turn} to eta@{number} never arrived"
    stage.judge(load)
    assert len(load.answered) > 50 * MOVES, "it was under load, however busy the machine is"
    ends = [began for began, _ in moves[1:]] + [np.inf]
    for (began, number), end in zip(moves, ends, strict=True):
        took = [load.last_of(service, 3 - number, began, end) - began for service in BOTH]
        assert max(took) < FOLLOW_SECONDS, f"to eta@{number}: the last old answers came {took} s after the command"


def test_moves_faster_than_anyone_looks_and_a_slow_writer_end_in_the_right_version(stage: Stage) -> None:
    database = stage.settings.paths.registry / "registry.db"
    locked, release = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("begin immediate")
            locked.set()
            release.wait(30)
            connection.execute("rollback")

    with serving_load.under_load(stage.services, stage.asked) as load:
        assert load.wait_for(1, BOTH, 30)
        for number in [2, 1] * 5 + [2]:
            stage.move(number)
        assert load.wait_for(2, BOTH, FOLLOW_SECONDS)
        assert [shown_versions(service) for service in stage.services] == [{"1": "0.0", "2": "1.0"}] * 2
        writer = threading.Thread(target=write_slowly)
        writer.start()
        assert locked.wait(30)
        mover = threading.Thread(target=stage.move, args=(1,))
        mover.start()
        began = time.monotonic()
        mover.join(2.0)
        assert mover.is_alive(), "the command waits for the writer"
        asked_since = [answer for answer in list(load.answered) if answer.due >= began]
        assert {number for answer in asked_since for number in answer.numbers} == {2}, "and nothing is half-moved meanwhile"
        release.set()
        mover.join(30)
        writer.join(30)
        assert load.wait_for(1, BOTH, FOLLOW_SECONDS)
    stage.judge(load)
    for service in stage.services:
        with EtaClient(service.url, service.key) as client:
            health = client.health()
        assert (health.status, health.model.number, health.refused) == ("ok", stage.champion(), None)


def test_a_version_that_was_damaged_is_refused_under_load_and_followed_once_it_is_mended(stage: Stage) -> None:
    trees = sorted((stage.settings.paths.bundles / stage.digests[2]).glob("*.txt"))[0]
    content = bytearray(trees.read_bytes())
    content[len(content) // 2] ^= 1
    whole = trees.read_bytes()
    trees.chmod(0o644)
    with serving_load.under_load(stage.services, stage.asked) as load:
        assert load.wait_for(1, BOTH, 30)
        trees.write_bytes(bytes(content))
        with pytest.raises(IntegrityError, match=trees.name):
            stage.move(2)
        database = stage.settings.paths.registry / "registry.db"
        with contextlib.closing(sqlite3.connect(database, timeout=30)) as connection, connection:
            connection.execute("update aliases set number = 2 where alias = 'champion'")  # it was damaged after it was promoted
        for service in stage.services:
            assert trees.name in wait_for_trouble(service)
            assert 'tradewind_eta_trouble{kind="integrity"} 1.0' in metrics_of(service)
            assert 'tradewind_eta_versions_refused_total{reason="integrity"} 1.0' in metrics_of(service)
        assert {number for answer in load.answered for number in answer.numbers} == {1}, "the old one stays"
        trees.write_bytes(whole)
        assert load.wait_for(2, BOTH, FOLLOW_SECONDS + 3.0), "once it is mended it is followed, without another promotion"
        for service in stage.services:
            assert 'tradewind_eta_trouble{kind="integrity"} 0.0' in metrics_of(service)
            said = [line for line in service.log.read_text().splitlines() if "ERROR" in line]
            assert len([line for line in said if "is not followed" in line]) == 1, "said once, not at each poll"
        with contextlib.closing(sqlite3.connect(database, timeout=30)) as connection, connection:
            connection.execute("update aliases set number = 1 where alias = 'champion'")
        assert load.wait_for(1, BOTH, FOLLOW_SECONDS)
    stage.judge(load)


def wait_for_trouble(service: rehearsing.RunningService) -> str:
    """What ``/health`` says is refused, within the promised time."""
    deadline = time.monotonic() + FOLLOW_SECONDS
    with EtaClient(service.url, service.key) as client:
        while time.monotonic() < deadline:
            health = client.health()
            if health.status == "degraded":
                return str(health.refused)
            time.sleep(0.05)
    raise AssertionError("it never said that it refused the version")


def metrics_of(service: rehearsing.RunningService) -> str:
    """Its metrics as Prometheus reads them."""
    return httpx.get(f"{service.url}/metrics", headers={"X-API-Key": service.key}, trust_env=False).text


def shown_versions(service: rehearsing.RunningService) -> dict[str, str]:
    """What the metrics say of each version: 1 for the one that is served."""
    lines = [line for line in metrics_of(service).splitlines() if line.startswith("tradewind_eta_model_info{")]
    return {line.split('number="')[1].split('"')[0]: line.split()[-1] for line in lines}
