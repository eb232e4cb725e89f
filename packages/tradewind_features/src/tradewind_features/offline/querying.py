"""Entity rows as a query: SQL in a DuckDB that holds the published tables as views, and can neither write nor read anything else."""

from collections.abc import Callable, Mapping

import duckdb
import pyarrow as pa

from tradewind_contracts.errors import SettingsError
from tradewind_features.datasets import Dataset, quoted, text
from tradewind_features.offline.engine import Limits, connect, reading, spill_folder

Tables = Mapping[str, Callable[[], Dataset]]
"""What a query may read: by name, how to open it."""


def answer_query(query: str, tables: Tables, limits: Limits) -> pa.Table:
    """The answer of one SELECT over ``tables``; only those that it names are opened.

    Raises:
        SettingsError: it is not one SELECT, is wrong, or reaches for anything but the tables.
        StateError: a table can't be read.
    """
    with spill_folder(limits.spill) as spill, connect(limits, spill) as connection:
        opened = _open_named(connection, query, tables)
        paths = [str(path) for dataset in opened.values() for path in dataset.files]
        for name, dataset in opened.items():
            with reading(name, dataset):
                connection.execute(f"CREATE VIEW {quoted(name)} AS SELECT * FROM {dataset.scan()}")  # noqa: S608 - names are quoted
        connection.execute(f"SET allowed_paths = [{', '.join(map(text, paths))}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        answer = _run(connection, query, tables)
        for dataset in opened.values():
            dataset.refuse_replaced()
        return answer


def _open_named(connection: duckdb.DuckDBPyConnection, query: str, tables: Tables) -> dict[str, Dataset]:
    try:
        statements = connection.extract_statements(query)
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise SettingsError(f"entity rows (SQL): one SELECT is expected, which can only read; found {query.strip()[:200]!r}")
        named = {name.lower() for name in connection.get_table_names(query)}
    except duckdb.Error as error:
        raise _refusal(error, tables) from error
    return {name: opening() for name, opening in tables.items() if name.lower() in named}


def _run(connection: duckdb.DuckDBPyConnection, query: str, tables: Tables) -> pa.Table:
    try:
        answer: pa.Table = connection.sql(query).to_arrow_table()
    except duckdb.OutOfMemoryException:
        with reading("entity rows (SQL)"):
            raise
    except duckdb.Error as error:
        raise _refusal(error, tables) from error
    return answer


def _refusal(error: Exception, tables: Tables) -> SettingsError:
    names = ", ".join(sorted(tables)) or "none"
    return SettingsError(f"entity rows (SQL): {str(error).strip()}\nIt may read these tables, and nothing else: {names}")
