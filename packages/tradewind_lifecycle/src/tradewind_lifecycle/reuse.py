"""Whether what is published is already what a build would give: then dbt need not run.

A build is a function of what has landed, of the dbt project, of the source and zone, and of the engine's versions.
"""

from importlib.metadata import version
from pathlib import Path

from tradewind_contracts.digests import digest_file, digest_json
from tradewind_contracts.errors import IntegrityError, StateError
from tradewind_contracts.files import write_text
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_lifecycle.publishing import holds
from tradewind_lifecycle.warehouse import Half, dbt_project_dir

BUILD_KEY = "build_key"
_PARTS = ("models", "macros", "tests", "seeds", "snapshots", "dbt_project.yml", "packages.yml")


def dbt_project_digest() -> str:
    """The digest of all files that decide what dbt builds; of names and bytes."""
    root = dbt_project_dir()
    files = sorted(path for part in _PARTS for path in _files(root / part))
    return digest_json({path.relative_to(root).as_posix(): digest_file(path) for path in files})


def build_key(settings: Settings) -> str:
    """The digest of all that the two dbt halves are a function of.

    Raises:
        StateError: nothing has landed.
    """
    world = World.read(settings.paths.world_file)
    engines = {name: version(name) for name in ("dbt-core", "dbt-duckdb", "duckdb")}
    landed = Manifest.read(settings.paths.landing).digest
    return digest_json({"landing": landed, "dbt": dbt_project_digest(), "source": world.source, "zone": world.zone, "engines": engines})


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


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file() and p.suffix in (".sql", ".yml", ".csv")]
