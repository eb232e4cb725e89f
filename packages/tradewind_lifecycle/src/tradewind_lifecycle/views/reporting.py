"""What a person reads about versions of views: which there are, who needs them, how far their rows go and what to do about it."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import duckdb

from tradewind_contracts.errors import StateError
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.views.evolution import version_of
from tradewind_lifecycle.views.living import Need, living_needs


@dataclass(frozen=True)
class VersionLine:
    """One version of a view.

    ``state``: ``declared`` (the one that feature_repo declares), ``kept`` (superseded, and a living model needs it) or ``lost`` (a living
    model needs it and it is nowhere). ``rows_to``: event time of its newest published row; None where there is none.
    ``name``: under which it is registered; ``number``: 0 where nobody knows.
    """

    view: str
    name: str
    number: int
    digest: str
    state: str
    needs: tuple[Need, ...]
    rows_to: dt.datetime | None
    advice: str


def version_lines(settings: Settings) -> list[VersionLine]:
    """All versions of all views of the world, by view and number.

    Raises:
        StateError: nothing is registered, or the model registry or a dataset can't be read.
    """
    from tradewind_lifecycle.feature_store import open_store, quiet_feast

    store = open_store(settings)
    with quiet_feast():
        views = store.list_batch_feature_views()
        request_time = {view.name for view in store.list_on_demand_feature_views()}
    if not views:
        raise StateError(f"{settings.paths.feast_registry}: no feature views are registered; `make run` applies them")
    needs = living_needs(settings)
    lines = [_line(view, needs.get(version_of(view).own, {})) for view in views]
    there = {line.digest for line in lines}
    for view, digests in needs.items():
        if view not in request_time:
            lines += [_lost(view, digest, who) for digest, who in digests.items() if digest not in there]
    return sorted(lines, key=lambda line: (line.view, line.number, line.name))


def _line(view: Any, needs: Any) -> VersionLine:
    version = version_of(view)
    who = needs.get(version.digest, ())
    rows_to = newest_row(view)
    if version.name == version.own:
        return VersionLine(version.own, version.name, version.number, version.digest, "declared", who, rows_to, "")
    ttl = f"its values expire {view.ttl.total_seconds() / 3600:g} hours after" if view.ttl else "its values never expire"
    end = f"{rows_to:%Y-%m-%d}" if rows_to else "the beginning"
    advice = (
        f"no new rows come to it: they end at {end}, ages grow and {ttl}; train on {version.own} as it is now and promote (`make run` does)"
        if who
        else "no alias needs it any more; the next apply removes it (`make run` does)"
    )
    return VersionLine(version.own, version.name, version.number, version.digest, "kept", who, rows_to, advice)


def _lost(view: str, digest: str, who: Iterable[Need]) -> VersionLine:
    advice = "its rows are nowhere, so services refuse who needs it; train on the view as it is now and promote (`make run` does)"
    return VersionLine(view, "", 0, digest, "lost", tuple(who), None, advice)


def newest_row(view: Any) -> dt.datetime | None:
    """The event time of the newest row that a registered view's dataset holds; None where it holds none.

    Raises:
        StateError: the dataset can't be read.
    """
    from tradewind_features.datasets import open_dataset, quoted

    dataset = open_dataset(view.batch_source)
    days = [part.day for part in dataset.parts if part.day is not None]
    if days and len(days) == len(dataset.parts):
        newest = dt.datetime.combine(max(days), dt.time(), dt.UTC)
        dataset = dataset.within(newest, newest)
    column = quoted(view.batch_source.timestamp_field)
    with duckdb.connect() as connection:
        found = connection.execute(f"select epoch_us(max({column})) from {dataset.scan()}").fetchone()  # noqa: S608 - the name is quoted
    if found is None or found[0] is None:
        return None
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=int(found[0]))
