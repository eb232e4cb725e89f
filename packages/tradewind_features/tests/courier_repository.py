"""A small Feast repository: couriers, depots and their shifts. Copied into a folder as ``definitions.py``; its data lie in ``data`` beside it."""

from datetime import timedelta
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, RequestSource, ValueType
from feast.feature_logging import LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Bool, Float64, Int64, String

DATA = Path(__file__).resolve().parent / "data"

courier = Entity(name="courier", join_keys=["courier_id"], value_type=ValueType.STRING)
depot = Entity(name="depot", join_keys=["depot_id"], value_type=ValueType.INT64)

courier_pace_rows = FileSource(
    name="courier_pace_rows",
    path=str(DATA / "courier_pace.parquet"),
    timestamp_field="event_timestamp",
    created_timestamp_column="created_timestamp",
)
courier_pace_pushed = PushSource(name="courier_pace_pushed", batch_source=courier_pace_rows)
courier_pace = FeatureView(
    name="courier_pace",
    entities=[courier],
    ttl=timedelta(days=3),
    schema=[
        Field(name="courier_id", dtype=String),
        Field(name="pace", dtype=Float64),
        Field(name="trips", dtype=Int64),
        Field(name="grade", dtype=String),
        Field(name="is_new", dtype=Bool),
    ],
    source=courier_pace_pushed,
)

depot_profile_rows = FileSource(name="depot_profile_rows", path=str(DATA / "depot_profile.parquet"), timestamp_field="event_timestamp")
depot_profile = FeatureView(
    name="depot_profile",
    entities=[depot],
    ttl=timedelta(0),
    schema=[
        Field(name="depot_id", dtype=Int64),
        Field(name="city", dtype=String),
        Field(name="docks", dtype=Int64),
        Field(name="area_m2", dtype=Float64),
    ],
    source=depot_profile_rows,
)

shift_load_rows = FileSource(
    name="shift_load_rows",
    path=str(DATA / "shift_load.parquet"),
    timestamp_field="observed_at",
    created_timestamp_column="recorded_at",
    field_mapping={"courier": "courier_id", "load_raw": "load"},
)
shift_load = FeatureView(
    name="shift_load",
    entities=[courier, depot],
    ttl=timedelta(days=1),
    schema=[
        Field(name="courier_id", dtype=String),
        Field(name="depot_id", dtype=Int64),
        Field(name="load", dtype=Float64),
        Field(name="parcels", dtype=Int64),
    ],
    source=shift_load_rows,
)

depot_traffic_rows = FileSource(
    name="depot_traffic_rows",
    path=str(DATA / "depot_traffic.parquet"),
    timestamp_field="event_timestamp",
    created_timestamp_column="created_timestamp",
)
depot_traffic = FeatureView(
    name="depot_traffic",
    entities=[depot],
    ttl=timedelta(days=2),
    schema=[
        Field(name="depot_id", dtype=Int64),
        Field(name="visits", dtype=Int64),
        Field(name="queue_minutes", dtype=Float64),
    ],
    source=depot_traffic_rows,
)

trip = RequestSource(name="trip", schema=[Field(name="distance_km", dtype=Float64)])


@on_demand_feature_view(sources=[courier_pace, trip], schema=[Field(name="expected_minutes", dtype=Float64)])
def delivery_estimate(inputs: pd.DataFrame) -> pd.DataFrame:
    """Minutes for a trip at the courier's pace."""
    answer = pd.DataFrame()
    answer["expected_minutes"] = inputs["pace"] * inputs["distance_km"]
    return answer


dispatch = FeatureService(
    name="dispatch",
    features=[courier_pace[["pace", "grade"]], depot_profile, delivery_estimate],
    logging_config=LoggingConfig(sample_rate=1.0, destination=FileLoggingDestination(path=str(DATA / "served"))),
)
lanes = FeatureService(
    name="lanes",
    features=[
        depot_traffic.with_name("origin_traffic").with_join_key_map({"depot_id": "origin_depot_id"})[["visits", "queue_minutes"]],
        depot_traffic.with_name("destination_traffic").with_join_key_map({"depot_id": "destination_depot_id"})[["visits"]],
    ],
)
