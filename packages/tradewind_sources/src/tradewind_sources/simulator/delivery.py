"""A simulated world as a delivery: all of its day files, or only those that came since the landing that stands."""

import contextlib
import datetime as dt
import graphlib
from collections.abc import Iterator
from pathlib import Path

from tradewind_contracts.digests import digest_json
from tradewind_contracts.errors import SourceError
from tradewind_contracts.instants import iso
from tradewind_contracts.manifest import APPENDED_TO, CHANGED_SINCE
from tradewind_contracts.tables import TABLES
from tradewind_simulator.manifests import OBSERVED
from tradewind_sources.report import FileReport, LandingReport, TableReport
from tradewind_sources.simulator.bench import Bench
from tradewind_sources.simulator.folder import open_observed
from tradewind_sources.source import Delivery, Landing, LandingContext, Marketplace, Previous, Rows

DAYS = "days"
"""In the landing manifest's facts: the UTC days that have landed, each with the digest of what names its files."""

PLACE = "place"
"""In the facts: country, currency and zone of the marketplace that has landed."""


class ObservedDelivery(Delivery):
    """The observed part of a simulated world."""

    def __init__(self, data: Path) -> None:
        self._folder = open_observed(data)
        self._days = self._folder.days()

    @property
    def marketplace(self) -> Marketplace:
        """The marketplace, as the manifest names it."""
        manifest = self._folder.manifest
        return Marketplace(manifest.country, manifest.currency, manifest.zone)

    @property
    def digest(self) -> str:
        """The digest of what the manifest says of its files; they are held against it when they are read."""
        return digest_json([self._place(), self._days])

    @contextlib.contextmanager
    def land(self, context: LandingContext) -> Iterator[Landing]:
        """All tables that have files. Where the landing before holds the first days unchanged, only later ones are read.

        Raises:
            SourceError: a file is not what the manifest names, or no order or parcel is usable.
        """
        previous = self._extended(context)
        with contextlib.closing(Bench(context, _standing(previous))) as bench:
            files = {name: self._read(name, bench, previous, context) for name in _in_order()}
            accounts = _sum_up(bench, files, previous)
            first_at, newest_at = self._span(bench, accounts)
            tables: dict[str, Rows] = {name: bench.rows(name) for name in accounts}
            tables["quarantine"] = bench.quarantine()
            skipped = {name: f"the manifest of {self._folder.label} names no file of it" for name in TABLES if name not in accounts}
            for name, reason in skipped.items():
                context.progress(f"{name}: skipped, {reason}")
            yield Landing(
                tables=tables,
                files={account.made_from: _of_file(account) for account in accounts.values()},
                reports=accounts,
                skipped=skipped,
                first_at=first_at,
                newest_at=newest_at,
                facts=self._facts(bench, files, previous),
            )

    def _extended(self, context: LandingContext) -> Previous | None:
        if context.previous is None:
            return None
        landed = _landed_days(context.previous)
        added = [day for day in self._days if day not in landed]
        unchanged = context.previous.manifest.facts.get(PLACE) == self._place() and landed.items() <= self._days.items()
        if unchanged and landed and added and added[0] > max(landed):
            days = "day" if len(added) == 1 else "days"
            context.progress(f"{context.source}: {len(added)} new {days} from {added[0]} on, beside the {len(landed)} that stand")
            return context.previous
        context.progress(f"{context.source}: all {len(self._days)} days land anew, for what stands is not their beginning")
        return None

    def _read(self, name: str, bench: Bench, previous: Previous | None, context: LandingContext) -> FileReport | None:
        landed = frozenset(_landed_days(previous)) if previous else frozenset()
        files = self._folder.files(name, landed)
        refused = bench.read(TABLES[name], self._folder, files)
        if not self._folder.files(name):
            return None
        rows = sum(file.rows for file in files)
        context.progress(f"{name}: {rows:,} rows in {len(files):,} files")
        return FileReport(source_rows=rows, used_rows=rows - sum(refused.values()), quarantined=refused)

    def _span(self, bench: Bench, accounts: dict[str, TableReport]) -> tuple[dt.datetime, dt.datetime]:
        for name in ("orders", "parcels"):
            if name not in accounts or not accounts[name].landed_rows:
                refused = accounts[name].quarantined if name in accounts else {}
                reasons = ", ".join(f"{count:,} {reason}" for reason, count in refused.items()) or "there are none"
                raise SourceError(f"{self._folder.label}: no row can be used for {name} ({reasons}); make the world anew")
        first, newest = bench.span()
        assert first is not None
        assert newest is not None
        return first, newest

    def _facts(self, bench: Bench, files: dict[str, FileReport | None], previous: Previous | None) -> dict[str, object]:
        facts: dict[str, object] = {DAYS: self._days, PLACE: self._place()}
        if previous is not None:
            found = {name: bench.changed_since(name) for name in files}
            facts[APPENDED_TO] = previous.manifest.digest
            facts[CHANGED_SINCE] = {name: iso(since) if since else None for name, (count, since) in found.items() if count}
        return facts

    def _place(self) -> list[str]:
        manifest = self._folder.manifest
        return [manifest.country, manifest.currency, manifest.zone]


def _standing(previous: Previous | None) -> dict[str, Path]:
    """The Parquet file of each table of the landing that is extended."""
    return {name: previous.folder / table.path for name, table in previous.manifest.tables.items()} if previous else {}


def _landed_days(previous: Previous) -> dict[str, str]:
    days = previous.manifest.facts.get(DAYS)
    return {str(day): str(digest) for day, digest in days.items()} if isinstance(days, dict) else {}


def _in_order() -> list[str]:
    """The tables, each after those that it refers to."""
    return list(graphlib.TopologicalSorter({name: [r.table for r in table.references] for name, table in TABLES.items()}).static_order())


def _sum_up(bench: Bench, files: dict[str, FileReport | None], previous: Previous | None) -> dict[str, TableReport]:
    """The accounts of each table that has files, with those of the landing before added."""
    before = LandingReport.model_validate(previous.manifest.facts["report"]).tables if previous else {}
    accounts = {}
    for name in TABLES:
        read = files[name]
        if read is None:
            continue
        landed_rows, flagged = bench.flags(name)
        total = _added(read, before[name]) if name in before else read
        accounts[name] = TableReport(
            made_from=f"{OBSERVED}/{name}",
            source_rows=total.source_rows,
            used_rows=total.used_rows,
            quarantined=total.quarantined,
            landed_rows=landed_rows,
            flagged=flagged,
        )
    return accounts


def _added(read: FileReport, before: TableReport) -> FileReport:
    reasons = sorted({*read.quarantined, *before.quarantined})
    return FileReport(
        source_rows=read.source_rows + before.source_rows,
        used_rows=read.used_rows + before.used_rows,
        quarantined={reason: read.quarantined.get(reason, 0) + before.quarantined.get(reason, 0) for reason in reasons},
    )


def _of_file(account: TableReport) -> FileReport:
    return FileReport(source_rows=account.source_rows, used_rows=account.used_rows, quarantined=account.quarantined)
