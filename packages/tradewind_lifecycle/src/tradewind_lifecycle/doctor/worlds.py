"""Which worlds there are to look at, where nobody named one, or named one that is not."""

import contextlib

from tradewind_contracts.errors import NotFoundError, TradewindError
from tradewind_contracts.settings import Paths, Settings
from tradewind_contracts.world import World
from tradewind_registry.client import RegistryClient


def worlds_to_look_at(settings: Settings) -> list[str]:
    """The world that ``settings`` name; where they name none, every world of the home and of its registry, or the default one.

    Raises:
        NotFoundError: the named world is none of those that there are.
    """
    there = sorted(_landed(settings) | _registered(settings))
    if not settings.names_a_world:
        return there or [settings.world_name]
    if there and settings.world_name not in there:
        raise NotFoundError(f"no world {settings.world_name} in {settings.paths.home} or its registry; there are: {', '.join(there)}")
    return [settings.world_name]


def source_of(settings: Settings, world: str) -> str | None:
    """The source that fills ``world``, for the advice; None where its file is absent or can't be read."""
    with contextlib.suppress(TradewindError, OSError):
        return World.read(Paths(settings.paths.home, world).world_file).source
    return None


def _landed(settings: Settings) -> set[str]:
    folder = settings.paths.world.parent
    return {path.name for path in folder.iterdir() if (path / settings.paths.world_file.name).is_file()} if folder.is_dir() else set()


def _registered(settings: Settings) -> set[str]:
    # A registry that can't be read is told by the checks, in each world that is looked at.
    with contextlib.suppress(TradewindError):
        registry = RegistryClient.open_if_any(settings)
        if registry is not None:
            with registry:
                return set(registry.worlds())
    return set()
