"""The second detector: a feature row that was visible never changes.

A row (entity, instant) is a function of what was known before its instant, so what is built later, from more data, has it unchanged. A
feature that peeks into the future changes when the future arrives. Two builds of a dataset are held against each other: days by the
digests of their partitions, and the rows of days that differ one by one.

It sees whatever depends on data that came between the two builds. It can't see a peek into a future that both builds knew already.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from tradewind_features.datasets import Dataset, open_path, quoted
from tradewind_lifecycle.partitions import LISTING, read_partitions

EVENT, CREATED = "event_timestamp", "created_timestamp"
SAMPLES = 5
DAYS_NAMED = 10


@dataclass(frozen=True)
class RowChanges:
    """What became of the rows of one dataset between two builds.

    ``rows``: those of the former build in the days compared. ``changed``: rows of both with other values, ``columns`` counts them by
    column. ``vanished``: rows that only the former has. ``added``: rows that only the later has and that were to be known by its former,
    by their created time. ``days``: with such rows, at most ten are named. ``samples``: at most five rows.
    """

    rows: int
    changed: int = 0
    vanished: int = 0
    added: int = 0
    columns: dict[str, int] = field(default_factory=dict)
    days: list[str] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)


def changed_days(before: Path, after: Path) -> tuple[set[str], set[str]] | None:
    """Days that both datasets have with other bytes, and days that only the former has though the latter goes back as far.

    ``None`` where one of them is not in daily partitions: then all its rows are compared. Days before the latter's oldest went by its
    retention.
    """
    if not ((before / LISTING).exists() and (after / LISTING).exists()):
        return None
    former, latter = read_partitions(before), read_partitions(after)
    oldest = min(latter, default="")
    changed = {day for day, part in former.items() if day in latter and latter[day].digest != part.digest}
    return changed, {day for day in former if day not in latter and day >= oldest}


def compare_datasets(name: str, before: Path, after: Path, key: Sequence[str], known_until: dt.datetime) -> RowChanges:
    """The rows of ``before`` held against those of ``after``; ``key``: the columns that tell a row, created time aside.

    ``known_until``: what was created later could not be in the former build.

    Raises:
        StateError: a dataset is gone or can't be read.
    """
    days = changed_days(before, after)
    former, latter = open_path(name, before), open_path(name, after)
    if days is not None:
        changed, gone = days
        if not changed | gone:
            return RowChanges(rows=0)
        former, latter = _of_days(former, changed | gone), _of_days(latter, changed)
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return compare_rows(connection, f"select * from {former.scan()}", f"select * from {latter.scan()}", key, known_until)  # noqa: S608 - made by a dataset


def compare_rows(
    connection: duckdb.DuckDBPyConnection, before: str, after: str, key: Sequence[str], known_until: dt.datetime
) -> RowChanges:
    """The same of two queries with equal columns."""
    by = [*dict.fromkeys([*key, EVENT, CREATED])]
    columns = [row[0] for row in connection.execute(f"describe {before}").fetchall()]
    values = [name for name in columns if name not in by]
    keys = ", ".join(quoted(name) for name in by)
    changes = ", ".join(f"former.{quoted(name)} is distinct from latter.{quoted(name)} as {quoted(name)}" for name in values)
    some = " or ".join(quoted(name) for name in values) or "false"
    connection.execute(
        f"create or replace temp table held as select {keys}, former.there as was, latter.there as stands{', ' if changes else ''}{changes}"  # noqa: S608 - names are quoted
        f" from (select *, true as there from ({before})) as former full join (select *, true as there from ({after})) as latter using ({keys})"
    )
    connection.execute(
        "create or replace temp table found as select *,"  # noqa: S608 - names are quoted
        f" case when was and stands and ({some}) then 'changed' when was and stands is null then 'vanished'"
        f" when was is null and {quoted(CREATED)} <= $until then 'added' end as fate from held",
        {"until": known_until},
    )
    rows = _counted(connection, "was")
    fates = {fate: _counted(connection, f"fate = '{fate}'") for fate in ("changed", "vanished", "added")}
    counted = {name: _counted(connection, f"fate = 'changed' and {quoted(name)}") for name in values} if fates["changed"] else {}
    found = connection.execute(
        f"select distinct strftime({quoted(EVENT)}, '%Y-%m-%d') from found where fate is not null order by 1 limit {DAYS_NAMED}"  # noqa: S608 - names are quoted
    ).fetchall()
    samples = connection.execute(f"select {keys}, fate, {_list_of(values)} from found where fate is not null order by all limit {SAMPLES}")  # noqa: S608 - names are quoted
    names = [*by, "fate", "columns"]
    return RowChanges(
        rows=rows,
        **fates,
        columns={name: count for name, count in counted.items() if count},
        days=[row[0] for row in found],
        samples=[{name: _shown(value) for name, value in zip(names, row, strict=True)} for row in samples.fetchall()],
    )


def _list_of(values: Sequence[str]) -> str:
    """The names of the columns of a row that changed, as a list."""
    parts = ", ".join("case when " + quoted(name) + " then '" + name.replace("'", "''") + "' end" for name in values)
    return f"list_filter([{parts}], name -> name is not null)" if parts else "[]"


def _counted(connection: duckdb.DuckDBPyConnection, where: str) -> int:
    found = connection.execute(f"select count(*) from found where {where}").fetchone()  # noqa: S608 - names are quoted
    return int(found[0]) if found else 0


def _of_days(dataset: Dataset, days: set[str]) -> Dataset:
    return dataset.only(part.name for part in dataset.parts if part.day is not None and part.day.isoformat() in days)


def _shown(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.datetime) else value
