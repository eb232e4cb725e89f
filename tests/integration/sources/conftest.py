"""One small archive and its landing, shared by the tests that only read them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import olist_archive as made
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_sources import LandingReport, land


@dataclass(frozen=True)
class Landed:
    """A landing and where it stands."""

    planted: made.Planted
    report: LandingReport
    settings: Settings
    messages: list[str]

    def rows(self, table: str) -> pa.Table:
        """The landing table ``table``."""
        folder = self.settings.paths.landing
        return pq.read_table(folder / Manifest.read(folder).table(table).path)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    """An archive of 600 orders with the default dirt, landed."""
    folder = tmp_path_factory.mktemp("small")
    planted = made.write_archive(folder / "data", orders=600, merchants=40)
    settings = Settings(home=folder / "home", source="olist")
    messages: list[str] = []
    return Landed(planted, land("olist", planted.path, settings, messages.append), settings, messages)


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., made.Planted]:
    """Writes an archive of 60 orders without dirt to the test's own folder; keywords as in ``write_archive``."""

    def write(**options: object) -> made.Planted:
        return made.write_archive(tmp_path / "data", orders=60, merchants=6, days=60, plant=made.clean(), **options)  # type: ignore[arg-type]

    return write
