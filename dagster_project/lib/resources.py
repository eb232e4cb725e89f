"""What assets ask for by name: the settings of this process."""

import contextlib
from collections.abc import Iterator

import dagster as dg

from tradewind_contracts.files import sole_holder
from tradewind_contracts.settings import Settings, settings


def sole_run(of: Settings) -> contextlib.AbstractContextManager[None]:
    """The world of the settings, held for one run: DuckDB has one writer, and a manifest one publisher.

    Raises:
        StateError: another run is under way there, from the UI or from the command.
    """
    busy = f"{of.paths.world}: another run is under way here; wait for it to end, or name another with TRADEWIND_WORLD=…"
    return sole_holder(of.paths.world / ".run.lock", busy)


def _settings(context: dg.InitResourceContext) -> Iterator[Settings]:
    # A sensor asks for the settings too, and is no run. `execution.run_job` holds the world itself and hands its settings in.
    with sole_run(settings()) if context.run is not None else contextlib.nullcontext():
        yield settings()


RESOURCES = {
    "settings": dg.ResourceDefinition(
        resource_fn=_settings,
        description="The typed settings: home, world, source, threads. The only reader of the environment. A run that has them holds the world.",
    )
}
