"""A planted feature that uses the future is caught where training sets are made, and an honest world passes."""

from functools import partial
from pathlib import Path
from typing import Any

import eta_world
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tradewind_contracts.errors import StateError
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_lifecycle import feature_store, training_sets
from tradewind_lifecycle.labels import known_at, read_labels
from tradewind_lifecycle.leaks import canary
from tradewind_lifecycle.leaks.power import LOST, MOST, Power, powers
from tradewind_lifecycle.parity import rederiving
from tradewind_lifecycle.parity.rederiving import scratch_store

LEAK = "parcel_fate"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = eta_world.publish_world(tmp_path_factory.mktemp("leaks") / "home")
    feature_store.apply(made)
    return made


def test_the_canary_does_not_reach_the_training_set_and_its_control_does(settings: Settings) -> None:
    registry = settings.paths.feast_registry.read_bytes()
    results = canary.check_canary(settings, 120)
    assert [(result.table, result.passed, result.rows) for result in results] == [
        (canary.CANARY, True, 120),
        (canary.FUTURE, True, 120),
        (canary.CONTROL, True, 120),
    ]
    assert {str(result.severity) for result in results} == {"critical"}
    assert settings.paths.feast_registry.read_bytes() == registry, "nothing is planted in the world itself"


def test_a_join_that_looks_past_created_times_is_caught(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = rederiving.open_store

    def careless(*arguments: Any) -> Any:
        store = opened(*arguments)
        store.config.offline_store.known_at = False
        return store

    monkeypatch.setattr(rederiving, "open_store", careless)
    caught, future, control = canary.check_canary(settings, 120)
    assert (caught.passed, caught.failing_rows) == (False, 120)
    assert caught.samples[0]["ordered_at"] < caught.samples[0]["outcome_at"]
    assert caught.samples[0]["joined"] > 0
    assert future.passed
    assert control.passed


def test_a_canary_that_could_not_sing_is_caught(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A join that lets nothing through would keep every leak out, and prove nothing."""
    build = training_sets.build

    def mute(*arguments: Any, **named: Any) -> pa.Table:
        joined = build(*arguments, **named)
        name = f"{canary.CONTROL}__{canary.VALUE}"
        return joined.set_column(joined.column_names.index(name), name, pa.nulls(joined.num_rows, pa.float64()))

    monkeypatch.setattr(canary.training_sets, "build", mute)
    assert [result.table for result in canary.check_canary(settings, 40) if not result.passed] == [canary.CONTROL]


def test_without_a_known_outcome_no_canary_is_planted(tmp_path: Path) -> None:
    settings = eta_world.publish_world(tmp_path / "home")
    world = World.read(settings.paths.world_file)
    world.model_copy(update={"clock": Clock.frozen(eta_world.FIRST)}).write(settings.paths.world_file)
    feature_store.apply(settings)
    with pytest.raises(StateError, match="no outcome is known"):
        canary.check_canary(settings)


@pytest.fixture(scope="module")
def found(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Power]:
    """The powers on a sealed set of a service with a planted view: the outcome with noise, whose rows lie about both their instants."""
    rows = known_at(read_labels(settings), eta_world.AS_OF)
    path = tmp_path_factory.mktemp("fate") / f"{LEAK}.parquet"
    outcome = np.asarray(rows["duration_days"].to_numpy(), dtype=np.float64)
    noise = np.random.default_rng(1).normal(0, 0.3 * np.nanstd(outcome), rows.num_rows)
    ordered = rows["event_timestamp"].combine_chunks()
    columns = {"parcel_id": rows["parcel_id"].combine_chunks(), "event_timestamp": ordered, "created_timestamp": ordered}
    pq.write_table(pa.table(columns | {canary.VALUE: pa.array(outcome + noise, from_pandas=True)}), path)
    with scratch_store(settings, {}) as store, canary._applied(store, {LEAK: path}):
        build = partial(training_sets.build, store=store)
        table = build(canary.SERVICE, rows, settings)
        assert pc.sum(pc.is_valid(table[f"{LEAK}__{canary.VALUE}"])).as_py() == np.isfinite(outcome).sum(), "known-at can't keep a liar out"
        sealed = training_sets.seal(table, {"feature_service": canary.SERVICE}, settings)
        return {power.column: power for power in powers(sealed, settings, build)}


def test_a_feature_that_lies_about_its_instants_is_too_good_to_be_true(found: dict[str, Power]) -> None:
    leak = found[f"{LEAK}__{canary.VALUE}"]
    assert leak.is_too_good
    assert leak.power > MOST + 0.2
    assert leak.lost > LOST + 0.4
    assert leak.lagged is not None
    assert leak.lagged < 0.02


def test_no_honest_feature_owes_its_power_to_the_last_day(found: dict[str, Power]) -> None:
    honest = {name: power.lost for name, power in found.items() if not name.startswith(LEAK)}
    assert len(honest) > 40
    assert max(honest.values()) < LOST / 2
