"""What assets ask for by name: the settings of this process."""

import contextlib
from collections.abc import Iterator

import dagster as dg

from dagster_project.lib.telling import telling
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
    present, run = settings(), context.run
    if run is None or context.instance is None:
        yield present
        return
    with sole_run(present), telling(present, context.instance, run.run_id, run.job_name, context.log.warning if context.log else print):
        yield present


RESOURCES = {
    "settings": dg.ResourceDefinition(
        resource_fn=_settings,
        description="The typed settings: home, world, source, threads. The only reader of the environment. A run that has them holds the world.",
    )
}
