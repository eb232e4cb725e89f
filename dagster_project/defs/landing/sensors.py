"""New files start a run."""

import dagster as dg

from dagster_project.defs.jobs import first_parcel
from dagster_project.lib.archives import fingerprint, watched
from tradewind_contracts.settings import Settings


@dg.sensor(
    name="new_files",
    job=first_parcel,
    minimum_interval_seconds=60,
    description="Asks for a run whenever a file in the data folder is added, changed or taken away; once for each state of the folder.",
)
def new_files(context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]) -> dg.SensorResult | dg.SkipReason:
    data = watched(settings)
    if data is None:
        return dg.SkipReason(f"no data for the source {settings.source} yet: set TRADEWIND_DATA to its zip or folder, or `make run` once")
    state = fingerprint(data)
    if state == context.cursor:
        return dg.SkipReason("the files are as they were")
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=f"{settings.source}-{state}", tags={"tradewind/files": state})], cursor=state
    )
