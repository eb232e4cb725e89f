"""A feature that peeks into the future changes when the future arrives: found between two publications, and against a build from less."""

import datetime as dt
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tradewind_contracts.digests import digest_json
from tradewind_contracts.manifest import APPENDED_TO, MANIFEST, Manifest, PublishedTable
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import TABLES
from tradewind_contracts.world import World
from tradewind_lifecycle import builds
from tradewind_lifecycle.leaks import cutting, publications
from tradewind_lifecycle.leaks.rewritten import RowChanges, compare_datasets
from tradewind_lifecycle.partitions import write_dataset
from tradewind_lifecycle.publishing import PREVIOUS
from tradewind_lifecycle.reuse import BUILD_KEY
from tradewind_lifecycle.warehouse import connect

Rebuild = Callable[..., None]
CUT = dt.datetime(2018, 2, 1, 12, tzinfo=dt.UTC)
"""A midday inside the synthetic archive's span."""


def leak(sql: str) -> str:
    """Rows see the facts of their own day, up to its end."""
    return sql.replace("// 86400000000 as integer) + 1)", "// 86400000000 as integer))")


def write_all(connection: duckdb.DuckDBPyConnection, settings: Settings, folder: Path, before: Manifest | None = None) -> Manifest:
    """The features in a warehouse as daily partitions, and a manifest of them."""
    tables = {}
    for name, model in cutting.feature_models(settings).items():
        earlier = folder / before.tables[name].path if before is not None else None
        made = write_dataset(connection, f"features.{name}", model.key, folder, earlier, None)
        tables[name] = PublishedTable(path=made.path, digest=made.digest, rows=made.rows, columns=made.columns, definition="d")
    return Manifest(stage="features", tables=tables)


