"""The online store of a world, filled up to the world's clock: what services read.

Feast is imported inside the functions: it costs seconds, and most callers of this package never need it.
"""

import contextlib
import datetime as dt
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from tradewind_contracts.errors import StateError
from tradewind_contracts.instants import UTC, iso
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_features.online import sqlite_file
from tradewind_lifecycle.feature_store import open_store, quiet_feast
from tradewind_lifecycle.partitions import refuse_missing_days

if TYPE_CHECKING:
    from feast import FeatureStore

    from tradewind_features.materialization import ViewMaterialization

_BEGINNING = dt.datetime(1970, 1, 1, tzinfo=UTC)
FIRST_STEP = dt.timedelta(days=1)
"""A store that holds nothing is filled as of a day before the clock and then, by what became visible since, up to it: the way that it
goes on day by day is gone from the first day on, and parity has two instants to judge."""


class MaterializedView(BaseModel):
    """One view in the online store: entities with a visible row, rows that are there for it, rows read, offered and written, entities
    left out as expired, and how (``whole`` or ``incremental``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    view: str
    entities: int
    rows: int
    scanned: int
    offered: int
    written: int
    expired: int
    mode: str
    seconds: float
    published: str


class MaterializationReport(BaseModel):
    """The online store after a materialization: the instant that it reaches to, and each view."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    to_at: str
    views: list[MaterializedView]

    @property
    def rows(self) -> int:
        """Rows that are there for this instant, over all views."""
        return sum(view.rows for view in self.views)

    @property
    def reused(self) -> bool:
        """Whether the store already held all of it."""
        return all(view.mode == "incremental" and view.offered == 0 for view in self.views)


def materialize(settings: Settings, progress: Callable[[str], None] = lambda _: None) -> MaterializationReport:
    """Bring the online store to the world's clock: of each view, what became visible since the last time.

    A row is visible if its event and created time are at or before the clock. ``progress`` hears one line per view. Vectors as a service reads
    them are recorded at each instant reached, for parity to judge. Then the files of pushed rows of days that are over are merged.

    Raises:
        StateError: nothing is registered, or a published file or the store can't be used.
        IntegrityError: a published day is gone.
    """
    from tradewind_features.materialization import materialized_now
    from tradewind_features.pushing.log import compact_all
    from tradewind_lifecycle import parity

    clock = World.read(settings.paths.world_file).clock.now()
    sqlite_file.set_damaged_aside(settings.paths.online_store)
    store = open_store(settings)
    with quiet_feast():
        views = sorted(store.list_batch_feature_views(), key=lambda view: view.name)
    if not views:
        raise StateError(f"{settings.paths.feast_registry}: no feature views are registered; `make run` applies them")
    for view in views:
        refuse_missing_days(Path(view.batch_source.path))
    steps = [clock] if materialized_now(settings.online_location) else [clock - FIRST_STEP, clock]
    report = MaterializationReport(to_at=iso(clock), views=[])
    for end in steps:
        report = _up_to(end, store, views, progress)
        if not (report.reused and parity.has_served(settings, end)):
            parity.record_served(settings, end)
    merged = compact_all(settings.paths.pushed, clock)
    if merged.files:
        progress(f"log of pushed rows: {merged.files:,} files of {merged.days:,} days merged, {merged.cleared:,} cleared away")
    return report


def has_online_store(settings: Settings) -> bool:
    """Whether there is an online store, its file undamaged; a damaged one is set aside and filled anew by :func:`materialize`.

    Raises:
        StateError: the server that holds it can't be reached.
    """
    from tradewind_features.materialization import materialized_now

    location = settings.online_location
    return sqlite_file.is_whole(location) if isinstance(location, Path) else bool(materialized_now(location))


def _up_to(end: dt.datetime, store: "FeatureStore", views: Sequence[Any], progress: Callable[[str], None]) -> MaterializationReport:
    done = []
    for view in views:
        # Through Feast, so that its registry knows the interval too; its bar is for whoever sits before it, and goes to no log.
        with quiet_feast(), contextlib.redirect_stderr(io.StringIO()):
            store.materialize(_BEGINNING, end, feature_views=[view.name])
        record = store.provider.materialized[-1]
        done.append(_reported(record))
        progress(
            f"{view.name} as of {iso(end)}: {record.rows:,} rows of {record.entities:,} entities "
            f"({record.mode}: {record.scanned:,} read, {record.written:,} written)"
        )
    return MaterializationReport(to_at=iso(end), views=done)


def _reported(record: "ViewMaterialization") -> MaterializedView:
    return MaterializedView(
        view=record.view,
        entities=record.entities,
        rows=record.rows,
        scanned=record.scanned,
        offered=record.offered,
        written=record.written,
        expired=record.expired,
        mode=record.mode,
        seconds=record.seconds,
        published=record.published,
    )
