"""Sources: turn somebody's data into the landing tables.

``land(source, data, settings, progress)`` validates, quarantines, lands and sets the world's clock; ``fetch(destination)``
downloads the public archive (optional extra).
"""

from tradewind_sources.fetching import fetch
from tradewind_sources.landing import SOURCES, land
from tradewind_sources.report import FileReport, LandingReport, TableReport
from tradewind_sources.source import Delivery, Source

__all__ = ["SOURCES", "Delivery", "FileReport", "LandingReport", "Source", "TableReport", "fetch", "land"]
