"""The bench on which day files become landing tables: an in-memory DuckDB that reads each file once and merges versions by key.

Schema ``usable`` holds the newest usable version of each row of the files read now, ``known`` what rows may refer to, ``landed``
views of what lands: those, and the rows that stand from the landing before. Instants are naive UTC inside.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from tradewind_contracts.tables import CHANGED_AT, FLAGS, TABLES, Column, Kind, PersonalData, Table
from tradewind_simulator.manifests import FileEntry
from tradewind_sources.simulator.folder import DAY, ROW, ObservedFolder, naive
from tradewind_sources.simulator.judging import REASON, judged_query, known_name
from tradewind_sources.source import QUARANTINE, LandingContext
from tradewind_sources.workbench import connect

_BATCH = 131_072
"""Rows asked for at once of a stream; what is written does not depend on it."""


class Bench:
    """Reads the files of one table after another, and gives the rows that land. Use it within ``contextlib.closing``.

    ``standing``: the Parquet file of each landing table that stands from the landing before.
    """

    def __init__(self, context: LandingContext, standing: Mapping[str, Path]) -> None:
        self._standing = standing
        self._connection = connect(context)
        self._connection.execute("create schema usable; create schema known; create schema landed")
        columns = ", ".join(f'"{field.name}" {"bigint" if field.type == pa.int64() else "varchar"}' for field in QUARANTINE)
        self._connection.execute(f"create table quarantine ({columns})")
        for reference in {known_name(r): r for table in TABLES.values() for r in table.references}.values():
            self._connection.execute(f"create table {known_name(reference)} (id {_kind(reference.table, reference.to)}, {DAY} date)")

    def close(self) -> None:
        """Let go of the engine."""
        self._connection.close()

    def read(self, table: Table, folder: ObservedFolder, files: Sequence[FileEntry]) -> dict[str, int]:
        """Read ``files`` and make ``landed.<table>``; the tables that ``table`` refers to come first. Returns refused rows by reason.

        Raises:
            SourceError: a file is not what the manifest names.
        """
        self._create(table)
        for batch in folder.batches(files):
            self._connection.register("batch", batch)
            self._connection.execute(f"insert into read_rows {judged_query(table, 'batch')}")
            self._connection.unregister("batch")
        self._quarantine(table, files)
        self._keep_newest(table)
        self._make_known(table)
        refused = self._connection.execute(f"select {REASON}, count(*) from read_rows where {REASON} is not null group by all order by all")
        reasons = {str(reason): int(count) for reason, count in refused.fetchall()}
        self._connection.execute("drop table read_rows")
        return reasons

    def flags(self, table: str) -> tuple[int, dict[str, int]]:
        """Rows that land in ``table``, and how many of them carry each flag."""
        combinations = self._connection.execute(f"select {FLAGS.name}, count(*) from landed.{table} group by all").fetchall()
        counted: dict[str, int] = {}
        for combination, count in combinations:
            for flag in combination.split(";") if combination else []:
                counted[flag] = counted.get(flag, 0) + int(count)
        return sum(int(count) for _, count in combinations), dict(sorted(counted.items()))

    def span(self) -> tuple[dt.datetime | None, dt.datetime | None]:
        """The first order's instant and the newest known instant of orders and parcels; None where there is no usable row."""
        first = self._instant("select min(ordered_at) from landed.orders")
        both = " union all ".join(f"select {CHANGED_AT.name} from landed.{name}" for name in ("orders", "parcels"))
        return first, self._instant(f"select max({CHANGED_AT.name}) from ({both})")

    def changed_since(self, table: str) -> tuple[int, dt.datetime | None]:
        """How many rows of ``table`` the files read now bring, and the earliest ``changed_at`` of them (None: one of them has none)."""
        query = f"select count(*), min({CHANGED_AT.name}), count({CHANGED_AT.name}) from usable.{table}"
        count, earliest, known = self._connection.execute(query).fetchone() or (0, None, 0)
        return int(count), _zoned(earliest) if known == count else None

    def rows(self, table: str) -> Callable[[], pa.RecordBatchReader]:
        """What lands in ``table``, in order of its key, as a stream."""
        declared = TABLES[table]

        def opened() -> pa.RecordBatchReader:
            columns = ", ".join(column.name for column in declared.all_columns)
            stream = self._connection.execute(f"select {columns} from landed.{table} order by {', '.join(declared.key)}")
            batches = stream.to_arrow_reader(_BATCH)
            plain = pa.schema([field.with_type(naive(field.type)) for field in declared.schema])
            typed = (part for batch in batches for part in pa.Table.from_batches([batch]).cast(plain).cast(declared.schema).to_batches())
            return pa.RecordBatchReader.from_batches(declared.schema, typed)

        return opened

    def quarantine(self) -> pa.Table:
        """All refused rows of the files read now and before, in order of file and row."""
        names = ", ".join(f'"{name}"' for name in QUARANTINE.names)
        before = self._standing.get("quarantine")
        earlier = f" union all select {names} from read_parquet('{_quoted(before)}')" if before else ""
        query = f"select {names} from (select * from quarantine{earlier}) order by source_file, source_row"
        refused: pa.Table = self._connection.execute(query).to_arrow_table().cast(QUARANTINE)
        return refused

    def _create(self, table: Table) -> None:
        columns = ", ".join(f"{column.name} {_sql(column)}" for column in table.columns)
        self._connection.execute(f"create table read_rows ({columns}, {DAY} date, {ROW} bigint, {REASON} varchar, {FLAGS.name} varchar)")

    def _quarantine(self, table: Table, files: Sequence[FileEntry]) -> None:
        days = pa.array([dt.date.fromisoformat(file.day) for file in files], pa.date32())
        self._connection.register("paths", pa.table({"file_day": days, "path": pa.array([file.path for file in files], pa.string())}))
        shown = ", ".join(f"'{c.name}': {c.name}::varchar" for c in table.columns if c.personal is not PersonalData.DIRECT)
        self._connection.execute(
            f"insert into quarantine select '{table.name}', path, {ROW}, {REASON}, to_json({{{shown}}})::varchar "
            f"from read_rows join paths on file_day = {DAY} where {REASON} is not null"
        )
        self._connection.unregister("paths")

    def _keep_newest(self, table: Table) -> None:
        """Make ``usable.<table>``, and ``landed.<table>`` of it and of the standing rows that it does not replace."""
        key = ", ".join(table.key)
        columns = ", ".join(column.name for column in table.all_columns)
        changed_at = f"greatest({', '.join(table.milestones)})" if table.milestones else "null::timestamp"
        self._connection.execute(
            f"create table usable.{table.name} as "
            f"with versions as (select {key}, max({DAY}) as _newest_day from read_rows where {REASON} is null group by {key} having count(*) > 1), "
            f"newest as (select r.*, {changed_at} as {CHANGED_AT.name} from read_rows as r left join versions using ({key}) "
            f"where {REASON} is null and (_newest_day is null or _newest_day = {DAY})) select {columns} from newest"
        )
        landed = f"select {columns} from usable.{table.name}"
        before = self._standing.get(table.name)
        if before:
            standing = ", ".join(_standing_value(column) for column in table.all_columns)
            landed += f" union all select {standing} from read_parquet('{_quoted(before)}') anti join usable.{table.name} using ({key})"
        self._connection.execute(f"create view landed.{table.name} as {landed}")

    def _make_known(self, table: Table) -> None:
        for to in sorted({r.to for other in TABLES.values() for r in other.references if r.table == table.name}):
            before = self._standing.get(table.name)
            earlier = f" union all select {to}, null from read_parquet('{_quoted(before)}')" if before else ""
            self._connection.execute(
                f"insert into known.{table.name}_{to} select {to}, nullif(min(coalesce({DAY}, date '0001-01-01')), date '0001-01-01') "
                f"from (select {to}, {DAY} from read_rows where {REASON} is null{earlier}) group by {to}"
            )

    def _instant(self, query: str) -> dt.datetime | None:
        row = self._connection.execute(query).fetchone()
        return _zoned(row[0]) if row else None


def _kind(table: str, column: str) -> str:
    return _sql(TABLES[table].column(column))


def _sql(column: Column) -> str:
    return "timestamp" if column.kind is Kind.INSTANT else column.kind.sql


def _standing_value(column: Column) -> str:
    # Read without a zone: the engine would shift zoned instants to its own.
    return f"make_timestamp(epoch_us({column.name})) as {column.name}" if column.kind is Kind.INSTANT else column.name


def _zoned(instant: dt.datetime | None) -> dt.datetime | None:
    return instant.replace(tzinfo=dt.UTC) if instant is not None else None


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
