"""The database: migrations, refusals, and a client that stays light."""

import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

import tradewind_registry
from tradewind_contracts.errors import NotFoundError, SettingsError, StateError
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_registry import Registry, RegistryClient, VersionDraft, queries
from tradewind_registry.database import Database
from tradewind_registry.schema import APPEND_ONLY, HEAD_REVISION, Base


def test_migrations_make_exactly_the_declared_tables(registry: Registry, registry_settings: Settings) -> None:
    engine = create_engine(registry_settings.database_url)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata)
    engine.dispose()
    assert found == []


def test_the_newest_migration_is_the_one_that_the_code_expects() -> None:
    scripts = ScriptDirectory(str(Path(tradewind_registry.__file__).parent / "migrations"))
    assert scripts.get_current_head() == HEAD_REVISION
    assert len(scripts.get_bases()) == 1
    assert set(APPEND_ONLY) <= set(Base.metadata.tables)


def test_sqlite_writes_ahead_and_checks_foreign_keys(own_settings: Settings) -> None:
    with Registry.open(own_settings) as registry, registry._database.reading() as session:
        pragmas = {name: session.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("journal_mode", "foreign_keys", "busy_timeout")}
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 30_000}


def test_opening_again_changes_nothing(passed_versions: Registry, registry_settings: Settings) -> None:
    before = passed_versions.versions("eta")
    with Registry.open(registry_settings) as again:
        assert again.versions("eta") == before


def test_a_registry_of_a_newer_tradewind_is_refused(registry: Registry, registry_settings: Settings) -> None:
    engine = create_engine(registry_settings.database_url)
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = 'r9999'"))
    engine.dispose()
    with pytest.raises(StateError, match="newer Tradewind"):
        Registry.open(registry_settings)
    with pytest.raises(StateError, match="of another revision"):
        RegistryClient.open(registry_settings)


def test_a_client_without_a_registry_says_so_and_makes_none(own_settings: Settings) -> None:
    with pytest.raises(StateError, match="not there"):
        RegistryClient.open(own_settings)
    assert not own_settings.home.exists()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_is_meant_however_its_url_is_written(home: Path, scheme: str) -> None:
    nowhere = Settings(home=home, registry_url=f"{scheme}://someone:secret@127.0.0.1:1/tradewind")
    with pytest.raises(StateError, match=r"registry postgresql\+psycopg://someone:\*\*\*@127\.0\.0\.1:1/tradewind: connection failed"):
        RegistryClient.open(nowhere)


@pytest.mark.parametrize(
    "url",
    ["mysql://x/y", "sqlite://", "not a url", "postgresql+psycopg://someone:secret@host", "postgresql+asyncpg://someone:secret@host/db"],
)
def test_a_url_of_neither_backend_is_refused_without_repeating_it(home: Path, url: str) -> None:
    with pytest.raises(SettingsError, match="registry_url: expected sqlite") as refusal:
        Registry.open(Settings(home=home, registry_url=url))
    assert "secret" not in str(refusal.value)


def test_a_home_that_can_not_be_written_is_refused_by_name(own_settings: Settings) -> None:
    own_settings.home.parent.mkdir(parents=True, exist_ok=True)
    own_settings.home.write_text("a file where the home folder should be")
    with pytest.raises(StateError, match=r"registry\.db"):
        Registry.open(own_settings)


def test_a_database_that_is_no_database_is_refused_by_name(own_settings: Settings) -> None:
    file = own_settings.paths.registry / "registry.db"
    file.parent.mkdir(parents=True)
    file.write_text("a text, and long enough that nobody takes it for a header of SQLite" * 20)
    with pytest.raises(StateError, match="file is not a database"):
        Registry.open(own_settings)


def test_a_bundle_store_of_unknown_kind_is_refused(home: Path) -> None:
    with pytest.raises(StateError, match="bundle store nowhere://x"):
        Registry.open(Settings(home=home, bundle_url="nowhere://x"))


def test_the_read_client_imports_neither_alembic_nor_what_services_must_not_carry(
    own_settings: Settings, draft: Callable[..., VersionDraft], bundle: Callable[..., Path]
) -> None:
    with Registry.open(own_settings) as registry:
        registry.register(draft(), bundle())
    script = (
        "import sys; from pathlib import Path; from tradewind_contracts.settings import Settings; "
        "from tradewind_registry.client import RegistryClient; "
        "client = RegistryClient.open(Settings(home=Path(sys.argv[1]))); client.open_bundle(client.resolve('eta@1')); "
        "print(sorted({'alembic', 'feast', 'pandas', 'pyarrow', 'dagster', 'torch', 'lightgbm', 'matplotlib'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(own_settings.home)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_main_metric_stays_first_on_every_backend(
    registry: Registry, draft: Callable[..., VersionDraft], bundle: Callable[..., Path]
) -> None:
    registry.register(draft(metrics={"z_days": 1.0, "a_days": 2.0}), bundle())
    assert list(registry.summaries("eta")[0].metrics) == ["z_days", "a_days"]


def test_a_database_that_was_put_back_from_a_backup_is_read_by_clients_that_are_open(
    own_settings: Settings, draft: Callable[..., VersionDraft], bundle: Callable[..., Path]
) -> None:
    with Registry.open(own_settings) as registry:
        registry.register(draft("a"), bundle("a"))
    file = own_settings.paths.registry / "registry.db"
    with RegistryClient.open(own_settings) as client:
        assert client.resolve("eta@1").number == 1
        backup = file.with_name("backup.db")
        with sqlite3.connect(file) as source, sqlite3.connect(backup) as target:
            source.backup(target)
        source.close()
        target.close()
        with Registry.open(own_settings) as registry:
            registry.register(draft("b"), bundle("b"))
        assert client.resolve("eta@2").number == 2
        for name in ("registry.db-wal", "registry.db-shm"):
            file.with_name(name).unlink(missing_ok=True)
        backup.replace(file)
        with pytest.raises(NotFoundError, match="there is eta@1 only"):
            client.resolve("eta@2")
        with Registry.open(own_settings) as registry:
            (lost,) = registry.orphans()
            with pytest.raises(StateError, match="tradewind doctor"):
                registry.discard(lost)
        file.unlink()
        with pytest.raises(StateError, match=r"registry\.db.*No such file"):
            client.resolve("eta@1")
        assert not file.exists(), "nobody makes an empty one in its place"


def test_a_postgresql_that_never_answers_is_out_of_reach_within_seconds(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes the connection and says nothing
        url = f"postgresql+psycopg://test@127.0.0.1:{silent.getsockname()[1]}/test"
        began = time.monotonic()
        with pytest.raises(StateError, match="timeout"):
            RegistryClient.open(Settings(home=home, registry_url=url))
        assert time.monotonic() - began < 20, "a minute and more without a limit"


def test_a_reading_session_sees_one_state_whatever_is_written_meanwhile(
    passed_versions: Registry, registry_settings: Settings, verdict: Callable[..., Verdict]
) -> None:
    database = Database(registry_settings.database_url)
    try:
        with database.reading() as session:
            before = len(queries.verdicts_of(session, "eta", 1))
            passed_versions.record_verdicts("eta", 1, [verdict("covers", passed=False)])
            assert len(queries.verdicts_of(session, "eta", 1)) == before, "one session, one state"
        with database.reading() as session:
            assert len(queries.verdicts_of(session, "eta", 1)) == before + 1
    finally:
        database.close()
