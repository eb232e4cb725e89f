"""A view backfilled from its SQL is the very dataset that a run publishes, and no other table is touched."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

from tradewind_contracts.errors import NotFoundError, StateError
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_lifecycle import feature_store
from tradewind_lifecycle.partitions import read_partitions
from tradewind_lifecycle.publishing import publish
from tradewind_lifecycle.views.backfilling import Days, backfill_view
from tradewind_lifecycle.warehouse import connect

VIEW, TABLE = "merchant_reviews_180d", "ftr_merchant__reviews_180d"


@pytest.fixture(scope="module")
def world(built: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A copy of the built world, its features published but for one view, of which the warehouse holds nothing."""
    home = tmp_path_factory.mktemp("backfill") / "home"
    shutil.copytree(built.home, home)
    settings = built.model_copy(update={"home": home})
    whole = publish("features", settings)
    folder = settings.paths.published / "features"
    Manifest(stage="features", tables={n: t for n, t in whole.tables.items() if n != TABLE}, facts=whole.facts).write(folder)
    (folder / whole.table(TABLE).path).rename(home / "as_a_run_publishes_it")
    with connect(settings, read_only=False) as connection:
        connection.execute(f"drop table features.{TABLE}")
    return settings


def test_a_new_view_is_built_checked_published_and_registered(world: Settings) -> None:
    folder = world.paths.published / "features"
    before, expected = Manifest.read(folder), read_partitions(world.home / "as_a_run_publishes_it")
    newest = dt.date.fromisoformat(max(expected))
    done = backfill_view(VIEW, world, Days(last=newest))
    after = Manifest.read(folder)
    assert done.added == list(expected)
    assert read_partitions(folder / after.table(TABLE).path) == expected
    assert {name: table for name, table in after.tables.items() if name != TABLE} == before.tables
    assert after.table(TABLE).definition != ""
    assert VIEW in feature_store.applied_specs(world).digests


def test_unknown_views_and_marts_of_another_landing_are_refused(world: Settings) -> None:
    with pytest.raises(NotFoundError, match=f"no view 'no_such_view'.*{VIEW}"):
        backfill_view("no_such_view", world)
    manifest = Manifest.read(world.paths.landing)
    kept = (world.paths.landing / "manifest.json").read_bytes()
    Manifest(stage="landing", tables={n: t for n, t in manifest.tables.items() if n != "reviews"}, facts=manifest.facts).write(
        world.paths.landing
    )
    try:
        with pytest.raises(StateError, match="marts are not built from what has landed"):
            backfill_view(VIEW, world)
    finally:
        Path(world.paths.landing / "manifest.json").write_bytes(kept)
