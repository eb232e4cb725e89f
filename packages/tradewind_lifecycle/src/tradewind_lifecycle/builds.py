"""What a build of the warehouse is a function of, and whether the next one may take only what is new.

A build is a function of what has landed and of its recipe: the dbt project, the source and zone, the engine's versions.
"""

import json
from importlib.metadata import version
from pathlib import Path

from tradewind_contracts.digests import digest_file, digest_json
from tradewind_contracts.files import write_text
from tradewind_contracts.manifest import APPENDED_TO, CHANGED_SINCE, Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World

ALL = "-infinity"
"""Since when a table changed of which a new row has no instant: it is taken whole."""

_PARTS = ("models", "macros", "tests", "seeds", "snapshots", "dbt_project.yml", "packages.yml")


def dbt_project_dir() -> Path:
    """The dbt project of this workspace."""
    return Path(__file__).resolve().parents[4] / "dbt"


def dbt_project_digest() -> str:
    """The digest of all files that decide what dbt builds; of names and bytes."""
    root = dbt_project_dir()
    files = sorted(path for part in _PARTS for path in _files(root / part))
    return digest_json({path.relative_to(root).as_posix(): digest_file(path) for path in files})


def recipe(settings: Settings) -> dict[str, object]:
    """All that a build is a function of beside what has landed (plain JSON).

    Raises:
        StateError: no world has landed.
    """
    world = World.read(settings.paths.world_file)
    engines = {name: version(name) for name in ("dbt-core", "dbt-duckdb", "duckdb")}
    return {"dbt": dbt_project_digest(), "source": world.source, "zone": world.zone, "engines": engines}


def changed_since(settings: Settings) -> dict[str, str] | None:
    """Since when each landing table changed after the newest whole build of the marts: ISO instants, or ``ALL``.

    Tables that did not change are left out. ``None`` where all must be built anew: nothing stands, the newest build
    failed or was cut off, its recipe was another, or the landing is not an extension of the one that it was built from.
    """
    stands = _standing(settings)
    if stands is None or stands["recipe"] != digest_json(recipe(settings)):
        return None
    manifest = Manifest.read(settings.paths.landing)
    if stands["landing"] == manifest.digest:
        return {}
    since = manifest.facts.get(CHANGED_SINCE)
    if stands["landing"] != manifest.facts.get(APPENDED_TO) or not isinstance(since, dict):
        return None
    return {str(table): ALL if instant is None else str(instant) for table, instant in since.items()}


def are_of_this_landing(settings: Settings) -> bool:
    """Whether the marts in the warehouse are whole and built from what has landed now, by this recipe or an earlier one."""
    stands = _standing(settings)
    return stands is not None and stands["landing"] == Manifest.read(settings.paths.landing).digest


def begin(settings: Settings) -> dict[str, str]:
    """Note that a build of the marts begins: until it has ended well, nothing stands that could be extended.

    Returns what is noted once it has: files that change meanwhile do not count as built.
    """
    _note(settings).unlink(missing_ok=True)
    return {"landing": Manifest.read(settings.paths.landing).digest, "recipe": digest_json(recipe(settings))}


def end(begun: dict[str, str], settings: Settings) -> None:
    """Note that the marts stand, whole, as ``begin`` found their inputs."""
    write_text(_note(settings), json.dumps(begun, sort_keys=True) + "\n")


def _standing(settings: Settings) -> dict[str, str] | None:
    path = _note(settings)
    if not path.exists() or not settings.paths.warehouse.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.keys() == {"landing", "recipe"} else None


def _note(settings: Settings) -> Path:
    return settings.paths.warehouse.parent / "marts.stand.json"


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file() and p.suffix in (".sql", ".yml", ".csv")]
