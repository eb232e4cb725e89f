"""New files start a run."""

import hashlib
from pathlib import Path

import dagster as dg

from dagster_project.defs.jobs import first_parcel
from tradewind_contracts.settings import Settings


@dg.sensor(
    name="new_files",
    job=first_parcel,
    minimum_interval_seconds=60,
    description="Asks for a run whenever a file in the data folder is added, changed or taken away; once for each state of the folder.",
)
def new_files(context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]) -> dg.SensorResult | dg.SkipReason:
    data = settings.data_path
    if data is None or not data.exists():
        return dg.SkipReason(f"no data for the source {settings.source}: set TRADEWIND_DATA to its zip or folder")
    state = fingerprint(data)
    if state == context.cursor:
        return dg.SkipReason("the files are as they were")
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=f"{settings.source}-{state}", tags={"tradewind/files": state})], cursor=state
    )


def fingerprint(data: Path) -> str:
    """Names, sizes and times of change of the files: cheap to ask every minute. Landing compares contents."""
    files = [data] if data.is_file() else sorted(path for path in data.iterdir() if path.is_file())
    listing = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr(listing).encode()).hexdigest()[:16]
