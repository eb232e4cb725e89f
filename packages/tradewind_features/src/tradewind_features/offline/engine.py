"""One DuckDB for one retrieval: limits on memory and threads, a folder to spill into that goes away, errors that say what to do."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tradewind_contracts.errors import SettingsError, StateError
from tradewind_features.datasets import Dataset


@dataclass(frozen=True)
class Limits:
    """What a retrieval may use: DuckDB's memory (``2GB``), threads, and a folder for what does not fit (``None``: a temporary one)."""

    memory: str = "2GB"
    threads: int = 2
    spill: Path | None = None


class Engine:
    """A DuckDB connection of its own, in memory, in UTC, that ends with the retrieval."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, limits: Limits) -> None:
        self.connection = connection
        self.limits = limits

    def run(self, sql: str) -> None:
        """Run a statement for its effect."""
        self.connection.execute(sql)

    def row(self, sql: str) -> tuple[Any, ...]:
        """The one row of a query's answer."""
        found = self.connection.execute(sql).fetchone()
        assert found is not None, sql
        return tuple(found)

    def arrays(self, sql: str) -> dict[str, Any]:
        """A query's answer as numpy arrays by column; of columns without nulls."""
        # By way of Arrow: DuckDB collects that in all its threads, and numpy's own form in one.
        table = self.arrow(sql)
        return {name: table.column(name).to_numpy() for name in table.column_names}

    def arrow(self, sql: str) -> pa.Table:
        """A query's answer as an Arrow table."""
        table: pa.Table = self.connection.sql(sql).to_arrow_table()
        return table

    def memory_bytes(self) -> int:
        """DuckDB's memory limit in bytes."""
        return memory_bytes(self.limits.memory)

    @contextlib.contextmanager
    def registered(self, name: str, table: "pa.Table | pa.RecordBatchReader") -> Iterator[None]:
        """Arrow rows as a view ``name`` while the block runs; copy them, since the planner does not know how many they are."""
        self.connection.register(name, table)
        try:
            yield
        finally:
            self.connection.unregister(name)


@contextlib.contextmanager
def open_engine(limits: Limits) -> Iterator[Engine]:
    """An engine for one retrieval.

    Raises:
        SettingsError: DuckDB does not know a limit.
        StateError: the folder for spilling can't be made.
    """
    with spill_folder(limits.spill) as spill, connect(limits, spill) as connection:
        yield Engine(connection, limits)


@contextlib.contextmanager
def spill_folder(parent: Path | None) -> Iterator[Path]:
    """A folder of its own to spill into, below ``parent`` or the system's temporary one, removed after.

    Raises:
        StateError: it can't be made.
    """
    try:
        if parent is not None:
            parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="spill-", dir=parent))
    except OSError as error:
        raise StateError(
            f"{parent or tempfile.gettempdir()}: can't be written for spilling ({error.strerror}); set offline_store.spill"
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def connect(limits: Limits, spill: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory under some limits, in UTC. ASOF never falls back on a loop: it does for tables that it believes to be small.

    Raises:
        SettingsError: DuckDB does not know a limit.
    """
    settings = {
        "memory_limit": limits.memory,
        "threads": limits.threads,
        "temp_directory": str(spill),
        "asof_loop_join_threshold": 0,
    }
    try:
        connection = duckdb.connect(config=settings)
    except duckdb.Error as error:
        raise SettingsError(f"offline store: memory_limit {limits.memory!r}, threads {limits.threads!r}: {error}") from error
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET python_enable_replacements = false")  # a query names tables, never somebody's variables
    return connection


def memory_bytes(limit: str) -> int:
    """Bytes of a limit as DuckDB writes it (``2GB``, ``512MiB``).

    Raises:
        SettingsError: DuckDB does not understand it.
    """
    units = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
    text = limit.strip().upper()
    number = text.rstrip("KMGTIB")
    try:
        return int(float(number) * units[text[len(number) :].strip() or "B"])
    except (KeyError, ValueError) as error:
        raise SettingsError(f"offline store: memory_limit {limit!r}; a number with a unit is expected, such as 2GB") from error


@contextlib.contextmanager
def reading(subject: str, dataset: Dataset | None = None, last: bool = True) -> Iterator[None]:
    """Say what went wrong while ``subject`` was read: the file that was replaced, the memory that was short, the value that is torn.

    With ``last`` (nothing more is read after) it is proved that no file was replaced meanwhile.

    Raises:
        StateError: a file was replaced or removed or can't be read, a value is not what its column says, memory or disk is short.
    """
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if dataset is not None:
            dataset.refuse_replaced()
            dataset.footers()
        raise _named(subject, dataset, error) from error
    if dataset is not None and last:
        dataset.refuse_replaced()


def _named(subject: str, dataset: Dataset | None, error: Exception) -> Exception:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    place = f" ({dataset.location})" if dataset is not None else ""
    if isinstance(error, duckdb.OutOfMemoryException):
        return StateError(f"{subject}{place}: {reason}; raise offline_store.memory_limit, or free room for spilling")
    if isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException):
        return StateError(f"{subject}{place}: a value is not what its column says: {reason}")
    return StateError(f"{subject}{place}: can't be read: {reason}")
