"""Backfill: the past days of one feature view, built and published without touching the others.

What "by day" means here. A view's dbt model computes all its days in one build, since a day's windows are differences of totals since the
first fact: there is no cheaper build of one day. Publication goes by day: a backfill rewrites the partitions of the days asked for and
links all others to the files that they were. A row (entity, t) is a function of what was known before t, whenever it is built, and its
created time is t plus the view's publication lag, never the clock: a training set of the past may use it as if it had always been there.

Rows that were published are never changed by filling what was missing. A day whose rows came out otherwise than they were published is
left as it is and told, unless rewriting is asked for.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any

import duckdb

from tradewind_contracts.errors import IntegrityError, NotFoundError, QualityError, SettingsError, StateError
from tradewind_contracts.files import sole_holder
from tradewind_contracts.manifest import Manifest, PublishedTable
from tradewind_contracts.settings import Settings
from tradewind_lifecycle import builds, checking, feature_store, partitions, publishing, warehouse
from tradewind_lifecycle.publishing import PublishedModel
from tradewind_lifecycle.views.definitions import sql_definition
from tradewind_lifecycle.warehouse import Half

HALF: Half = "features"
BATCH_DAYS = 90
"""Days of one publication: what is lost if the process is killed. Chosen: a quarter takes seconds, and a year is published in five steps."""
CREATED = "created_timestamp"
_SHOWN_DAYS = 5
_DAY = f"cast({partitions.EVENT} at time zone 'UTC' as date)"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Days:
    """UTC days of event time, both ends included; ``None`` leaves an end open. SettingsError where the last comes before the first."""

    first: dt.date | None = None
    last: dt.date | None = None

    def __post_init__(self) -> None:
        if self.first is not None and self.last is not None and self.last < self.first:
            raise SettingsError(f"days from {self.first} to {self.last}: the last comes before the first, so there are none")

    @property
    def is_all(self) -> bool:
        """Whether no end is given."""
        return self.first is None and self.last is None

    def __contains__(self, day: str) -> bool:
        return (self.first is None or day >= self.first.isoformat()) and (self.last is None or day <= self.last.isoformat())


@dataclass(frozen=True)
class Backfilled:
    """What a backfill did, in days (ISO): ``added`` were not published before, ``rewritten`` and ``removed`` were, ``left`` differ from what
    was built now and stayed as they were, ``expired`` are past the retention. ``rows`` are the view's in all.
    """

    view: str
    rows: int
    added: list[str] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)

    def said(self) -> str:
        """One line, and one more where days were left."""
        done = [f"{len(days):,} days {what}{_spans(days)}" for what, days in self._done() if days]
        line = f"{self.view}: {'; '.join(done) or 'nothing to do, these days are published as they are built'}; {self.rows:,} rows in all"
        if not self.left:
            return line
        shown = ", ".join(self.left[:_SHOWN_DAYS]) + (" …" if len(self.left) > _SHOWN_DAYS else "")
        return f"{line}\n{self.view}: {len(self.left):,} days were published with other rows and stay so ({shown}); --replace rewrites them"

    def _done(self) -> list[tuple[str, list[str]]]:
        return [
            ("added", self.added),
            ("rewritten", self.rewritten),
            ("removed", self.removed),
            ("left out, past the retention", self.expired),
        ]


@dataclass(frozen=True)
class _Plan:
    """Days by what is to be done with them, and the published days that stay."""

    done: Backfilled
    stays: list[str]

    @property
    def writes(self) -> list[str]:
        return sorted([*self.done.added, *self.done.rewritten])


def backfill_view(view: str, settings: Settings, days: Days = Days(), *, replace: bool = False, say: Say = lambda _: None) -> Backfilled:
    """Build the dbt model of ``view``, check it, publish its ``days`` in batches and register it.

    Killed in the middle, it goes on where it was when it is run again.

    Raises:
        NotFoundError: feature_repo declares no such view, or another declared view was never published (the days of this one are, by then).
        SettingsError: the view was redefined and only some of its days are asked for: days of two definitions don't stand in one dataset.
        StateError: the marts in the warehouse are not of what has landed, nothing is published, or another backfill is under way.
        QualityError: a test of the model, or a critical claim about its rows, failed; nothing was published.
        IntegrityError: a row's created time is not its event plus the lag that the model declares.
    """
    table = _model_of(view)
    if not builds.are_of_this_landing(settings):
        raise StateError(f"{settings.paths.warehouse}: its marts are not built from what has landed; `make run` builds them")
    folder = settings.paths.published / HALF
    with sole_holder(folder / ".backfill.lock", f"{folder}: another backfill is under way; wait for its end"):
        warehouse.build_model(table, settings, say)
        dbt_manifest = warehouse.dbt_manifest(settings)
        failed = checking.failed_critical(checking.check_model(table, settings, dbt_manifest))
        if failed:
            raise QualityError(f"{table}: {'; '.join(result.claim for result in failed)}; nothing was published")
        model = next(found for found in publishing.published_models(HALF, dbt_manifest) if found.name == table)
        definition = sql_definition(json.loads(dbt_manifest.read_text(encoding="utf-8")), table)
        lag = checking.publication_lags(dbt_manifest).get(table, dt.timedelta())
        done = publish_days(view, model, definition, lag, settings, days, replace=replace, say=say)
    feature_store.apply(settings, say)
    return done


def publish_days(
    view: str,
    model: PublishedModel,
    definition: str,
    lag: dt.timedelta,
    settings: Settings,
    days: Days,
    *,
    replace: bool = False,
    say: Say = lambda _: None,
) -> Backfilled:
    """Publish the ``days`` of ``model`` as it is built in the warehouse: see :func:`backfill_view`, which builds and checks it first."""
    folder = settings.paths.published / HALF
    before = Manifest.read(folder).tables.get(model.name)
    is_redefined = before is not None and bool(before.definition) and before.definition != definition
    if is_redefined and not days.is_all:
        raise SettingsError(f"{view}: its SQL is not what its published days were made by; backfill all its days (without --from and --to)")
    with warehouse.connect(settings) as connection:
        published = None if before is None or is_redefined else folder / before.path
        _see(connection, model, published)
        retention = None if model.keeps_all_days else settings.feature_retention_days
        plan = _planned(connection, view, model, days, retention, replace)
        _refuse_other_lags(connection, model, plan.writes, lag)
        if before is not None:
            # Its readers outlive the batches; the next apply lets it go.
            kept = publishing.kept_datasets(folder)
            publishing.keep_datasets(folder, {before.path: f"published before the backfill of {view}", **kept})
        rows = before.rows if before is not None and not is_redefined else 0
        earlier = None if before is None else folder / before.path
        for batch, table in _batches(connection, model, plan, folder, earlier, definition):
            before = publishing.replace_table(folder, model.name, before, table)
            rows = table.rows
            say(
                f"{view}: {batch[0]} to {batch[-1]} published, {len(plan.writes):,} days to write in all"
                if batch
                else f"{view}: days removed"
            )
    return replaced(plan.done, rows=rows)


def _model_of(view: str) -> str:
    views = {declared.name: str(declared.batch_source.name) for declared in feature_store.repository().views}
    if view not in views:
        raise NotFoundError(f"feature_repo declares no view {view!r} (there are: {', '.join(sorted(views))})")
    return views[view]


def _see(connection: duckdb.DuckDBPyConnection, model: PublishedModel, published: Path | None) -> None:
    """The views ``built_rows`` and ``published_rows``, with the same columns."""
    built = f"{model.schema}.{model.name}"
    try:
        columns = ", ".join(f'"{name}"' for name in connection.table(built).columns)
    except duckdb.CatalogException as error:
        raise StateError(f"{built} is not built; `tradewind features backfill` and `make run` build it") from error
    connection.execute(f"create or replace temp view built_rows as select {columns} from {built}")  # noqa: S608 - names are dbt's
    files = [] if published is None else [published] if published.is_file() else sorted(published.rglob("*.parquet"))
    paths = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
    rows = f"read_parquet([{paths}], hive_partitioning=false)" if files else f"(select * from {built} limit 0)"  # noqa: S608 - names are dbt's
    try:
        connection.execute(f"create or replace temp view published_rows as select {columns} from {rows}")  # noqa: S608 - names are dbt's, paths quoted
    except duckdb.BinderException as error:
        raise IntegrityError(
            f"{published}: its columns are not those of {built} ({error}); publish the view whole (`make run` does)"
        ) from error


def _planned(
    connection: duckdb.DuckDBPyConnection, view: str, model: PublishedModel, wanted: Days, retention: int | None, replace: bool
) -> _Plan:
    built, published = _days_in(connection, "built_rows"), _days_in(connection, "published_rows")
    if not built:
        raise QualityError(f"{model.schema}.{model.name}: 0 rows; there is nothing to backfill")
    oldest = "" if retention is None else (dt.date.fromisoformat(max(built | published)) - dt.timedelta(days=retention)).isoformat()
    asked = {day for day in built if day in wanted}
    missing = asked - published
    other = _differing(connection, sorted(asked & published)) | {day for day in published - built if day in wanted}
    return _Plan(
        Backfilled(
            view=view,
            rows=0,
            added=sorted(day for day in missing if day >= oldest),
            rewritten=sorted(other & built) if replace else [],
            removed=sorted(other - built) if replace else [],
            left=[] if replace else sorted(other),
            expired=sorted(day for day in missing if day < oldest),
        ),
        stays=sorted(published - (other if replace else set())),
    )


def _batches(
    connection: duckdb.DuckDBPyConnection, model: PublishedModel, plan: _Plan, folder: Path, earlier: Path | None, definition: str
) -> Iterator[tuple[list[str], PublishedTable]]:
    """Each batch of days and the dataset with them: what stays as published, and what was built of the days up to this batch.

    ``earlier``: the dataset before, of this definition or another; days with the same rows are linked to it.
    """
    writes = plan.writes
    ends = list(range(BATCH_DAYS, len(writes) + BATCH_DAYS, BATCH_DAYS)) or ([0] if plan.done.removed else [])
    for end in ends:
        # What is not written yet keeps the rows that it was published with until its batch comes.
        sides = {"published_rows": [*plan.stays, *writes[end:]], "built_rows": writes[:end]}
        for name, days in sides.items():
            connection.execute(f"create or replace temp table days_of_{name} as select unnest($days::date[]) as day", {"days": days})
        both = " union all ".join(f"select * from {name} where {_DAY} in (from days_of_{name})" for name in sides)  # noqa: S608 - names are our own constants
        connection.execute(f"create or replace temp view {model.name} as {both}")
        made = partitions.write_dataset(connection, f"temp.{model.name}", model.key, folder, earlier, None)
        earlier = folder / made.path
        entry = PublishedTable(path=made.path, digest=made.digest, rows=made.rows, columns=made.columns, definition=definition)
        yield writes[max(end - BATCH_DAYS, 0) : end], entry


def _differing(connection: duckdb.DuckDBPyConnection, days: Sequence[str]) -> set[str]:
    """The ``days`` whose rows were published otherwise than they are built now."""
    rows = "(select *, {day} as day from {name} where {day} in (select unnest($days::date[])))"
    built, published = rows.format(day=_DAY, name="built_rows"), rows.format(day=_DAY, name="published_rows")
    found = connection.execute(
        f"select distinct day::varchar from (({built} except all {published}) union all ({published} except all {built}))",  # noqa: S608 - names are our own constants
        {"days": list(days)},
    ).fetchall()
    return {str(row[0]) for row in found}


def _refuse_other_lags(connection: duckdb.DuckDBPyConnection, model: PublishedModel, days: Sequence[str], lag: dt.timedelta) -> None:
    found: Any = connection.execute(
        f"select count(*), min({partitions.EVENT})::varchar from built_rows"  # noqa: S608 - names are our own constants
        f" where {_DAY} in (select unnest($days::date[])) and {CREATED} is distinct from {partitions.EVENT} + $lag",
        {"days": list(days), "lag": lag},
    ).fetchone()
    if found[0]:
        raise IntegrityError(
            f"{model.schema}.{model.name}: {found[0]:,} rows (the first of {found[1]}) are not created at their event plus"
            f" {lag.total_seconds() / 60:g} minutes, the declared lag; a training set of the past could not use them; nothing was published"
        )


def _days_in(connection: duckdb.DuckDBPyConnection, rows: str) -> set[str]:
    return {str(row[0]) for row in connection.execute(f"select distinct {_DAY}::varchar from {rows}").fetchall()}  # noqa: S608 - names are our own constants


def _spans(days: Sequence[str]) -> str:
    return f" ({days[0]} to {days[-1]})" if len(days) > 1 else f" ({days[0]})"
