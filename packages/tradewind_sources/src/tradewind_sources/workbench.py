"""The bench on which a source's files become landing tables: an in-memory DuckDB, and the accounts of every row.

Schema ``source`` holds the files with typed columns, ``source_row`` and ``reason`` (null: usable); schema ``landed`` the landing
tables. Instants are naive UTC inside, so that no zone setting of the engine matters, and zoned in what is handed out.
"""

import collections
import datetime as dt
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from tradewind_contracts.errors import SourceError
from tradewind_contracts.instants import UTC
from tradewind_contracts.tables import FLAGS, TABLES, Column, Kind, Table
from tradewind_sources.archives import Archive
from tradewind_sources.casting import MISSING, UNREADABLE, readability_query, typed_query
from tradewind_sources.csv_text import SOURCE_ROW, TextFile, read_text
from tradewind_sources.declaration import Form, SourceFile
from tradewind_sources.report import FileReport, TableReport
from tradewind_sources.source import QUARANTINE, LandingContext
from tradewind_sources.zones import to_utc

UNREADABLE_SHARE_MAX = 0.5
"""Above this share of unreadable values a column is of another type, and the file is refused. Chosen: single bad values are far
below, a changed format is far above."""


@dataclass(frozen=True)
class _Loaded:
    file: SourceFile
    table: str
    text: TextFile


