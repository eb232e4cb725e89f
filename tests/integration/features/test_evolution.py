"""A view that is redefined under a living model: the old definition stays, whole, until no alias needs it."""

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import evolving_world
import feature_world
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from evolving_world import FLOW, PACE, datasets, declared, digest, held, value
from feast import FeatureStore, Field
from feast.feature_view_projection import FeatureViewProjection
from feast.infra.registry.registry import Registry as FeastRegistry
from feast.types import Float64
from typer.testing import CliRunner

from tradewind_cli.main import app
from tradewind_contracts.errors import StateError
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_features.online.reader import OnlineReader
from tradewind_features.specs import spec_digest
from tradewind_lifecycle import feature_store
from tradewind_lifecycle.feature_store import AppliedSpecs
from tradewind_lifecycle.online_store import materialize
from tradewind_lifecycle.publishing import kept_datasets
from tradewind_lifecycle.views import evolution
from tradewind_lifecycle.views.reporting import version_lines
from tradewind_registry import Registry

OLD, NEW, KEPT = "select 1", "select 2", f"{PACE}_v1"


@dataclass
class Redefinable:
    """A world with two views; ``publish``, ``apply``, ``materialize`` and ``train`` are what a run does."""

    settings: Settings
    manifest: dict[str, Any]
    monkeypatch: pytest.MonkeyPatch
    folder: Path

    def publish(self, sql: str, shift: float = 0.0, days: int = 20) -> None:
        evolving_world.publish(self.settings, self.manifest, digest(sql), shift, days)

    def apply(self, change: Callable[[Any], None] = lambda _: None, without: tuple[str, ...] = ()) -> tuple[AppliedSpecs, list[str]]:
        said: list[str] = []
        self.monkeypatch.setattr(feature_store, "repository", lambda: declared(change, without))
        return feature_store.apply(self.settings, said.append), said

    def materialize(self) -> dict[str, int]:
        return {view.view: view.written for view in materialize(self.settings).views}

    def train(self, specs: AppliedSpecs, alias: str | None = "champion") -> Any:
        return evolving_world.train(self.settings, self.folder, specs, alias)

    def train_twice(self, specs: AppliedSpecs) -> None:
        """Champion, and what a rollback returns to, are both of these definitions."""
        for again in ("", "again"):
            evolving_world.train(self.settings, self.folder, specs, again=again)

    def views(self) -> dict[str, Any]:
        return {view.name: view for view in feature_store.open_store(self.settings).list_batch_feature_views()}

    def state(self) -> tuple[Any, ...]:
        """All that an apply may change."""
        views = {name: (spec_digest(view), view.tags, view.batch_source.path, view.description) for name, view in self.views().items()}
        return views, held(self.settings), datasets(self.settings), kept_datasets(self.settings.paths.published / "features")


