"""A service while a view is redefined under it: its version reads the rows that it was trained on, its successor the new ones."""

import shutil
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import evolving_world
import feature_world
import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import SecretStr

from tradewind_contracts.bundle import BundleContract, FeatureField
from tradewind_contracts.errors import IntegrityError, NotFoundError
from tradewind_contracts.settings import Settings
from tradewind_features.online.assembly import Assembler
from tradewind_features.online.backend import open_backend
from tradewind_lifecycle import feature_store
from tradewind_lifecycle.feature_store import AppliedSpecs
from tradewind_lifecycle.online_store import materialize
from tradewind_registry import Registry
from tradewind_serving import answering
from tradewind_serving.answering import EtaDesk
from tradewind_serving.questions import EtaRequest

PACE, KEPT = evolving_world.PACE, f"{evolving_world.PACE}_v1"
VIEWS = (PACE, "merchant_profile", "postal_area_location")
REDIS = "redis://127.0.0.1:6379/15"
Asking = Callable[[EtaDesk], list[tuple[int, float]]]
QUESTION = EtaRequest(merchant_id="m1", destination_postal_code="20040", weight_g=500, price=10.0, freight=2.0)


class PacePredictor:
    """p50 is the pace of the merchant, in days; p10 is half of it, p90 twice."""

    contract = BundleContract(
        family="eta",
        feature_service="eta_v1",
        features=[FeatureField(view=PACE, name=evolving_world.FEATURE)],
        quantiles=[0.1, 0.5, 0.9],
        as_of=feature_world.AS_OF,
        files=[],
    )

    def predict(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        middle = columns[f"{PACE}__{evolving_world.FEATURE}"]
        return np.column_stack([middle / 2, middle, middle * 2])


class World:
    """A world that is redefined and retrained as runs do it."""

    def __init__(self, settings: Settings, manifest: dict[str, Any], folder: Path) -> None:
        self.settings, self._manifest, self._folder = settings, manifest, folder

    def redefine(self, sql: str, shift: float) -> AppliedSpecs:
        """Publish, apply, materialize."""
        described = {view["model"]: view for view in self._manifest["views"] if view["name"] in VIEWS}
        tables = {m: feature_world.static_rows(v) if v["ttl_hours"] == 0 else feature_world.daily_rows(v) for m, v in described.items()}
        tables[evolving_world.PACE_TABLE] = evolving_world.shifted(tables[evolving_world.PACE_TABLE], shift)
        evolving_world.publish_defined(self.settings, tables, {evolving_world.PACE_TABLE: evolving_world.digest(sql)})
        specs = feature_store.apply(self.settings)
        materialize(self.settings)
        return specs

    def train(self, specs: AppliedSpecs) -> Any:
        return evolving_world.train(self.settings, self._folder, specs)

    def train_again(self, specs: AppliedSpecs) -> Any:
        """Another version of the same definitions: no rollback returns to those before any more."""
        return evolving_world.train(self.settings, self._folder, specs, again="again")

    def desk(self) -> EtaDesk:
        return EtaDesk.open(self.settings, self._folder / "nothing baked", follow=False)


@pytest.fixture
def make_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Settings], World]:
    """Makes a world with a champion, eta@1, and the service's own loading replaced by a plain predictor."""

    def make(settings: Settings) -> World:
        monkeypatch.setattr(answering, "load", lambda _: PacePredictor())
        monkeypatch.setattr(feature_store, "repository", lambda: evolving_world.declared(names=VIEWS))
        made = World(settings, feature_store.feature_manifest(), tmp_path)
        made.train(made.redefine("select 1", 0.0))
        return made

    return make


@pytest.fixture
def world(tmp_path: Path, make_world: Callable[[Settings], World]) -> World:
    """A world whose online store is a file of its own."""
    return make_world(feature_world.land_world(tmp_path / "home"))


