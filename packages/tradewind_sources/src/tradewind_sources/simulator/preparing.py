"""The simulator's own data: where no world is given, the small preset is simulated, once for each version of its code."""

import re
import shutil
from pathlib import Path

import tradewind_simulator
from tradewind_contracts.digests import digest_file, digest_json
from tradewind_contracts.errors import SourceError
from tradewind_contracts.tables import TABLES
from tradewind_sources.simulator.folder import open_observed
from tradewind_sources.source import Progress

PRESET = "small"


def prepare(destination: Path, progress: Progress) -> Path:
    """A whole world of the preset ``small`` below ``destination``: the one that stands, if the same parameters and code made it.

    Its folder is named after both; worlds of other parameters or code that this function made are let go of.
    """
    parameters = tradewind_simulator.preset(PRESET)
    made_by = digest_json({"parameters": repr(parameters), "code": _code_digest()})
    world = destination / f"{PRESET}-{made_by[:12]}"
    if _is_whole(world):
        progress(f"simulator: the {PRESET} world in {world} stands, made with the same parameters and code")
        return world
    progress(f"simulator: no data given, the {PRESET} world is simulated into {world}")
    destination.mkdir(parents=True, exist_ok=True)
    tradewind_simulator.simulate(parameters, world, progress)
    for other in destination.iterdir():
        if other != world and re.fullmatch(rf"{PRESET}-[0-9a-f]{{12}}", other.name):
            shutil.rmtree(other)
    return world


def _is_whole(world: Path) -> bool:
    try:
        open_observed(world)
    except SourceError:
        return False
    return True


def _code_digest() -> str:
    root = Path(tradewind_simulator.__file__).parent
    code = {path.relative_to(root).as_posix(): digest_file(path) for path in sorted(root.rglob("*.py"))}
    return digest_json({"code": code, "tables": {name: repr(table) for name, table in TABLES.items()}})