@pytest.fixture(scope="module")
def published(built: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A copy of the built world with its features published."""
    settings = Settings(home=tmp_path_factory.mktemp("published") / "home", source="olist", threads=2)
    shutil.copytree(built.paths.home, settings.paths.home)
    with connect(settings) as connection:
        write_all(connection, settings, settings.paths.published / "features").write(settings.paths.published / "features")
    return settings


def set_clock(monkeypatch: pytest.MonkeyPatch, settings: Settings, at: dt.datetime) -> None:
    world = World.read(settings.paths.world_file)
    frozen = world.model_copy(update={"clock": world.clock.frozen(at)})
    monkeypatch.setattr(publications.World, "read", lambda _: frozen)


def test_an_honest_world_keeps_every_row_when_all_that_was_known_later_is_cut(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, published, CUT)
    said: list[str] = []
    held = publications.hold(published, said.append)
    assert len(held) >= 12
    assert {one.table: (one.changes.changed, one.changes.vanished) for one in held if one.changes.changed or one.changes.vanished} == {}
    assert min(one.changes.rows for one in held) > 0
    assert "nothing was published before" in said[0]
    results = [result for one in held for result in publications._claims(one)]
    assert [result.table for result in results if not result.passed and result.severity == "critical"] == []


def test_every_feature_that_sees_its_own_day_is_caught_with_its_rows_days_and_columns(
    published: Settings, rebuild: Rebuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = cutting._compiled
    monkeypatch.setattr(cutting, "_compiled", lambda node, settings: leak(compiled(node, settings)))
    folder, leaky = published.paths.published / "features", tmp_path / "leaky" / "warehouse.duckdb"
    rebuild(leaky, published, partial(_fill, published), leak)
    honest = Manifest.read(folder)
    with duckdb.connect(str(leaky), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        write_all(connection, published, folder).write(folder)
    set_clock(monkeypatch, published, CUT)
    try:
        results = [result for result in publications.check_rewritten(published) if result.severity == "critical"]
    finally:
        honest.write(folder)
    caught = {result.table: result for result in results if not result.passed}
    assert {name for name in honest.tables if "profile" not in name and "location" not in name} == set(caught)
    flow = caught["ftr_network__flow_7d"]
    assert flow.failing_rows == flow.observed["changed"] + flow.observed["vanished"] > 0
    assert flow.observed["columns"]
    assert set(flow.observed["days"]) == {CUT.date().isoformat()}, "the day that was half over at the cut"
    assert flow.samples[0]["network_id"] == "all"


def _fill(settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
    for name, landed in Manifest.read(settings.paths.landing).tables.items():
        if name in TABLES:
            connection.execute(f"insert into landing.{name} by name from read_parquet('{settings.paths.landing / landed.path}')")


@pytest.fixture(scope="module")
def arrived(arrival: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest, Manifest, Settings]:
    """Two publications of the marketplace in which days arrived: folder, manifest before, manifest after."""
    folder = tmp_path_factory.mktemp("publications")
    manifests: list[Manifest] = []
    for warehouse in (arrival.first, arrival.extended):
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            manifests.append(write_all(connection, arrival.settings, folder, manifests[0] if manifests else None))
    return folder, manifests[0], manifests[1], arrival.settings


def changes_of(arrived: tuple[Path, Manifest, Manifest, Settings], after: Manifest, name: str) -> RowChanges:
    folder, before, _, settings = arrived
    former = before.tables[name]
    known_until = publications._newest(name, folder / former.path, "created_timestamp")
    key = cutting.feature_models(settings)[name].key
    return compare_datasets(name, folder / former.path, folder / after.tables[name].path, key, known_until)


def test_days_that_arrive_change_no_published_row(arrived: tuple[Path, Manifest, Manifest, Settings]) -> None:
    _, before, after, _ = arrived
    assert sum(after.tables[name].rows > before.tables[name].rows for name in before.tables) >= 8
    found = {name: changes_of(arrived, after, name) for name in before.tables if before.tables[name].rows}
    assert len(found) >= 12
    assert {name: (one.changed, one.vanished) for name, one in found.items() if one.changed or one.vanished} == {}


def test_a_published_row_that_changes_as_days_arrive_is_caught(
    arrived: tuple[Path, Manifest, Manifest, Settings], arrival: Any, tmp_path: Path
) -> None:
    """The later build counts an order more on a day that was published."""
    folder, _, _, settings = arrived
    name = "ftr_network__flow_7d"
    with duckdb.connect() as connection:
        connection.execute(f"set TimeZone = 'UTC'; attach '{arrival.extended}' as extended (read_only); create schema features")
        connection.execute(f"create table features.{name} as select * from extended.features.{name}")
        column = connection.execute(f"select column_name from (describe features.{name}) where column_name like '%count%'").fetchone()
        assert column is not None
        day = connection.execute(f"select min(event_timestamp) from features.{name}").fetchone()
        connection.execute(f"update features.{name} set {column[0]} = {column[0]} + 1 where event_timestamp = ?", list(day or ()))
        made = write_dataset(connection, f"features.{name}", cutting.feature_models(settings)[name].key, folder, None, None)
    after = Manifest(
        stage="features", tables={name: PublishedTable(path=made.path, digest=made.digest, rows=made.rows, columns=made.columns)}
    )
    found = changes_of(arrived, after, name)
    assert (found.changed, found.vanished, found.columns) == (1, 0, {column[0]: 1})
    assert found.samples[0]["columns"] == [column[0]]
    assert found.days == [day[0].date().isoformat()] if day else False


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("days arrived", ""),
        ("nothing", ""),
        ("another landing", "the landing was not extended"),
        ("another recipe", "built by another recipe"),
        ("no publication before", "nothing was published before"),
        ("its datasets are gone", "is gone"),
    ],
)
def test_only_a_publication_of_the_same_recipe_and_less_data_is_held_against_the_present(
    own_settings: Settings, change: str, reason: str
) -> None:
    paths = own_settings.paths
    World(name="w", source="simulator", country="BR", currency="BRL", zone="UTC").write(paths.world_file)
    folder = paths.published / "features"
    _land(paths.landing, "a")
    before = _published(own_settings, "another recipe" if change == "another recipe" else "")
    before.write(folder)
    (folder / MANIFEST).rename(folder / PREVIOUS)
    (folder / "ftr_x-1").mkdir()
    if change != "nothing":
        _land(paths.landing, "b", None if change == "another landing" else before.facts["landing"])
    if change == "no publication before":
        (folder / PREVIOUS).unlink()
    if change == "its datasets are gone":
        (folder / "ftr_x-1").rmdir()
    present = _published(own_settings, "")
    found, why = publications.comparable(own_settings, present)
    assert (found is None) == bool(reason)
    assert reason in why


def _published(settings: Settings, recipe: str) -> Manifest:
    landed = Manifest.read(settings.paths.landing).digest
    table = PublishedTable(path="ftr_x-1", digest="d", rows=1, columns={})
    key = recipe or digest_json({"landing": landed, **builds.recipe(settings)})
    return Manifest(stage="features", tables={"ftr_x": table}, facts={"landing": landed, BUILD_KEY: key})


def _land(folder: Path, digest: str, extends: object = None) -> None:
    table = {"path": "x.parquet", "digest": digest, "rows": 1, "columns": {}}
    facts = {APPENDED_TO: extends} if extends else {}
    Manifest.model_validate({"stage": "landing", "tables": {"orders": table}, "facts": facts}).write(folder)


def test_a_redefined_table_is_another_feature_and_what_can_not_be_built_anew_is_said(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = Manifest.read(published.paths.published / "features")
    name = "ftr_network__flow_7d"
    former = present.tables[name].model_copy(update={"definition": "another"})
    before = present.model_copy(update={"tables": {**present.tables, name: former}})
    monkeypatch.setattr(publications, "comparable", lambda *_: (before, ""))
    held = {one.table: one for one in publications.hold(published)}
    assert held[name].why_not == "redefined since"
    assert all(result.passed for result in publications.check_rewritten(published))

    def absent(*_: Any) -> str:
        raise FileNotFoundError(2, "no such file", "stg_x.sql")

    monkeypatch.setattr(publications, "comparable", lambda *_: (None, "another recipe"))
    monkeypatch.setattr(cutting, "_compiled", absent)
    said = [result for result in publications.check_rewritten(published) if not result.passed]
    assert len(said) == len(present.tables)
    assert {str(result.severity) for result in said} == {"warning"}
    assert "stg_x.sql" in json.dumps(said[0].observed)
