"""Sources whose data are CSV files in a zip or folder: read whole each time, on the bench."""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow.compute as pc

from tradewind_contracts.instants import UTC, Clock
from tradewind_sources.archives import Archive
from tradewind_sources.source import Delivery, Landing, LandingContext, Marketplace, Rows, Source
from tradewind_sources.workbench import Workbench

Digest = Callable[[Sequence[Archive]], str]
Fill = Callable[[Sequence[Archive], Workbench], None]


def archive_source(
    name: str, marketplace: Marketplace, how_to_get: str, find: Callable[[Path], Sequence[Archive]], digest: Digest, fill: Fill
) -> Source:
    """A source of archives.

    ``find`` opens the archives in the data that a person passed, and refuses what is not this source's; ``digest`` names their
    content; ``fill`` lands all tables that they can fill on the bench. Local times in the files are the marketplace's.
    """
    return Source(name, how_to_get, open=lambda data: ArchiveDelivery(marketplace, find(data), digest, fill))


class ArchiveDelivery(Delivery):
    """Archives that were found, see ``archive_source``."""

    def __init__(self, marketplace: Marketplace, archives: Sequence[Archive], digest: Digest, fill: Fill) -> None:
        self._marketplace = marketplace
        self._archives = archives
        self._digest = digest
        self._fill = fill

    @property
    def marketplace(self) -> Marketplace:
        """Whose data it is."""
        return self._marketplace

    @property
    def digest(self) -> str:
        """The digest of what is read of the archives."""
        return self._digest(self._archives)

    @contextlib.contextmanager
    def land(self, context: LandingContext) -> Iterator[Landing]:
        """All tables that ``fill`` lands; whatever landed before is of no use here."""
        with Workbench(context, self._marketplace.zone, Clock().now()) as bench:
            self._fill(self._archives, bench)
            bench.finish()
        first_at, newest_at = _span(bench)
        tables: dict[str, Rows] = dict(bench.tables)
        yield Landing(tables, bench.files, bench.reports, bench.skipped, first_at, newest_at)

    def close(self) -> None:
        """Close the archives."""
        for archive in self._archives:
            archive.close()


def _span(bench: Workbench) -> tuple[dt.datetime, dt.datetime]:
    first: dt.datetime = pc.min(bench.tables["orders"].column("ordered_at")).as_py()
    newest: dt.datetime = max(pc.max(bench.tables[name].column("changed_at")).as_py() for name in ("orders", "parcels"))
    return first.astimezone(UTC), newest.astimezone(UTC)