class Workbench:
    """Reads files, refuses rows, lands tables. Use as a context manager.

    ``zone``: the zone of the source's local times; ``now``: the wall clock, after which nothing can have happened. What came of
    it stands in ``tables`` (by name), ``files``, ``reports`` and ``skipped`` (see ``LandingReport``). ``source_flags`` are flags
    that count rows of a file which were merged (table → flag → rows).
    """

    def __init__(self, context: LandingContext, zone: str, now: dt.datetime) -> None:
        self.source = context.source
        self.zone = zone
        self.progress = context.progress
        self.tables: dict[str, pa.Table] = {}
        self.files: dict[str, FileReport] = {}
        self.reports: dict[str, TableReport] = {}
        self.skipped: dict[str, str] = {}
        self.source_flags: dict[str, dict[str, int]] = {}
        self._now = now.astimezone(UTC).replace(tzinfo=None)
        self._loaded: dict[str, _Loaded] = {}
        self._made_from: dict[str, str] = {}
        self._connection = connect(context)
        self._connection.execute("create schema source; create schema landed")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._connection.close()

    def execute(self, query: str) -> None:
        """Run a statement over the schemas ``source`` and ``landed``."""
        self._connection.execute(query)

    def count(self, query: str) -> int:
        """The one number that ``query`` gives."""
        row = self._connection.execute(query).fetchone()
        return int(row[0]) if row else 0

    def load(self, archive: Archive, file: SourceFile, table: str) -> None:
        """Read ``file``, meant for the landing table ``table``, into ``source.<alias>``; bad, future and duplicate rows get reasons.

        Raises:
            SourceError: the file is not what it should be (see ``read_text``), a column is of another type, or no row is usable.
        """
        text = read_text(archive, file)
        self._loaded[file.alias] = _Loaded(file, table, text)
        self.progress(f"{file.name}: {text.rows:,} rows")
        self._connection.register(f"text_{file.alias}", text.table)
        typed = self._connection.execute(typed_query(file, f"text_{file.alias}")).to_arrow_table()
        self._connection.register("typed", self._in_utc(typed, file))
        self.execute(f"create table source.{file.alias} as select * from typed")
        self._connection.unregister("typed")
        self._check_types(archive, file)
        self._refuse_the_future(file)
        self._refuse_duplicates(file)
        self._require_usable(file.alias, f"select count(*) from source.{file.alias} where reason is null", table)

    def refuse(self, alias: str, reason: str, condition: str) -> None:
        """Give the usable rows of ``source.<alias>`` that meet ``condition`` (SQL) the ``reason``."""
        self.execute(f"update source.{alias} set reason = '{reason}' where reason is null and ({condition})")

    def refuse_orphans(self, alias: str, column: str, parent: str, parent_column: str, reason: str) -> None:
        """Refuse the rows of ``source.<alias>`` whose ``column`` names no usable row of ``source.<parent>``."""
        known = f"select {parent_column} from source.{parent} where reason is null and {parent_column} is not null"
        self.refuse(alias, reason, f"{column} not in ({known})")

    def land(self, table: Table, made_from: str, query: str) -> None:
        """Make the landing table ``table`` from ``query``, which gives its columns and ``flags``; ``changed_at`` is added.

        Nullable columns that ``query`` does not give are null. ``made_from`` is the alias of a file, or ``landed.<table>`` for
        what is derived from another landing table.

        Raises:
            SourceError: no row is usable.
        """
        milestones = ", ".join(table.milestones)
        changed_at = f"greatest({milestones})" if milestones else "null::timestamp"
        whole = f"select *{self._absent(table, query)} from ({query})"
        self.execute(f"create table landed.{table.name} as select *, {changed_at} as changed_at from ({whole})")
        self._made_from[table.name] = made_from
        self._require_usable(made_from, f"select count(*) from landed.{table.name}", table.name)
        columns = ", ".join(column.name for column in table.all_columns)
        key = ", ".join(table.key)
        rows = self._connection.execute(f"select {columns} from landed.{table.name} order by {key}").to_arrow_table()
        self.tables[table.name] = rows.cast(_naive(table.schema)).cast(table.schema)

    def skip(self, table: str, reason: str) -> None:
        """Record, and say, that ``table`` can't be filled from this data."""
        self.skipped[table] = reason
        self.progress(f"{table}: skipped, {reason}")

    def finish(self) -> None:
        """Skip what was neither landed nor skipped, close the accounts and add the ``quarantine``."""
        for name in TABLES:
            if name not in self.tables and name not in self.skipped:
                self.skip(name, f"the source {self.source} has none")
        for loaded in self._loaded.values():
            self.files[loaded.file.name] = self._file_report(loaded)
        for name, rows in self.tables.items():
            self.reports[name] = self._table_report(name, rows)
        parts = [self._quarantined(loaded) for loaded in self._loaded.values()]
        refused = pa.concat_tables(parts).cast(QUARANTINE)
        self.tables["quarantine"] = refused.sort_by([("source_file", "ascending"), (SOURCE_ROW, "ascending")])

    def _absent(self, table: Table, query: str) -> str:
        given = {str(row[0]) for row in self._connection.execute(f"describe {query}").fetchall()}
        absent = (column for column in table.columns if column.nullable and column.name not in given)
        return "".join(f", null::{_naive_sql(column)} as {column.name}" for column in absent)

    def _check_types(self, archive: Archive, file: SourceFile) -> None:
        if not any(reason.endswith((UNREADABLE, MISSING)) for reason in self._reasons(file.alias)):
            return
        counts = self._connection.execute(readability_query(file, f"text_{file.alias}")).fetchone() or ()
        for column, filled, unreadable, sample in zip(file.columns, counts[0::3], counts[1::3], counts[2::3], strict=True):
            if column.required and filled == 0:
                raise SourceError(f"{archive.label}: {file.name}: column {column.name} is empty; expected {column.form.value} in each row")
            if filled and unreadable / filled > UNREADABLE_SHARE_MAX:
                raise SourceError(
                    f"{archive.label}: {file.name}: column {column.name} is of another type: expected {column.form.value} "
                    f"(found: {str(sample)[:60]!r}; {unreadable:,} of {filled:,} values can't be read); pass the archive as downloaded"
                )

    def _in_utc(self, typed: pa.Table, file: SourceFile) -> pa.Table:
        for column in file.columns:
            if column.form is not Form.LOCAL_INSTANT:
                continue
            place = typed.schema.get_field_index(column.name)
            local = typed.column(column.name).cast(pa.timestamp("us")).to_numpy()
            typed = typed.set_column(place, column.name, pa.array(to_utc(local, self.zone), pa.timestamp("us")))
        return typed

    def _refuse_the_future(self, file: SourceFile) -> None:
        happened = [column.name for column in file.columns if column.form is Form.LOCAL_INSTANT and not column.plan]
        if happened:
            later = " or ".join(f"{name} > timestamp '{self._now}'" for name in happened)
            self.refuse(file.alias, "in_the_future", later)

    def _refuse_duplicates(self, file: SourceFile) -> None:
        if not file.key:
            return
        numbered = (
            f"select source_row, row_number() over (partition by {', '.join(file.key)} order by source_row) as number "
            f"from source.{file.alias} where reason is null"
        )
        self.refuse(file.alias, "duplicate_key", f"source_row in (select source_row from ({numbered}) where number > 1)")

    def _require_usable(self, made_from: str, usable: str, table: str) -> None:
        if self.count(usable) == 0:
            refused = ", ".join(f"{count:,} {reason}" for reason, count in self._reasons(made_from).items()) or "there are none"
            raise SourceError(
                f"{self._name_of(made_from)}: none of its rows can be used for {table} ({refused}); pass the archive as downloaded"
            )

    def _reasons(self, alias: str) -> dict[str, int]:
        if alias not in self._loaded:
            return {}
        counted = self._connection.execute(
            f"select reason, count(*) from source.{alias} where reason is not null group by all order by all"
        ).fetchall()
        malformed = len(self._loaded[alias].text.malformed)
        return {str(reason): int(count) for reason, count in counted} | ({"malformed_row": malformed} if malformed else {})

    def _name_of(self, made_from: str) -> str:
        return self._loaded[made_from].file.name if made_from in self._loaded else made_from

    def _file_report(self, loaded: _Loaded) -> FileReport:
        reasons = self._reasons(loaded.file.alias)
        return FileReport(source_rows=loaded.text.rows, used_rows=loaded.text.rows - sum(reasons.values()), quarantined=reasons)

    def _table_report(self, name: str, rows: pa.Table) -> TableReport:
        made_from = self._made_from[name]
        flags = _flag_counts(rows) | self.source_flags.get(name, {})
        if made_from in self._loaded:
            base = self._file_report(self._loaded[made_from])
            source, used, quarantined = base.source_rows, base.used_rows, base.quarantined
        else:
            source = used = self.tables[made_from.removeprefix("landed.")].num_rows
            quarantined = {}
        return TableReport(
            made_from=self._name_of(made_from),
            source_rows=source,
            used_rows=used,
            quarantined=quarantined,
            landed_rows=rows.num_rows,
            flagged=flags,
        )

    def _quarantined(self, loaded: _Loaded) -> pa.Table:
        file = loaded.file
        refused = self._connection.execute(f"select source_row from source.{file.alias} where reason is not null").to_arrow_table()
        wanted = pc.is_in(loaded.text.table.column(SOURCE_ROW), refused.column(SOURCE_ROW).combine_chunks())
        self._connection.register("refused_text", loaded.text.table.filter(wanted))
        shown = ", ".join(f"'{column.name}': t.{column.name}" for column in file.kept)
        query = (
            f"select '{loaded.table}' as \"table\", '{file.name}' as source_file, s.source_row, s.reason, "
            f"to_json({{{shown}}})::varchar as row_json "
            f"from source.{file.alias} as s join refused_text as t on t.source_row = s.source_row"
        )
        rows = self._connection.execute(query).to_arrow_table().cast(QUARANTINE)
        malformed = [
            {"table": loaded.table, "source_file": file.name, "source_row": row, "reason": "malformed_row", "row_json": "{}"}
            for row in loaded.text.malformed
        ]
        return pa.concat_tables([rows, pa.Table.from_pylist(malformed, schema=QUARANTINE)])


def connect(context: LandingContext) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB with the threads and memory of ``context``."""
    config = {"threads": context.threads, "memory_limit": context.memory_limit, "temp_directory": context.spill}
    return duckdb.connect(config=config)


def flags(conditions: dict[str, str]) -> str:
    """SQL of the column ``flags``: the names whose condition (SQL) holds, joined by semicolons, in the order given."""
    cases = ", ".join(f"case when {condition} then '{name}' end" for name, condition in conditions.items())
    return f"concat_ws(';', {cases}) as {FLAGS.name}"


def _naive_sql(column: Column) -> str:
    return "timestamp" if column.kind is Kind.INSTANT else column.kind.sql


def _naive(schema: pa.Schema) -> pa.Schema:
    fields = [f.with_type(pa.timestamp("us")) if pa.types.is_timestamp(f.type) else f for f in schema]
    return pa.schema(fields)


def _flag_counts(rows: pa.Table) -> dict[str, int]:
    combinations = collections.Counter(rows.column(FLAGS.name).to_pylist())
    counted: collections.Counter[str] = collections.Counter()
    for combination, count in combinations.items():
        counted.update(dict.fromkeys(combination.split(";") if combination else [], count))
    return dict(sorted(counted.items()))
