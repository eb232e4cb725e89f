"""Running the graph from outside the UI: the very job, in this process, on the instance that the UI shows."""

import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dagster_project.lib.summary import RunSummary
from tradewind_contracts.digests import digest_json
from tradewind_contracts.errors import NotFoundError, StateError
from tradewind_contracts.files import write_text
from tradewind_contracts.settings import Settings, use

INSTANCE = """\
# Written by tradewind; SQLite beside this file, nothing is sent anywhere.
telemetry:
  enabled: false
nux:
  enabled: false
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config:
    max_concurrent_runs: 1  # DuckDB has one writer
retention:
  schedule: {purge_after_days: 30}
  sensor: {purge_after_days: {skipped: 2, failure: 30, success: 30}}
"""

Progress = Callable[[str, str, float | None], None]
"""Hears (step, line, seconds): seconds come with the line that ends a step."""


def silent(step: str, line: str, seconds: float | None) -> None:
    """Progress that nobody wants to hear."""


def root() -> Path:
    """The root of the checkout: Dagster is started there, so that it finds this package."""
    return Path(__file__).resolve().parents[1]


def prepare(settings: Settings) -> dict[str, str]:
    """Make what Dagster needs before it starts: its home, and dbt's manifest if it is not of the present dbt project.

    Returns the variables that a Dagster process of these settings needs.

    Raises:
        NotFoundError: there is no such source.
        StateError: the home can't be written, or dbt can't parse its project.
    """
    from tradewind_sources import SOURCES

    if settings.source not in SOURCES:
        raise NotFoundError(f"no source {settings.source!r}; there are: {', '.join(sorted(SOURCES))}")
    home = settings.paths.dagster
    path = home / "dagster.yaml"
    if not path.exists() or path.read_text(encoding="utf-8") != INSTANCE:
        write_text(path, INSTANCE)
    prepare_manifest(settings)
    return {**settings.environment(), "TRADEWIND_HOME": str(settings.paths.home), "DAGSTER_HOME": str(home), "PYTHONPATH": str(root())}


def prepare_manifest(settings: Settings) -> Path:
    """The manifest of dbt for the graph of the source, parsed anew only where the dbt project changed.

    Each source has a folder of its own, so that runs of two sources from one checkout, or `make check`, don't swap it under each other.

    Raises:
        StateError: dbt can't parse its project; the message is dbt's.
    """
    from tradewind_lifecycle import reuse, warehouse

    project = warehouse.dbt_project_dir()
    target = project / "target" / settings.source
    path, stamp = target / "manifest.json", target / "prepared.txt"
    wanted = digest_json({"dbt": reuse.dbt_project_digest(), "source": settings.source})
    if path.exists() and stamp.exists() and stamp.read_text(encoding="utf-8").strip() == wanted:
        return path
    environment = {"TRADEWIND_DBT_SOURCE": settings.source, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "PYTHONUTF8": "1"}
    folders = ["--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(target)]
    command = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", "--log-path", str(project / "logs"), "parse", *folders]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 (our own dbt)
    if done.returncode != 0:
        raise StateError(f"dbt can't parse {project}: {' / '.join(done.stdout.strip().splitlines()[-5:])}")
    write_text(stamp, wanted + "\n")
    return path


def run_job(name: str, settings: Settings, progress: Progress = silent) -> RunSummary:
    """Execute the job ``name`` in this process, as the UI would; its run then stands in the UI.

    Raises:
        TradewindError: the refusal of whatever step failed, as it was raised; a blocking check as a ``QualityError``.
    """
    started = time.perf_counter()
    prepare(settings)
    use(**settings.model_dump())  # the graph that is loaded now is that of these settings' source
    from dagster_project.definitions import defs
    from dagster_project.lib.failures import raised
    from dagster_project.lib.progress import LOGGER, listening
    from dagster_project.lib.resources import sole_run
    from dagster_project.lib.summary import summarise
    from dagster_project.lib.telling import telling

    job = defs.resolve_job_def(name)
    config: dict[str, Any] = {"loggers": {LOGGER: {}}}
    run_id = str(uuid.uuid4())
    with (
        sole_run(settings),
        raised(settings),
        _instance(settings) as instance,
        listening(progress),
        telling(settings, instance, run_id, name, lambda line: progress("openlineage", line, None)),
    ):
        result = job.execute_in_process(
            run_config=config, instance=instance, resources={"settings": settings}, tags={"tradewind/from": "cli"}, run_id=run_id
        )
    return summarise(result, time.perf_counter() - started)


def _instance(settings: Settings) -> Any:
    """The instance that the UI shows, but for one thing: output of this process is left to whoever started it.

    Capturing it would put two child processes between a step and the terminal, which a kill leaves behind.
    """
    import dagster as dg
    from dagster._core.instance.ref import InstanceRef

    quiet = {"compute_logs": {"module": "dagster.core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}}
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(settings.paths.dagster), overrides=quiet))
