"""The simulator's own data: where no world is given, the small preset is simulated, once for each version of its code."""

import re
import shutil
from pathlib import Path

import tradewind_simulator
from tradewind_contracts.digests import digest_json
from tradewind_contracts.errors import SourceError, StateError
from tradewind_simulator.checkpoints import code_digest
from tradewind_sources.simulator.folder import open_observed
from tradewind_sources.source import Progress

PRESET = "small"


def prepare(destination: Path, progress: Progress) -> Path:
    """A whole world of the preset ``small`` below ``destination``: the one that stands, if the same parameters and code made it.

    Its folder is named after both; worlds of other parameters or code that this function made are let go of.

    Raises:
        StateError: the file system refuses.
    """
    parameters = tradewind_simulator.preset(PRESET)
    made_by = digest_json({"parameters": repr(parameters), "code": code_digest()})
    world = destination / f"{PRESET}-{made_by[:12]}"
    if _is_whole(world):
        progress(f"simulator: the {PRESET} world in {world} stands, made with the same parameters and code")
        return world
    progress(f"simulator: no data given, the {PRESET} world is simulated into {world}")
    try:
        destination.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(world, ignore_errors=True)  # one that is there, but not whole
        tradewind_simulator.simulate(parameters, world, progress)
        for other in destination.iterdir():
            if other != world and re.fullmatch(rf"{PRESET}-[0-9a-f]{{12}}", other.name):
                shutil.rmtree(other)
    except OSError as error:
        raise StateError(f"{destination}: can't be written ({error.strerror or error}); make room or mend the rights") from error
    return world


def _is_whole(world: Path) -> bool:
    try:
        open_observed(world)
    except SourceError:
        return False
    return True
