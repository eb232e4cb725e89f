"""On-demand views: what needs the request. Feast rebuilds a body from its source text, so imports stand inside of it."""

import pandas as pd
from feast import Field, RequestSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, String, UnixTimestamp

from feature_repo.merchants import merchant_profile
from feature_repo.places import postal_area_location

parcel = RequestSource(
    name="parcel",
    description="What a caller says of a parcel; `zone` is the world's.",
    schema=[
        Field(name="ordered_at", dtype=UnixTimestamp),
        Field(name="zone", dtype=String),
        Field(name="price", dtype=Float64),
        Field(name="freight", dtype=Float64),
    ],
)


@on_demand_feature_view(
    sources=[merchant_profile, postal_area_location, parcel],
    schema=[
        Field(name="distance_km", dtype=Float64),
        Field(name="is_same_state", dtype=Float64),
        Field(name="ordered_local_hour", dtype=Float64),
        Field(name="ordered_local_weekday", dtype=Float64),
        Field(name="ordered_local_hour_of_week", dtype=Float64),
        Field(name="freight_price_log_ratio", dtype=Float64),
    ],
    mode="pandas",
    description="Distance, local time and amounts of one parcel, from the request and the two places.",
    owner="logistics",
    tags={"subject": "request"},
)
def parcel_request(inputs: pd.DataFrame) -> pd.DataFrame:
    """See ``tradewind_features.transforms.parcel_request``, which the service calls too."""
    from tradewind_features.transforms import parcel_request as compute

    origin, destination = "merchant_profile__", "postal_area_location__"
    columns = {
        "origin_lat": inputs[origin + "lat"],
        "origin_lng": inputs[origin + "lng"],
        "origin_state": inputs[origin + "state"],
        "destination_lat": inputs[destination + "lat"],
        "destination_lng": inputs[destination + "lng"],
        "destination_state": inputs[destination + "state"],
        "ordered_at": inputs["ordered_at"].dt.tz_convert(None),
        "zone": inputs["zone"],
        "price": inputs["price"],
        "freight": inputs["freight"],
    }
    return pd.DataFrame(compute(columns), index=inputs.index)


ON_DEMAND_VIEWS = [parcel_request]
