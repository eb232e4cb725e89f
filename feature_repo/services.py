"""Feature services: what one model's version line may read. A new set of features is a new service."""

from feast import FeatureService

from feature_repo import categories, lanes, merchants, places
from feature_repo.on_demand import parcel_request

eta_v1 = FeatureService(
    name="eta_v1",
    features=[
        merchants.merchant_profile,
        merchants.merchant_pace_365d,
        merchants.merchant_handling_90d,
        merchants.merchant_reviews_180d,
        categories.category_handling_90d,
        lanes.state_lane_pace_365d,
        lanes.prefix_lane_pace_365d,
        places.destination_state_pace_60d,
        places.destination_prefix_pace_365d,
        places.postal_area_location,
        parcel_request,
    ],
    description="Days from order to delivery of a parcel.",
    owner="logistics",
    tags={"family": "eta"},
)

SERVICES = [eta_v1]
