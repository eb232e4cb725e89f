"""The code location: everything in ``defs``, run in one process because DuckDB has one writer and the machine few cores."""

import dagster as dg

from dagster_project import defs as stages
from dagster_project.defs import jobs
from dagster_project.defs.landing.sensors import new_files
from dagster_project.defs.monitoring.sensors import shifts
from dagster_project.lib.progress import LOGGER, progress_logger
from dagster_project.lib.resources import RESOURCES

defs = dg.Definitions(
    assets=dg.load_assets_from_package_module(stages, include_specs=True),
    asset_checks=dg.load_asset_checks_from_package_module(stages),
    jobs=[jobs.first_parcel, jobs.features_only, jobs.refresh, jobs.retrain],
    schedules=[jobs.daily_refresh, jobs.daily_retrain],
    sensors=[new_files, shifts],
    resources=RESOURCES,
    loggers={"console": dg.colored_console_logger, LOGGER: progress_logger},
    executor=dg.in_process_executor,
)
