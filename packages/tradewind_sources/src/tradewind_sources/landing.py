"""``land``: from somebody's data to the landing tables and the world's clock."""

import contextlib
import datetime as dt
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
from pydantic import ValidationError

import tradewind_sources
from tradewind_contracts.digests import digest_file, digest_json
from tradewind_contracts.errors import NotFoundError, SettingsError, StateError
from tradewind_contracts.instants import Clock, iso, local_midnight, parse_instant
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import TABLES
from tradewind_contracts.world import World
from tradewind_sources.olist import OLIST
from tradewind_sources.report import LandingReport
from tradewind_sources.simulator import SIMULATOR
from tradewind_sources.source import Delivery, Landing, LandingContext, Marketplace, Previous, Progress, Source
from tradewind_sources.storing import clean, locked, present, store

SOURCES: dict[str, Source] = {source.name: source for source in (OLIST, SIMULATOR)}
"""The sources that come with the house."""

AS_OF_DAYS_BEFORE_NEWEST = 30
"""Where the clock stands by default: so far before the newest row, that what came after can be shown beside each answer."""

_log = logging.getLogger(__name__)


def land(source: str, data: Path | None, settings: Settings, progress: Progress = _log.info) -> LandingReport:
    """Validate ``data``, land all tables that it fills in the settings' world, and set the world's clock.

    Rows that can't be used go to the landing table ``quarantine`` with a reason; oddities are kept and flagged. The same data
    (by content), the same code and the same declarations land nothing anew; another ``as_of`` then only rewrites ``world.json``.
    Where no data is given, a source that can make some does. ``progress`` gets one line per step.

    Raises:
        SourceError: the data is not what the source's data should be; nothing is written.
        SettingsError: there is no data, or ``as_of`` lies outside of it; landing and world are as before.
        StateError: the home can't be written, or another landing is under way; the last manifest still stands.
        NotFoundError: there is no such source.
    """
    found = _source(source)
    if data is None and found.prepare is not None:
        data = found.prepare(settings.paths.simulated, progress)
    if data is None:
        raise SettingsError(f"{source}: no data given; {found.how_to_get}")
    landing = settings.paths.landing
    with found.open(data) as delivery, locked(landing):
        clean(landing)
        digest = digest_json({"data": delivery.digest, "code": code_digest()})
        report = _stored_report(landing, digest)
        if report is None:
            report = _land_anew(found, delivery, settings, digest, progress)
        else:
            progress(f"{source}: nothing new in {data.name}, {len(report.tables)} tables stand")
            as_of = _as_of(settings.as_of, delivery.marketplace.zone, report.first_at, report.newest_at)
            report = report.model_copy(update={"as_of": as_of})
        _set_clock(found, delivery.marketplace, report.as_of, settings)
    return report


def code_digest() -> str:
    """The digest of what decides what lands besides the data: this package's code and the tables' declarations."""
    root = Path(tradewind_sources.__file__).parent
    code = {path.relative_to(root).as_posix(): digest_file(path) for path in sorted(root.rglob("*.py"))}
    return digest_json({"code": code, "tables": {name: repr(table) for name, table in TABLES.items()}})


def _source(name: str) -> Source:
    try:
        return SOURCES[name]
    except KeyError as error:
        raise NotFoundError(f"no source {name!r}; there are: {', '.join(sorted(SOURCES))}") from error


def _stored_report(landing: Path, digest: str) -> LandingReport | None:
    manifest = present(landing)
    if manifest is None or manifest.facts.get("input_digest") != digest:
        return None
    try:
        report = LandingReport.model_validate(manifest.facts["report"])
    except (KeyError, ValidationError):
        return None
    return report.model_copy(update={"reused": True})


def _land_anew(source: Source, delivery: Delivery, settings: Settings, digest: str, progress: Progress) -> LandingReport:
    with _room(settings) as spill:
        context = LandingContext(
            source.name, settings.threads, settings.memory_limit, spill, progress, _previous(settings.paths.landing, source)
        )
        with delivery.land(context) as landed:
            report = _report(source, delivery, landed, settings)
            chosen = _as_of(settings.as_of, delivery.marketplace.zone, landed.first_at, landed.newest_at)
            own = {"source": source.name, "code": code_digest(), "input_digest": digest, "report": report.model_dump(mode="json")}
            store(settings.paths.landing, landed.tables, {**landed.facts, **own})
    for name, file in report.files.items():
        if file.quarantined:
            progress(f"{name}: quarantined " + ", ".join(f"{count:,} {reason}" for reason, count in file.quarantined.items()))
    progress(f"{source.name}: landed {sum(t.landed_rows for t in report.tables.values()):,} rows in {len(report.tables)} tables")
    return report.model_copy(update={"as_of": chosen})


def _report(source: Source, delivery: Delivery, landed: Landing, settings: Settings) -> LandingReport:
    return LandingReport(
        source=source.name,
        world=settings.world_name,
        as_of=_as_of("", delivery.marketplace.zone, landed.first_at, landed.newest_at),
        first_at=landed.first_at,
        newest_at=landed.newest_at,
        reused=False,
        files=dict(landed.files),
        tables=dict(landed.reports),
        skipped=dict(landed.skipped),
    )


def _previous(landing: Path, source: Source) -> Previous | None:
    manifest = present(landing)
    if manifest is None or (manifest.facts.get("source"), manifest.facts.get("code")) != (source.name, code_digest()):
        return None
    return Previous(landing, manifest)


@contextlib.contextmanager
def _room(settings: Settings) -> Iterator[str]:
    try:
        with tempfile.TemporaryDirectory(prefix="tradewind-landing-") as spill:
            yield spill
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise StateError(
            f"{tempfile.gettempdir()}: too little room to land in with memory_limit {settings.memory_limit} ({error}); "
            "make room there, or raise TRADEWIND_MEMORY_LIMIT, and run again"
        ) from error


def _as_of(text: str, zone: str, first_at: dt.datetime, newest_at: dt.datetime) -> dt.datetime:
    if not text:
        default = local_midnight(newest_at - dt.timedelta(days=AS_OF_DAYS_BEFORE_NEWEST), zone)
        return max(default, first_at)
    chosen = parse_instant(text, zone)
    if not first_at <= chosen <= newest_at:
        side = "before the first order" if chosen < first_at else "after the newest row"
        raise SettingsError(
            f"as_of {text} is {side}; expected an instant from {iso(first_at)} to {iso(newest_at)} (found: {iso(chosen)}), "
            "set AS_OF in that span or leave it out"
        )
    return chosen


def _set_clock(source: Source, marketplace: Marketplace, as_of: dt.datetime, settings: Settings) -> None:
    world = World(
        name=settings.world_name,
        source=source.name,
        country=marketplace.country,
        currency=marketplace.currency,
        zone=marketplace.zone,
        clock=Clock.frozen(as_of),
    )
    path = settings.paths.world_file
    try:
        if World.read(path) == world:
            return
    except StateError:
        pass
    world.write(path)
