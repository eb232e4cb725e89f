"""Worlds of one home: each has its own aliases, and a registry of the first form is brought there with its rows."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.exc import DBAPIError

import tradewind_registry
from tradewind_contracts.errors import NotFoundError, StateError
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_registry import Registry, RegistryClient, VersionDraft, WorldError
from tradewind_registry.schema import AliasRow, Base
from tradewind_registry.views import list_text, show_text

Draft = Callable[..., VersionDraft]


@pytest.fixture
def worlds(
    registry_settings: Settings, draft: Draft, bundle: Callable[..., Path], verdict: Callable[..., Verdict]
) -> Iterator[tuple[Registry, Registry]]:
    """The registry as the worlds olist and simulator see it; eta@1 and eta@3 are of olist, eta@2 and eta@4 of simulator."""
    with (
        Registry.open(registry_settings) as olist,
        Registry.open(registry_settings.model_copy(update={"world": "simulator"})) as simulator,
    ):
        for number in range(1, 5):
            facts = {"data_kind": "real" if number % 2 else "simulated"}
            made = draft(f"inputs {number}", world="olist" if number % 2 else "simulator", facts=facts)
            version = olist.register(made, bundle(f"tree {number}"))
            olist.record_verdicts("eta", version.number, [verdict(gate) for gate in version.gates])
        yield olist, simulator


def test_the_same_alias_names_another_version_in_another_world(worlds: tuple[Registry, Registry]) -> None:
    olist, simulator = worlds
    olist.promote("eta", 1, why="first", who="ann")
    with pytest.raises(NotFoundError, match=r"no alias eta@champion in world simulator; aliases: eta@champion → 1 \(world olist\)"):
        simulator.resolve("eta@champion")
    simulator.promote("eta", 4, why="first", who="bob", expected=None)
    olist.promote("eta", 3, why="better", who="ann", expected=1)
    assert (olist.resolve("eta").number, simulator.resolve("eta@champion").number) == (3, 4)
    assert olist.resolve("eta@4") == simulator.resolve("eta@4"), "a number is one version everywhere"
    assert [(m.world, m.to_number) for m in olist.history("eta")] == [("olist", 1), ("olist", 3)]
    assert [(m.world, m.to_number) for m in simulator.history("eta")] == [("simulator", 4)]
    assert olist.aliases("eta", "simulator") == simulator.aliases("eta") == {"champion": 4}


def test_a_rollback_in_one_world_leaves_the_other_as_it_is(worlds: tuple[Registry, Registry]) -> None:
    olist, simulator = worlds
    for registry, numbers in ((olist, (1, 3)), (simulator, (2, 4))):
        for number in numbers:
            registry.promote("eta", number, why="step", who="ann")
    assert simulator.rollback("eta", why="late", who="bob").to_number == 2
    assert (olist.resolve("eta").number, simulator.resolve("eta").number) == (3, 2)
    with pytest.raises(NotFoundError, match="no earlier version"):
        simulator.rollback("eta", why="still late", who="bob")


def test_an_alias_never_points_to_a_version_of_another_world(worlds: tuple[Registry, Registry], registry_settings: Settings) -> None:
    olist, simulator = worlds
    olist.promote("eta", 1, why="first", who="ann")
    with pytest.raises(WorldError, match="eta@champion of world simulator can't point to eta@1, which is of world olist"):
        simulator.promote("eta", 1, why="it is so good", who="eve")
    assert (olist.aliases("eta"), simulator.aliases("eta")) == ({"champion": 1}, {})
    refusal = olist.audit()[-1]
    assert (refusal.action, refusal.who, refusal.detail["world"]) == ("refused", "eve", "simulator")
    past_the_rules = AliasRow(model="eta", world="simulator", alias="champion", number=1)
    with pytest.raises(StateError, match=r"(?i)foreign key"), simulator._database.writing() as session:
        session.add(past_the_rules)


def test_the_list_tells_the_world_and_the_kind_of_data_of_each_version(worlds: tuple[Registry, Registry]) -> None:
    olist, simulator = worlds
    olist.promote("eta", 1, why="first", who="ann")
    simulator.promote("eta", 4, why="first", who="ann")
    lines = list_text(olist).splitlines()
    assert [line.split()[:4] for line in lines[1:5]] == [
        ["eta@4", "simulator", "simulated", "champion"],
        ["eta@3", "olist", "real", "–"],
        ["eta@2", "simulator", "simulated", "–"],
        ["eta@1", "olist", "real", "champion"],
    ]
    assert lines[5].startswith("Simulated data: these numbers say whether the code finds a planted truth")
    own = list_text(olist, world="olist")
    assert [line.split()[0] for line in own.splitlines()[1:]] == ["eta@3", "eta@1"]
    assert "Simulated" not in own
    assert "eta@4 (champion)" in show_text(olist, "eta@4"), "shown from another world, it still has its own aliases"
    assert list_text(olist, world="mars") == (
        "no versions of world mars yet (there are versions of: olist, simulator); `make run` registers one"
    )


MOVES = [
    ("champion", None, 1),
    ("champion", 1, 3),
    ("champion", 3, 2),
    ("champion", 2, 3),
    ("champion", 3, 4),
    ("challenger", None, 1),
]
"""Alias, from, to: both worlds shared one champion, which ends at eta@4 of simulator."""

YOUNGER_COLUMNS = {"intervals", "reference_shapes"}
"""Columns of versions since r0003."""

OLD_MOVE = """
insert into alias_history (model, alias, action, from_number, to_number, who, why, run_id, moved_at)
values ('eta', :alias, 'promote', :start, :end, 'ann', 'why', 'run', '2018-01-01 00:00:00')
"""


@pytest.fixture
def first_form(worlds: tuple[Registry, Registry], registry_settings: Settings, tmp_path: Path) -> Iterator[Engine]:
    """A database of revision r0001 with the rows of four versions, an alias that both worlds shared, and one of olist alone."""
    engine = create_engine(registry_settings.database_url)
    tables = [Base.metadata.tables[name] for name in ("models", "versions", "verdicts")]
    with engine.connect() as connection:
        kept = [[column for column in table.columns if column.name not in YOUNGER_COLUMNS] for table in tables]
        filled = [[dict(row) for row in connection.execute(select(*columns)).mappings()] for columns in kept]
    for registry in worlds:
        registry.close()
    _emptied(engine, registry_settings)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(tradewind_registry.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "r0001")
        for table, rows in zip(tables, filled, strict=True):
            connection.execute(table.insert(), rows)
        connection.execute(text("insert into aliases values ('eta', 'challenger', 1), ('eta', 'champion', 4)"))
        for alias, start, end in MOVES:
            values = {"alias": alias, "start": start, "end": end}
            connection.execute(text(OLD_MOVE), values)
    yield engine
    engine.dispose()


def _emptied(engine: Engine, settings: Settings) -> None:
    if engine.dialect.name == "sqlite":
        shutil.rmtree(settings.paths.registry)
        settings.paths.registry.mkdir()
        engine.dispose()
        return
    with engine.begin() as connection:
        schema = connection.execute(text("select current_schema()")).scalar_one()
        connection.execute(text(f"drop schema {schema} cascade"))
        connection.execute(text(f"create schema {schema}"))


def test_a_registry_of_the_first_form_keeps_its_rows_and_its_aliases_take_their_versions_worlds(
    first_form: Engine, registry_settings: Settings
) -> None:
    with pytest.raises(StateError, match="of another revision"):
        RegistryClient.open(registry_settings)
    with first_form.connect() as connection:
        before = connection.execute(text("select id, model, alias, action, from_number, to_number, who from alias_history")).all()
    with (
        Registry.open(registry_settings) as olist,
        Registry.open(registry_settings.model_copy(update={"world": "simulator"})) as simulator,
    ):
        assert (olist.aliases("eta"), simulator.aliases("eta")) == ({"challenger": 1}, {"champion": 4})
        assert [(m.from_number, m.to_number) for m in olist.history("eta", "champion")] == [(None, 1), (1, 3), (2, 3)]
        assert [(m.from_number, m.to_number) for m in simulator.history("eta")] == [(3, 2), (3, 4)]
        assert [m.to_number for m in olist.history("eta", "challenger")] == [1]
        assert len(olist.versions("eta")) == 4
        assert simulator.rollback("eta", why="late", who="eve").to_number == 2
        assert olist.promote("eta", 3, why="olist has its own again", who="eve", expected=None) is not None
        assert olist.history("eta")[-1].to_number == 3
    with first_form.connect() as connection:
        after = connection.execute(
            text("select id, model, alias, action, from_number, to_number, who from alias_history order by id")
        ).all()
    assert list(after[: len(before)]) == list(before), "history is what it was, and goes on with fresh ids"


@pytest.mark.parametrize("statement", ["update alias_history set who = 'me'", "delete from alias_history"])
def test_a_migrated_history_still_refuses_any_change(first_form: Engine, registry_settings: Settings, statement: str) -> None:
    Registry.open(registry_settings).close()
    with first_form.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text(statement))


def test_a_migrated_registry_is_the_one_that_a_fresh_home_gets(first_form: Engine, registry_settings: Settings) -> None:
    Registry.open(registry_settings).close()
    with first_form.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata) == []
