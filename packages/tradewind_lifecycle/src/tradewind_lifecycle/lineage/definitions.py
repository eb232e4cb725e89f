"""Which definition of its feature views a version reads: today's, an older one that is kept beside, or one that is gone.

What Feast has registered is kept by the digest of its registry's file: Feast takes seconds to import, and few ask twice in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tradewind_contracts.digests import digest_bytes
from tradewind_contracts.errors import StateError
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.feature_store import applied_specs
from tradewind_lifecycle.lineage.world_graph import FOLDER, keep, kept

GONE = ""
"""Stands for the name of a definition that the world does not have any more."""


@dataclass(frozen=True)
class RegisteredViews:
    """What Feast has in a world: the digest of each definition by its name (kept ones as ``<view>_v<n>``), and the views of each service."""

    digests: Mapping[str, str]
    services: Mapping[str, tuple[str, ...]]

    def other_definitions(self, read: Mapping[str, str]) -> dict[str, str]:
        """Of the definitions in ``read`` (view → digest) those that are not today's: the name that each is kept under, or ``GONE``."""
        names = {digest: name for name, digest in self.digests.items()}
        return {view: names.get(digest, GONE) for view, digest in sorted(read.items()) if self.digests.get(view) != digest}


def registered_views(settings: Settings) -> RegisteredViews | None:
    """What Feast has registered in the world that ``settings`` mean; None where nothing is applied there, or nothing published any more."""
    try:
        data = settings.paths.feast_registry.read_bytes()
    except FileNotFoundError:
        return None
    path, key = settings.paths.world / FOLDER / "views.json", digest_bytes(data)
    found = kept(path, key)
    if found is not None:
        return RegisteredViews(dict(found["digests"]), {name: tuple(views) for name, views in found["services"].items()})
    try:
        applied = applied_specs(settings)
    except StateError:
        return None
    keep(path, key, {"digests": applied.digests, "services": applied.services})
    return RegisteredViews(applied.digests, {name: tuple(views) for name, views in applied.services.items()})
