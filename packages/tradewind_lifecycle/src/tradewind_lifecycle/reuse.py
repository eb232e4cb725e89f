"""Whether what is published is already what a build would give: then dbt need not run.

A build is a function of what has landed, of the dbt project, of the source and zone, and of the engine's versions.
"""

from pathlib import Path

from tradewind_contracts.digests import digest_json
from tradewind_contracts.errors import IntegrityError, StateError
from tradewind_contracts.files import write_text
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.builds import dbt_project_digest, recipe
from tradewind_lifecycle.publishing import holds
from tradewind_lifecycle.warehouse import Half

__all__ = ["BUILD_KEY", "build_key", "dbt_project_digest", "is_published", "note_build", "noted_build"]

BUILD_KEY = "build_key"


def build_key(settings: Settings) -> str:
    """The digest of all that the two dbt halves are a function of.

    Raises:
        StateError: nothing has landed.
    """
    return digest_json({"landing": Manifest.read(settings.paths.landing).digest, **recipe(settings)})


def note_build(half: Half, settings: Settings) -> None:
    """Note, as `dbt build` of ``half`` begins, what it builds from: files that change meanwhile do not count as built."""
    write_text(_note(half, settings), build_key(settings) + "\n")


def noted_build(half: Half, settings: Settings) -> str:
    """What the newest build of ``half`` was built from.

    Raises:
        StateError: it was never built.
    """
    try:
        return _note(half, settings).read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise StateError(f"{settings.paths.warehouse}: the {half} half is not built; build it first, `make run` does") from error


def is_published(settings: Settings, halves: tuple[Half, ...] = ("marts", "features")) -> bool:
    """Whether all ``halves`` are published from just these inputs, with all their files there and undamaged.

    Both or none: the features half builds on marts in the warehouse, which are only known to be the right ones after the
    marts half has run.
    """
    key = build_key(settings)
    return all(_is_published(half, key, settings) for half in halves)


def _is_published(half: Half, key: str, settings: Settings) -> bool:
    folder = settings.paths.published / half
    try:
        manifest = Manifest.read(folder)
    except (StateError, IntegrityError):
        return False
    return manifest.facts.get(BUILD_KEY) == key and all(holds(folder, table) for table in manifest.tables.values())


def _note(half: Half, settings: Settings) -> Path:
    return settings.paths.warehouse.parent / f"{half}.built_from"
