"""``land``: from somebody's data to the landing tables and the world's clock."""

import contextlib
import datetime as dt
import logging
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pyarrow.compute as pc
from pydantic import ValidationError

import tradewind_sources
from tradewind_contracts.digests import digest_file, digest_json
from tradewind_contracts.errors import NotFoundError, SettingsError, StateError
from tradewind_contracts.instants import UTC, Clock, iso, local_midnight, parse_instant
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import TABLES
from tradewind_contracts.world import World
from tradewind_sources.archives import Archive
from tradewind_sources.olist import OLIST
from tradewind_sources.report import LandingReport
from tradewind_sources.source import Source
from tradewind_sources.storing import clean, locked, present, store
from tradewind_sources.workbench import Landing, Workbench

SOURCES: dict[str, Source] = {OLIST.name: OLIST}
"""The sources that come with the house."""

AS_OF_DAYS_BEFORE_NEWEST = 30
"""Where the clock stands by default: so far before the newest row, that what came after can be shown beside each answer."""

_log = logging.getLogger(__name__)


def land(source: str, data: Path | None, settings: Settings, progress: Callable[[str], None] = _log.info) -> LandingReport:
    """Validate ``data``, land all tables that it fills in the settings' world, and set the world's clock.

    Rows that can't be used go to the landing table ``quarantine`` with a reason; oddities are kept and flagged. The same data
    (by content), the same code and the same declarations land nothing anew; another ``as_of`` then only rewrites ``world.json``.
    ``progress`` gets one line per step.

    Raises:
        SourceError: the data is not what the source's data should be; nothing is written.
        SettingsError: there is no data, or ``as_of`` lies outside of it; landing and world are as before.
        StateError: the home can't be written, or another landing is under way; the last manifest still stands.
        NotFoundError: there is no such source.
    """
    found = _source(source)
    if data is None:
        raise SettingsError(f"{source}: no data given; {found.how_to_get}")
    landing = settings.paths.landing
    with contextlib.ExitStack() as stack:
        archives = found.find(data)
        for archive in archives:
            stack.callback(archive.close)
        stack.enter_context(locked(landing))
        clean(landing)
        digest = digest_json({"data": found.digest(archives), "code": code_digest()})
        report = _stored_report(landing, digest)
        if report is None:
            report = _land_anew(found, archives, settings, digest, progress)
        else:
            progress(f"{source}: nothing new in {data.name}, {len(report.tables)} tables stand")
            report = report.model_copy(update={"as_of": _as_of(settings.as_of, found, report.first_at, report.newest_at)})
        _set_clock(found, report.as_of, settings)
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


def _land_anew(
    source: Source, archives: Sequence[Archive], settings: Settings, digest: str, progress: Callable[[str], None]
) -> LandingReport:
    landed = _filled(source, archives, settings, progress)
    first_at, newest_at = _span(landed)
    report = LandingReport(
        source=source.name,
        world=settings.world_name,
        as_of=_as_of("", source, first_at, newest_at),
        first_at=first_at,
        newest_at=newest_at,
        reused=False,
        files=landed.files,
        tables=landed.reports,
        skipped=landed.skipped,
    )
    chosen = _as_of(settings.as_of, source, first_at, newest_at)
    facts = {"source": source.name, "input_digest": digest, "report": report.model_dump(mode="json")}
    store(settings.paths.landing, landed.tables, facts)
    for name, file in report.files.items():
        if file.quarantined:
            progress(f"{name}: quarantined " + ", ".join(f"{count:,} {reason}" for reason, count in file.quarantined.items()))
    progress(f"{source.name}: landed {sum(t.landed_rows for t in report.tables.values()):,} rows in {len(report.tables)} tables")
    return report.model_copy(update={"as_of": chosen})


def _filled(source: Source, archives: Sequence[Archive], settings: Settings, progress: Callable[[str], None]) -> Landing:
    try:
        with (
            tempfile.TemporaryDirectory(prefix="tradewind-landing-") as spill,
            Workbench(source.name, source.zone, Clock().now(), settings.threads, settings.memory_limit, spill, progress) as bench,
        ):
            source.fill(archives, bench)
            return bench.finish()
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise StateError(
            f"{tempfile.gettempdir()}: too little room to land in with memory_limit {settings.memory_limit} ({error}); "
            "make room there, or raise TRADEWIND_MEMORY_LIMIT, and run again"
        ) from error


def _span(landed: Landing) -> tuple[dt.datetime, dt.datetime]:
    first = pc.min(landed.tables["orders"].column("ordered_at")).as_py()
    newest = max(pc.max(landed.tables[name].column("changed_at")).as_py() for name in ("orders", "parcels"))
    return first.astimezone(UTC), newest.astimezone(UTC)


def _as_of(text: str, source: Source, first_at: dt.datetime, newest_at: dt.datetime) -> dt.datetime:
    if not text:
        default = local_midnight(newest_at - dt.timedelta(days=AS_OF_DAYS_BEFORE_NEWEST), source.zone)
        return max(default, first_at)
    chosen = parse_instant(text, source.zone)
    if not first_at <= chosen <= newest_at:
        side = "before the first order" if chosen < first_at else "after the newest row"
        raise SettingsError(
            f"as_of {text} is {side}; expected an instant from {iso(first_at)} to {iso(newest_at)} (found: {iso(chosen)}), "
            "set AS_OF in that span or leave it out"
        )
    return chosen


def _set_clock(source: Source, as_of: dt.datetime, settings: Settings) -> None:
    world = World(
        name=settings.world_name,
        source=source.name,
        country=source.country,
        currency=source.currency,
        zone=source.zone,
        clock=Clock.frozen(as_of),
    )
    path = settings.paths.world_file
    try:
        if World.read(path) == world:
            return
    except StateError:
        pass
    world.write(path)
