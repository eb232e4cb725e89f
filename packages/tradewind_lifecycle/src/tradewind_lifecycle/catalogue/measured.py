"""The measured part of the catalogue: how fresh a view is in a world, how much of it is null, and what it costs there."""

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.instants import UTC
from tradewind_contracts.manifest import MANIFEST, Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_features.datasets import open_path
from tradewind_features.materialization import ViewMaterialization, read_materializations
from tradewind_features.online.backend import Standing
from tradewind_features.online.reader import OnlineReader
from tradewind_lifecycle.catalogue.declared import View
from tradewind_lifecycle.catalogue.scanning import Details, Scanned, pushed_rows

HALF = "features"


@dataclass(frozen=True)
class MeasuredView:
    """One view in one world, as it was to be seen at the world's clock ``now``.

    ``rows``, ``bytes``, ``first_at``, ``last_at``: of all that is published and pushed, however far beyond the clock it reaches.
    ``newest_at``: of the rows with event and created time by ``now``; ``details``: of all those rows, None where nobody asked.
    ``build_seconds``: of the view's dbt model in its newest build; None where that is not known. ``materialized``: the newest entry of the
    log of materializations, None where the view was never brought online. ``online``: what the online store holds of it now, None where it
    holds no such view or can't be read. ``older``: names under which the store keeps older definitions of it for living models.
    """

    view: str
    now: dt.datetime
    ttl_hours: float
    path: Path
    rows: int
    bytes: int
    first_at: dt.datetime | None
    last_at: dt.datetime | None
    newest_at: dt.datetime | None
    details: Details | None
    build_seconds: float | None
    materialized: ViewMaterialization | None
    online: Standing | None
    older: tuple[str, ...]

    @property
    def age_hours(self) -> float | None:
        """Hours from the newest visible row to the clock."""
        return None if self.newest_at is None else (self.now - self.newest_at).total_seconds() / 3600

    @property
    def is_expired(self) -> bool:
        """Whether even the newest row is past its ttl, so that nobody is served a value."""
        return bool(self.ttl_hours) and self.age_hours is not None and self.age_hours > self.ttl_hours

    @property
    def online_newest_at(self) -> dt.datetime | None:
        """The event time of the newest row in the online store."""
        if self.online is None or self.online.newest_event_us is None:
            return None
        return _EPOCH + dt.timedelta(microseconds=self.online.newest_event_us)

    @property
    def online_age_hours(self) -> float | None:
        """Hours from the newest row in the online store to the clock."""
        return None if self.online_newest_at is None else (self.now - self.online_newest_at).total_seconds() / 3600

    @property
    def is_behind(self) -> bool:
        """Whether the online store lacks the newest row that could be seen at the clock."""
        return self.newest_at is not None and self.online_newest_at != self.newest_at


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)


def online_standing(settings: Settings) -> dict[str, Standing]:
    """What the world's online store holds, by view (older definitions as ``<view>_v<n>``); empty where there is no store yet.

    Raises:
        StateError: it can't be read.
    """
    location = settings.online_location
    if isinstance(location, Path) and not location.exists():
        return {}
    reader = OnlineReader(location)
    try:
        return reader.standing()
    finally:
        reader.close()


def measured(
    settings: Settings, views: Iterable[View], standing: Mapping[str, Standing], *, details: bool = True
) -> dict[str, MeasuredView]:
    """Each of ``views`` that the settings' world has published, by name; empty where there is no world, or nothing published yet.

    ``standing``: what the online store holds. ``details=False`` leaves out what needs every row to be read.

    Raises:
        StateError: a published file is gone or can't be read.
        IntegrityError: a manifest or an entry of the log is damaged.
    """
    paths = settings.paths
    folder = paths.published / HALF
    if not paths.world_file.exists() or not (folder / MANIFEST).exists():
        return {}
    now = World.read(paths.world_file).clock.now()
    tables = Manifest.read(folder).tables
    seconds = build_seconds(paths.dbt_target)
    logged = {entry.view: entry for entry in read_materializations(paths.materializations)}
    found = {}
    with duckdb.connect(config={"threads": settings.threads, "memory_limit": settings.memory_limit}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for view in views:
            if view.model not in tables:
                continue
            published = tables[view.model]
            source = Scanned(connection, open_path(view.model, folder / published.path), pushed_rows(paths.pushed, view.model), now)
            first, last = source.span()
            newest = source.newest_visible()
            found[view.name] = MeasuredView(
                view=view.name,
                now=now,
                ttl_hours=view.ttl_hours,
                path=folder / published.path,
                rows=published.rows + (source.pushed.rows() if source.pushed else 0),
                bytes=source.dataset.size,
                first_at=first,
                last_at=last,
                newest_at=newest,
                details=source.details(view, newest) if details else None,
                build_seconds=seconds.get(view.model),
                materialized=logged.get(view.name),
                online=standing.get(view.name),
                older=tuple(sorted(name for name in standing if re.fullmatch(rf"{view.name}_v\d+", name))),
            )
    return found


def build_seconds(dbt_target: Path) -> dict[str, float]:
    """Seconds that each dbt model took in the newest build of its half, as dbt noted them; empty where it noted none.

    Raises:
        IntegrityError: dbt's notes are damaged.
    """
    path = dbt_target / "run_results.json"
    try:
        results = json.loads(path.read_text(encoding="utf-8"))["results"]
        models = [result for result in results if result["unique_id"].startswith("model.") and result["status"] == "success"]
        return {result["unique_id"].rpartition(".")[2]: float(result["execution_time"]) for result in models}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{path}: not what dbt notes of a build ({error}); `make run` builds again") from error