@pytest.fixture
def world(tmp_path: Path, feature_manifest: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Redefinable:
    """A world whose champion eta@1 was trained on what is registered and online."""
    settings = feature_world.land_world(tmp_path / "home")
    made = Redefinable(settings, feature_manifest, monkeypatch, tmp_path)
    made.publish(OLD)
    specs, said = made.apply()
    assert said == []
    made.materialize()
    made.train(specs)
    return made


def test_the_champions_definition_stays_beside_the_one_that_took_its_name(world: Redefinable) -> None:
    before, specs = value(world.settings, PACE), feature_store.applied_specs(world.settings).digests
    old_dataset = Path(world.views()[PACE].batch_source.path).name
    world.publish(NEW, shift=1000.0)
    applied, said = world.apply()
    assert said == [f"{PACE}: version 1 ({specs[PACE][:12]}) stays as {KEPT}, eta@1 (champion) needs it; no new rows come to it"]
    assert applied.digests[KEPT] == specs[PACE] != applied.digests[PACE]
    kept = world.views()[KEPT]
    assert (kept.tags["version_of"], kept.tags["version_number"], kept.batch_source.name) == (PACE, "1", "ftr_merchant__pace_365d_v1")
    assert Path(kept.batch_source.path).name == old_dataset
    dt.datetime.fromisoformat(kept.tags["superseded_at"])
    assert value(world.settings, KEPT) == before, "between apply and materialization too"
    world.materialize()
    assert (value(world.settings, KEPT), value(world.settings, PACE)) == (before, before + 1000)
    assert world.views()[FLOW].tags["version_number"] == "1"
    kept_list = kept_datasets(world.settings.paths.published / "features")
    assert kept_list[old_dataset] == f"registered: feature view {KEPT}", "no publication deletes what a kept version stands on"
    assert world.materialize()[KEPT] == 0, "there is nothing more in its dataset"
    assert value(world.settings, KEPT) == before


def test_applying_twice_changes_nothing(world: Redefinable) -> None:
    world.publish(NEW, shift=1000.0)
    world.apply()
    world.materialize()
    state = world.state()
    _, said = world.apply()
    assert world.state() == state
    assert len(said) == 1, "it is said again, since it still stands"


def test_what_no_alias_needs_any_more_is_removed_with_rows_and_dataset(world: Redefinable) -> None:
    old_dataset = Path(world.views()[PACE].batch_source.path).name
    world.publish(NEW, shift=1000.0)
    specs, _ = world.apply()
    world.publish(NEW, shift=1001.0)
    world.apply()
    world.train_twice(specs)
    digest_before = feature_store.applied_specs(world.settings).digests[KEPT]
    _, said = world.apply()
    assert said == [
        f"{PACE}: version 1 ({digest_before[:12]}) is removed, no alias needs it; a model trained on it can not be served again"
    ]
    assert set(world.views()) == {PACE, FLOW} == set(held(world.settings))
    assert old_dataset not in datasets(world.settings)
    assert [source.name for source in feature_store.open_store(world.settings).list_data_sources() if source.name.endswith("_v1")] == []
    assert world.apply()[1] == []


def test_a_rollback_finds_the_views_of_the_version_that_it_returns_to(world: Redefinable) -> None:
    before = value(world.settings, PACE)
    world.publish(NEW, shift=1000.0)
    specs, _ = world.apply()
    world.materialize()
    assert world.train(specs).number == 2
    _, said = world.apply()
    assert said[0].endswith(f"stays as {KEPT}, eta@1 (rollback of champion) needs it; no new rows come to it")
    assert str(next(line for line in version_lines(world.settings) if line.name == KEPT).needs[0]) == "eta@1 (rollback of champion)"
    with Registry.open(world.settings) as registry:
        assert registry.rollback("eta", why="it promises too late", who="a test").to_number == 1
    world.apply()
    world.materialize()
    assert (value(world.settings, KEPT), value(world.settings, PACE)) == (before, before + 1000)


def test_another_alias_keeps_a_version_as_well_and_two_may_stand_beside_the_third(world: Redefinable) -> None:
    first = value(world.settings, PACE)
    world.publish(NEW, shift=1000.0)
    specs, _ = world.apply()
    world.materialize()
    world.train(specs, alias="challenger")
    world.publish("select 3", shift=3000.0)
    _, said = world.apply()
    world.materialize()
    assert [line.split(" needs it")[0].split(", ")[-1] for line in said] == ["eta@1 (champion)", "eta@2 (challenger)"]
    assert [value(world.settings, name) for name in (KEPT, f"{PACE}_v2", PACE)] == [first, first + 1000, first + 3000]
    assert world.views()[PACE].tags["version_number"] == "3"


def test_a_definition_that_is_rolled_back_takes_its_name_and_fresh_rows_again(world: Redefinable) -> None:
    original = feature_store.applied_specs(world.settings).digests
    world.publish(NEW, shift=1000.0)
    specs, _ = world.apply()
    world.materialize()
    world.train(specs, alias="challenger")
    world.publish(OLD, shift=0.5)
    applied, _ = world.apply()
    assert {name: applied.digests[name] for name in (PACE, FLOW)} == original
    assert set(held(world.settings)) == {PACE, FLOW, f"{PACE}_v2"}
    was = value(world.settings, PACE)
    world.materialize()
    assert value(world.settings, PACE) == was + 0.5
    assert value(world.settings, f"{PACE}_v2") == was + 1000
    assert (world.views()[PACE].tags["version_number"], world.views()[PACE].tags["versions_count"]) == ("1", "2")


def test_a_redefinition_that_nobody_is_hurt_by_leaves_no_rows_of_the_old_meaning(world: Redefinable) -> None:
    world.publish(NEW, shift=1000.0)
    specs, _ = world.apply()
    world.materialize()
    world.train(specs)
    world.publish("select 3", shift=3000.0, days=1)
    with Registry.open(world.settings) as registry:
        registry.rollback("eta", why="back", who="a test")
    _, said = world.apply()
    assert "removed" not in "".join(said), "its name lives on"
    assert np.isnan(value(world.settings, PACE)), "until it is materialized there is nothing under the name"
    assert set(held(world.settings)) == {PACE, KEPT, FLOW}


@pytest.mark.parametrize("change", ["time to live", "a column more", "a column less"])
def test_another_declaration_is_a_redefinition_too(world: Redefinable, change: str) -> None:
    def redeclare(view: Any) -> None:
        if change == "time to live":
            view.ttl = dt.timedelta(days=9)
        elif change == "a column more":
            view.features = [*view.features, Field(name="created_share", dtype=Float64)]
        else:
            view.features = view.features[1:]
        view.projection = FeatureViewProjection.from_feature_view_definition(view)

    if change == "a column more":
        add_column(world.settings, evolving_world.PACE_TABLE, "created_share", 0.25)
    before = world.views()[PACE]
    world.apply(redeclare)
    world.materialize()
    kept = world.views()[KEPT]
    assert (kept.ttl, [f.name for f in kept.features]) == (before.ttl, [f.name for f in before.features])
    rows = OnlineReader(world.settings.paths.online_store).read(KEPT, ["m1"], feature_world.AS_OF)
    assert set(rows.values) == {field.name for field in before.features}


def test_what_was_pushed_stays_with_the_version_that_it_was_pushed_to(world: Redefinable) -> None:
    names = [field.name for field in world.views()[PACE].features]
    event = feature_world.AS_OF - dt.timedelta(hours=1)
    row = {"merchant_id": "m1", "event_timestamp": event, "created_timestamp": event, **dict.fromkeys(names, 7.5)}
    feature_store.open_store(world.settings).push(f"{PACE}_pushed", pd.DataFrame([row]))
    assert value(world.settings, PACE) == 7.5
    world.publish(NEW, shift=1000.0)
    specs, _ = world.apply()
    logs = world.settings.paths.pushed
    assert {path.name for path in logs.iterdir()} == {evolving_world.PACE_TABLE, f"{evolving_world.PACE_TABLE}_v1"}
    assert world.views()[KEPT].stream_source is None, "what is pushed from now on is of the declared definition"
    world.settings.paths.online_store.unlink()
    world.apply()
    world.materialize()
    assert value(world.settings, KEPT) == 7.5, "the store can be filled again from dataset and log"
    world.train_twice(specs)
    world.apply()
    assert [path.name for path in logs.iterdir()] == [evolving_world.PACE_TABLE]


def test_columns_in_another_order_are_no_redefinition(world: Redefinable) -> None:
    digests = feature_store.applied_specs(world.settings).digests

    def turned(view: Any) -> None:
        view.features = view.features[::-1]
        view.projection = FeatureViewProjection.from_feature_view_definition(view)

    applied, said = world.apply(turned)
    assert (applied.digests, said) == (digests, [])


def test_a_home_that_was_moved_keeps_what_is_needed(world: Redefinable, tmp_path: Path) -> None:
    before = value(world.settings, PACE)
    moved = world.settings.home.rename(tmp_path / "elsewhere")
    world.settings = world.settings.model_copy(update={"home": moved})
    world.publish(NEW, shift=1000.0)
    world.apply()
    assert Path(world.views()[KEPT].batch_source.path).is_relative_to(moved)
    world.settings.paths.online_store.unlink()
    world.apply()
    world.materialize()
    assert (value(world.settings, KEPT), value(world.settings, PACE)) == (before, before + 1000)


def test_a_view_that_leaves_the_repository_stays_while_a_model_needs_it(world: Redefinable) -> None:
    before = value(world.settings, PACE)
    _, said = world.apply(without=(PACE,))
    assert said[0].startswith(f"{PACE}: version 1")
    assert (set(world.views()), set(held(world.settings))) == ({FLOW, KEPT}, {FLOW, KEPT})
    assert value(world.settings, KEPT) == before
    world.materialize()
    world.apply()
    assert set(world.views()) == {FLOW, PACE}, "and comes back under its name"
    assert value(world.settings, PACE) == before


@pytest.mark.parametrize("cut", ["before Feast's registry", "in Feast's commit", "before the datasets"])
def test_a_crash_in_the_middle_is_mended_by_the_next_apply(world: Redefinable, cut: str) -> None:
    before = value(world.settings, PACE)
    old = held(world.settings)[PACE]
    (world.settings.paths.published / "features" / "kept.json").unlink()
    world.publish(NEW, shift=1000.0)
    place = {
        "before Feast's registry": (FeatureStore, "apply"),
        "in Feast's commit": (FeastRegistry, "commit"),
        "before the datasets": (evolution, "settle"),
    }[cut]
    with world.monkeypatch.context() as context:
        context.setattr(*place, killed)
        with pytest.raises(KeyboardInterrupt):
            world.apply()
    folder = world.settings.paths.published / "features"
    named = {Path(view.batch_source.path).name for view in world.views().values()}
    assert named <= set(kept_datasets(folder)), "whatever is published meanwhile, what the registry names is not deleted"
    names = [name for name, digest_ in held(world.settings).items() if digest_ == old]
    assert [value(world.settings, name) for name in names] == [before], "a service finds it by its digest, under one name"
    world.publish(NEW, shift=1001.0)
    world.publish(NEW, shift=1002.0)
    world.apply()
    world.materialize()
    assert (value(world.settings, KEPT), value(world.settings, PACE)) == (before, before + 1002)
    state = world.state()
    world.apply()
    assert world.state() == state


def test_a_model_registry_that_can_not_be_read_stops_the_apply_before_anything_changes(world: Redefinable) -> None:
    world.publish(NEW, shift=1000.0)
    state = world.state()
    database = world.settings.paths.registry / "registry.db"
    database.write_bytes(b"no database" * 500)
    with pytest.raises(StateError, match="registry"):
        world.apply()
    assert world.state() == state


def test_the_report_says_who_needs_what_and_what_to_do(world: Redefinable) -> None:
    specs = feature_store.applied_specs(world.settings).digests
    world.publish(NEW, shift=1000.0)
    world.apply()
    lines = {(line.name or line.view): line for line in version_lines(world.settings)}
    kept = lines[KEPT]
    assert (kept.view, kept.number, kept.digest, kept.state) == (PACE, 1, specs[PACE], "kept")
    assert [str(need) for need in kept.needs] == ["eta@1 (champion)"]
    assert kept.rows_to == feature_world.AS_OF.replace(hour=0)
    assert "they end at 2018-05-10, ages grow and its values expire 72 hours after" in kept.advice
    assert (lines[PACE].number, lines[PACE].state, lines[PACE].needs, lines[PACE].advice) == (2, "declared", (), "")
    shutil.rmtree(world.settings.paths.feast_registry.parent)
    world.settings.paths.online_store.unlink()
    _, said = world.apply()
    assert said == [
        f"{PACE}: eta@1 (champion) was trained on a definition ({specs[PACE][:12]}) that is not there any more; it is not served,"
        " train and promote anew"
    ]
    assert [line.digest for line in version_lines(world.settings) if line.state == "lost"] == [specs[PACE]]


def test_the_command_shows_versions_and_what_to_do(world: Redefinable) -> None:
    def versions(*options: str) -> str:
        environment = {"TRADEWIND_HOME": str(world.settings.home), "COLUMNS": "200"}
        done = CliRunner().invoke(app, ["features", "versions", "--source", "olist", *options], env=environment)
        assert done.exit_code == 0, done.output
        return done.output

    assert "each of 2 views stands in one version" in versions()
    world.publish(NEW, shift=1000.0)
    world.apply()
    shown = versions()
    assert f"{KEPT}: no new rows come to it: they end at 2018-05-10" in shown
    assert [line.split()[0] for line in shown.splitlines() if line.strip().startswith((PACE, FLOW))] == [PACE, PACE, f"{KEPT}:"]
    assert "eta@1 (champion)" in shown
    assert FLOW in versions("--all")


def test_rows_that_outlive_feasts_registry_are_kept_for_the_champion(world: Redefinable) -> None:
    before = value(world.settings, PACE)
    shutil.rmtree(world.settings.paths.feast_registry.parent)
    world.publish(NEW, shift=1000.0)
    world.apply()
    world.materialize()
    assert (value(world.settings, KEPT), value(world.settings, PACE)) == (before, before + 1000)
    specs, _ = world.apply()
    world.train_twice(specs)
    world.apply()
    assert set(held(world.settings)) == {PACE, FLOW}


def killed(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def add_column(settings: Settings, table: str, column: str, number: float) -> None:
    """Publish ``table`` with one more column; definitions stay."""
    folder = settings.paths.published / "features"
    manifest = Manifest.read(folder)
    rows = {name: pq.read_table(folder / entry.path) for name, entry in manifest.tables.items()}
    rows[table] = rows[table].append_column(column, pa.array([number] * rows[table].num_rows, pa.float64()))
    published = feature_world.publish(settings, rows)
    entries = {name: entry.model_copy(update={"definition": manifest.tables[name].definition}) for name, entry in published.tables.items()}
    Manifest(stage="features", tables=entries).write(folder)
