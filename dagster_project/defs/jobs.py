"""Jobs and schedules: the whole, the daily refresh, the daily retraining."""

import dagster as dg

from dagster_project.defs.predictions.assets import LANDED_PREDICTIONS

STAGES_OF_DATA = (
    "archives",
    "landing",
    "staging",
    "intermediate",
    "marts",
    "features",
    "labels",
    "published",
    "feature_views",
    "online_store",
)
STAGES_OF_MODELS = ("training_sets", "models", "registry")

# What services answered lands with the night's refresh: a second run of the main job finds nothing new.
LANDED_ANSWERS = dg.AssetSelection.assets(LANDED_PREDICTIONS)

first_parcel = dg.define_asset_job(
    "first_parcel",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("scores", "monitoring") - LANDED_ANSWERS,
    description="The whole, from the archive to the answered question; `make run` executes it. Scores, the log and its watch are left to the night.",
)

features_only = dg.define_asset_job(
    "features_only",
    selection=dg.AssetSelection.groups(*(stage for stage in STAGES_OF_DATA if stage != "online_store")) - LANDED_ANSWERS,
    description="New data to the feature views: what a backtest reads. `tradewind backtest` executes this job.",
)

refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.groups(*STAGES_OF_DATA, "scores", "monitoring"),
    description="New data to the online store, the champion's scores to their table, and the watch of what was served.",
)

retrain = dg.define_asset_job(
    "retrain",
    selection=dg.AssetSelection.groups(*STAGES_OF_MODELS, "bentos"),
    description="A new version from what is published; it becomes champion only through its gates.",
)

daily_refresh = dg.ScheduleDefinition(
    name="daily_refresh",
    job=refresh,
    cron_schedule="15 4 * * *",
    description="Each day at 04:15 UTC, after the day boundary of features and their publication lag.",
)

daily_retrain = dg.ScheduleDefinition(
    name="daily_retrain", job=retrain, cron_schedule="15 5 * * *", description="Each day at 05:15 UTC, an hour after the refresh began."
)
