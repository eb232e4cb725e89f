"""What is asked of a view's rows: which is the newest that could be seen at an instant, and how much of each feature is null."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import duckdb

from tradewind_contracts.errors import StateError
from tradewind_contracts.instants import UTC
from tradewind_features.datasets import Dataset, open_path, pushed_folder, quoted
from tradewind_features.pushing.listing import pushed_files
from tradewind_lifecycle.catalogue.declared import View

EVENT, CREATED = "event_timestamp", "created_timestamp"
_LOOKS_BACK = (dt.timedelta(days=3), dt.timedelta(days=60), None)
"""How far back the newest row is looked for, at first: of a view by days a few of many files are opened then."""


@dataclass(frozen=True)
class Details:
    """What is true of all rows of a view that could be seen at an instant.

    ``visible``: how many. ``entities``: of how many. By feature the share of nulls, 0 to 1: ``null_newest`` among the rows of the newest
    day (of a view that never expires, among all), ``null_all`` among all; empty where there is no row.
    """

    visible: int
    entities: int
    null_newest: Mapping[str, float]
    null_all: Mapping[str, float]


def pushed_rows(pushed: Path, source: str) -> Dataset | None:
    """The rows of ``source`` that were pushed later; None where there are none."""
    folder = pushed_folder(pushed, source)
    counted = set(pushed_files(folder))
    if not counted:
        return None
    dataset = open_path(source, folder)
    return replace(dataset, parts=tuple(part for part in dataset.parts if part.path in counted))


@dataclass(frozen=True)
class Scanned:
    """The published rows of a view and those ``pushed`` later, looked at as of ``now``: event and created time by then."""

    connection: duckdb.DuckDBPyConnection
    published: Dataset
    pushed: Dataset | None
    now: dt.datetime

    @cached_property
    def dataset(self) -> Dataset:
        """Both, as every reader of features takes both."""
        beside = self.pushed.parts if self.pushed else ()
        return replace(self.published, parts=(*self.published.parts, *beside))

    def span(self) -> tuple[dt.datetime | None, dt.datetime | None]:
        """The event times of the oldest and of the newest row, whatever could be seen."""
        days = [part.day for part in self.dataset.parts if part.day is not None]
        ends = {min(days), max(days)} if days else set()
        outer = replace(self.dataset, parts=tuple(part for part in self.dataset.parts if part.day is None or part.day in ends))
        first, last = self._row(f"select min({EVENT}), max({EVENT}) from {outer.scan()}")  # noqa: S608 - the dataset's own scan
        return _utc(first), _utc(last)

    def newest_visible(self) -> dt.datetime | None:
        """The event time of the newest row that could be seen; None where there is none."""
        for back in _LOOKS_BACK:
            rows = self._visible(None if back is None else self.now - back)
            (newest,) = self._row(f"select max({EVENT}) from {rows}", now=self.now)  # noqa: S608 - the dataset's own scan
            if newest is not None:
                return _utc(newest)
        return None

    def details(self, view: View, newest: dt.datetime | None) -> Details:
        """What is true of all rows that could be seen; ``newest`` is the event time of the newest one."""
        names, rows = [feature.name for feature in view.features], self._visible(None)
        counted = f"select count(*), count(distinct {quoted(view.join_key)}) from {rows}"  # noqa: S608 - the view's own key
        visible, entities = self._row(counted, now=self.now)
        every = self._null_shares(names, rows)
        if newest is None or not view.ttl_hours:
            return Details(visible, entities, every, every)
        day = newest.replace(hour=0, minute=0, second=0, microsecond=0)
        of_day = f"(select * from {self._visible(day)} where {EVENT} >= $day)"  # noqa: S608 - the dataset's own scan
        return Details(visible, entities, self._null_shares(names, of_day, day=day), every)

    def _visible(self, start: dt.datetime | None) -> str:
        """The rows that could be seen, of files that may hold events at or after ``start``."""
        scan = self.dataset.within(start, self.now).scan()
        return f"(select * from {scan} where {EVENT} <= $now and {CREATED} <= $now)"  # noqa: S608 - the dataset's own scan

    def _null_shares(self, names: list[str], rows: str, **values: dt.datetime) -> dict[str, float]:
        counts = ", ".join(f"count(*) - count({quoted(name)})" for name in names)
        total, *nulls = self._row(f"select count(*), {counts} from {rows}", now=self.now, **values)  # noqa: S608 - the view's own columns
        return {name: absent / total for name, absent in zip(names, nulls, strict=True)} if total else {}

    def _row(self, sql: str, **values: dt.datetime) -> tuple:  # type: ignore[type-arg]  # whatever DuckDB gives
        try:
            found = (self.connection.execute(sql, values) if values else self.connection.execute(sql)).fetchone()
        except duckdb.Error as error:
            reason = str(error).partition("\n")[0]
            raise StateError(f"{self.dataset.name}: its rows can't be read ({reason}); `make run` publishes it again") from error
        assert found is not None
        return tuple(found)


def _utc(instant: dt.datetime | None) -> dt.datetime | None:
    return None if instant is None else instant.astimezone(UTC)