@pytest.fixture
def redis_settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings of a world with a name of its own on a Redis that answers; skips where none does."""
    redis = pytest.importorskip("redis")
    client = redis.Redis.from_url(REDIS)
    try:
        client.ping()
    except redis.ConnectionError:
        pytest.skip(f"no Redis answers at {REDIS}")
    plain = feature_world.land_world(tmp_path / "home")
    settings = plain.model_copy(update={"world": f"redefined-{uuid.uuid4().hex}", "online_url": SecretStr(REDIS)})
    settings.paths.world.mkdir(parents=True)
    shutil.copy(plain.paths.world_file, settings.paths.world_file)
    yield settings
    for key in client.scan_iter(f"*{settings.online_prefix}*"):
        client.delete(key)
    client.close()


@pytest.fixture
def asking() -> Iterator[Asking]:
    """Asks a desk again and again in a thread, until the test ends: version and p50 of each answer, in order."""
    stop, threads, failures = threading.Event(), [], []

    def start(desk: EtaDesk) -> list[tuple[int, float]]:
        answers: list[tuple[int, float]] = []

        def ask() -> None:
            try:
                while not stop.is_set():
                    [answer] = desk.answer([QUESTION])
                    answers.append((answer.model.number, answer.estimates.p50.days))
            except Exception as error:  # noqa: BLE001 - whatever it is, the test must show it
                failures.append(error)

        threads.append(threading.Thread(target=ask))
        threads[-1].start()
        return answers

    yield start
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []


def more(answers: list[Any], count: int = 20) -> None:
    """Wait until so many answers more have been given."""
    wanted, waiting = len(answers) + count, threading.Event()
    for _ in range(2000):
        if len(answers) >= wanted:
            return
        waiting.wait(0.005)
    raise AssertionError(f"{len(answers)} answers, expected {wanted}")


@pytest.mark.redis
def test_on_redis_too(redis_settings: Settings, make_world: Callable[[Settings], World], asking: Asking) -> None:
    a_service_reads_its_own_rows_until_the_alias_moves(make_world(redis_settings), asking)


def test_a_running_service_answers_from_the_old_rows_until_the_alias_moves(world: World, asking: Asking) -> None:
    a_service_reads_its_own_rows_until_the_alias_moves(world, asking)


def a_service_reads_its_own_rows_until_the_alias_moves(world: World, asking: Asking) -> None:
    desk = world.desk()
    answers = asking(desk)
    more(answers)
    old = answers[0][1]
    specs = world.redefine("select 2", 1000.0)
    more(answers)
    assert set(answers) == {(1, old)}, "through publication, apply and materialization"
    restarted = world.desk()
    assert [a.estimates.p50.days for a in restarted.answer([QUESTION])] == [old], "a service that starts now finds the old rows too"
    world.train(specs)
    desk._follower.poll()
    more(answers)
    assert set(answers) == {(1, old), (2, old + 1000)}, "no answer mixes a version with the other's rows"
    assert answers == sorted(answers), "it switches once, without a restart"
    feature_store.apply(world.settings)
    with Registry.open(world.settings) as registry:
        registry.rollback("eta", why="a test", who="a test")
    desk._follower.poll()
    more(answers)
    assert answers[-1] == (1, old), "a rollback finds its rows"
    world.train(specs)
    world.train_again(specs)
    desk._follower.poll()
    feature_store.apply(world.settings)
    assert KEPT not in evolving_world.held(world.settings)
    more(answers)
    assert answers[-1] == (3, old + 1000)


def test_a_version_whose_rows_are_nowhere_is_refused_loudly(world: World) -> None:
    desk = world.desk()
    [before] = desk.answer([QUESTION])
    specs = world.redefine("select 2", 1000.0)
    world.train(specs)
    world.train_again(specs)
    feature_store.apply(world.settings)
    with pytest.raises(IntegrityError, match=rf"no rows of {PACE} as of [0-9a-f]{{12}} \(under that name: [0-9a-f]{{12}}\).*trained on"):
        desk.answer([QUESTION])
    desk._follower.poll()
    assert desk.answer([QUESTION])[0].estimates.p50.days == before.estimates.p50.days + 1000
    with evolving_world.moved_back(world.settings, 1):
        with pytest.raises(IntegrityError, match="train and promote"):
            world.desk()
        desk._follower.poll()
        assert desk.health().status == "degraded"
        assert desk.answer([QUESTION])[0].model.number == 3, "what is served goes on answering"


def test_a_store_made_before_digests_were_kept_is_taken_by_name(world: World) -> None:
    with open_backend(world.settings.online_location) as backend, backend.transaction():
        for spec in backend.views().values():
            backend.drop(spec.view)
            backend.declare(evolving_world.undigested(spec))
    assert world.desk().health().status == "ok"


def test_rows_that_get_another_name_between_two_reads_of_one_answer_do_not_mix(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = world.desk()
    [before] = desk.answer([QUESTION])
    assemble, redefined = Assembler.assemble, []

    def overtaken(self: Assembler, *arguments: Any, **named: Any) -> Any:
        # The names were looked up; now the view is redefined, before the rows are read.
        if not redefined:
            redefined.append(world.redefine("select 2", 1000.0))
        return assemble(self, *arguments, **named)

    monkeypatch.setattr(Assembler, "assemble", overtaken)
    assert desk.answer([QUESTION])[0].estimates == before.estimates


@pytest.mark.parametrize("error", [NotFoundError, KeyError])
def test_a_view_that_is_gone_is_looked_up_again_only_if_names_changed(
    world: World, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    desk, calls = world.desk(), []
    [before] = desk.answer([QUESTION])
    assemble = Assembler.assemble

    def gone(self: Assembler, *arguments: Any, **named: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 1:
            world.redefine("select 2", 1000.0)
        if len(calls) in (1, 3):
            raise error(PACE)
        return assemble(self, *arguments, **named)

    monkeypatch.setattr(Assembler, "assemble", gone)
    assert desk.answer([QUESTION])[0].estimates == before.estimates
    with pytest.raises(error):
        desk.answer([QUESTION])
    assert len(calls) == 3, "where no name changed there is nothing to try again"
