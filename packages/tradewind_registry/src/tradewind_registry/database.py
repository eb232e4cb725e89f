"""The registry's database: one engine for SQLite and PostgreSQL, short transactions, migrations when it is opened."""

import contextlib
import fcntl
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session

from tradewind_contracts.errors import SettingsError, StateError, TradewindError
from tradewind_registry.schema import HEAD_REVISION

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another; chosen: a write takes milliseconds, so this is a queue of thousands."""

_MIGRATION_LOCK = 0x7261_6465
"""Key of PostgreSQL's advisory lock around migrations; chosen: any constant that is ours alone."""

_POSTGRESQL = "postgresql+psycopg"
"""The one driver of PostgreSQL that is installed."""

_IN_REACH = {"connect_timeout": 3, "tcp_user_timeout": 5_000, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2}
"""When PostgreSQL is out of reach, in libpq's words (seconds; ``tcp_user_timeout`` milliseconds), where the URL says nothing else. Chosen:
a service that asks every second or two learns it within seconds, also where packets are dropped without a word.
"""


class Database:
    """Transactions on the registry's tables.

    ``url`` is SQLAlchemy's: ``sqlite:///<path>`` or ``postgresql+psycopg://…`` (plain ``postgresql://…`` means the same).

    Raises:
        SettingsError: the URL is neither.
    """

    def __init__(self, url: str) -> None:
        self._url = _parsed(url)
        self._engine = _sqlite_engine(self._url) if self._sqlite_path is not None else _postgresql_engine(self._url)
        self._file: tuple[int, int] | None = None
        self._writing = self._engine.execution_options(tradewind_writes=True)
        # On PostgreSQL each statement of a reader would see a state of its own; SQLite's WAL gives a transaction one.
        self._reading = self._engine if self._sqlite_path is not None else self._engine.execution_options(isolation_level="REPEATABLE READ")

    @property
    def shown_url(self) -> str:
        """The URL without its password."""
        return self._url.render_as_string(hide_password=True)

    @property
    def _sqlite_path(self) -> Path | None:
        return Path(str(self._url.database)) if self._url.get_backend_name() == "sqlite" else None

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database and writes nothing.

        Raises:
            StateError: the database is out of reach.
        """
        with self._refusals():
            self._follow_file()
            with Session(self._reading) as session:
                yield session

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """A session in one transaction: committed when the block ends well, else undone whole.

        On SQLite it is the only writer from its first statement on (BEGIN IMMEDIATE); on PostgreSQL callers lock the
        model's row first, and what they read after that is what was committed by then (READ COMMITTED, whatever the server's default).

        Raises:
            StateError: the database is out of reach, full or read-only.
        """
        with self._refusals():
            self._follow_file()
            with Session(self._writing) as session, session.begin():
                yield session

    def exists(self) -> bool:
        """Whether the tables are there, of a revision that this code knows."""
        if self._sqlite_path is not None and not self._sqlite_path.exists():
            return False
        with self._refusals(), self._engine.connect() as connection:
            return _revision(connection) == HEAD_REVISION

    def is_empty(self) -> bool:
        """Whether nothing was ever registered: no file, or no tables of any revision.

        Raises:
            StateError: the database is out of reach or damaged, so nobody can say.
        """
        if self._sqlite_path is not None and not self._sqlite_path.exists():
            return True
        with self._refusals(), self._engine.connect() as connection:
            return _revision(connection) is None

    def migrate(self) -> None:
        """Bring the tables to the newest revision; several processes may do so at once.

        Raises:
            StateError: the database is out of reach, or was written by a newer Tradewind.
        """
        with self._refusals(), self._alone():
            with self._engine.connect() as connection:
                if _revision(connection) == HEAD_REVISION:
                    return
            with self._writing.begin() as connection:
                if self._sqlite_path is None:
                    connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                _upgrade(connection, self.shown_url)

    @contextlib.contextmanager
    def closed_on_refusal(self) -> Iterator[None]:
        """Return the connections when the block refuses: nobody is left who would."""
        try:
            yield
        except TradewindError:
            self.close()
            raise

    def close(self) -> None:
        """Return the connections."""
        self._engine.dispose()

    def _follow_file(self) -> None:
        # Connections keep their file open: where another took its name (a backup was put back), they would read the lost one for ever.
        if self._sqlite_path is None:
            return
        status = self._sqlite_path.stat()
        file = (status.st_dev, status.st_ino)
        if self._file not in (None, file):
            self._engine.dispose()
        self._file = file

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        # Two first openers would both switch the fresh file to WAL, which SQLite refuses without waiting (measured without
        # this lock: 4 of 960 openers, eight at once): one file lock orders them. PostgreSQL has its advisory lock instead.
        if self._sqlite_path is None:
            yield
            return
        self._sqlite_path.parent.mkdir(parents=True, exist_ok=True)
        with self._sqlite_path.with_name(self._sqlite_path.name + ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            connection = sqlite3.connect(self._sqlite_path)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            finally:
                connection.close()
            yield

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StateError(f"registry {self.shown_url}: {error.orig}; nothing was changed, {_advice(error.orig)}") from error
        except (OSError, sqlite3.Error) as error:
            raise StateError(f"registry {self.shown_url}: {error}; nothing was changed, {_advice(error)}") from error


def _advice(error: BaseException | None) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return "the file is damaged: restore it, or move it away and `tradewind doctor --mend` puts the rows back from the journal beside the bundles"
    return "see that it is in reach, has room and may be written, then run again"


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):  # as servers and other tools write it
            parsed = parsed.set(drivername=_POSTGRESQL)
        supported = parsed.drivername in {"sqlite", "sqlite+pysqlite", _POSTGRESQL} and bool(parsed.database)
    except (ArgumentError, NoSuchModuleError):
        supported = False
    if not supported:
        # The URL itself may hold a password: it is not repeated.
        raise SettingsError("registry_url: expected sqlite:///<path> or postgresql+psycopg://<user>@<host>/<database>")
    return parsed


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(url)

    def prepare(connection: Any, _record: object) -> None:
        # The driver would open transactions on its own and too late for IMMEDIATE: switch that off.
        connection.isolation_level = None
        for pragma in (f"busy_timeout = {BUSY_TIMEOUT_MS}", "foreign_keys = ON", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")

    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("tradewind_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def _postgresql_engine(url: URL) -> Engine:
    given = {name: value for name, value in _IN_REACH.items() if name not in url.query}
    return create_engine(url, pool_pre_ping=True, connect_args=given, isolation_level="READ COMMITTED")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("select version_num from alembic_version")).scalar_one_or_none()


def _upgrade(connection: Connection, shown_url: str) -> None:
    # Imported here: services read the registry, and only who writes it needs Alembic.
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StateError(f"registry {shown_url}: {error}; it was written by a newer Tradewind, update this one") from error
