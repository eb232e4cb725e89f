"""A home that lasts as long as one reproduction: nothing of it is read or kept by anybody else."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tradewind_contracts.files import sole_holder
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_lifecycle.training_sets import SealedSet
from tradewind_registry import Version

_PREFIX = ".reproducing-"


@contextmanager
def scratch_home(settings: Settings, version: Version) -> Iterator[Settings]:
    """The same settings over an empty home that ends with the block; its world is the version's, the clock at the version's as_of.

    It stands inside of the real home, so that what has landed is linked and not copied. What a killed reproduction left is cleared away.

    Raises:
        StateError: another reproduction is under way in this home, or the disk refuses.
    """
    home = settings.paths.home
    with sole_holder(home / f"{_PREFIX}lock", f"{home}: another reproduction is under way in this home; wait for its end"):
        for left in home.glob(f"{_PREFIX}*/"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=home, ignore_cleanup_errors=True) as folder:
            scratch = settings.model_copy(
                update={"home": Path(folder), "world": version.world, "registry_url": "", "bundle_url": "", "online_url": None}
            )
            if settings.paths.world_file.exists():
                world = World.read(settings.paths.world_file).model_copy(update={"clock": Clock.frozen(version.as_of)})
                world.write(scratch.paths.world_file)
            yield scratch


def take_sealed(sealed: SealedSet, scratch: Settings) -> None:
    """Put a sealed set where a fit in the scratch home finds it."""
    link_tree(sealed.path, scratch.paths.training_sets / sealed.digest)


def link_tree(source: Path, target: Path) -> None:
    """The same files below ``target``: linked where the file system can, else copied."""
    shutil.copytree(source, target, copy_function=_linked, ignore=shutil.ignore_patterns(".*"))


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
