"""What a source is: somebody's data, the world that it fills, and how."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tradewind_sources.archives import Archive
from tradewind_sources.workbench import Workbench


@dataclass(frozen=True)
class Source:
    """One source. A company adds its own by one module that makes one of these, and names it in ``tradewind_sources.landing``.

    ``find`` opens the archives in the data that a person passed, and refuses what is not this source's; ``digest`` names their
    content; ``fill`` lands all tables that they can fill on the bench. ``zone`` is the zone of the world and of the source's local times.
    """

    name: str
    country: str
    currency: str
    zone: str
    how_to_get: str
    find: Callable[[Path], Sequence[Archive]]
    digest: Callable[[Sequence[Archive]], str]
    fill: Callable[[Sequence[Archive], Workbench], None]
