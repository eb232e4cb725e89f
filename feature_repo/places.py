"""Views of destinations: where they lie, how parcels to them travel, and what is under way."""

from feature_repo.declaring import DAILY_TTL, STATIC_TTL, view
from feature_repo.entities import destination_prefix, destination_state, postal_area
from feature_repo.network import FLOW

postal_area_location = view(
    "ftr_postal_area__location",
    postal_area,
    STATIC_TTL,
    "Where a postal area lies: the median of its known points.",
    {
        "lat": ("double", "Latitude in degrees."),
        "lng": ("double", "Longitude in degrees."),
        "state": ("varchar", "State that it belongs to."),
    },
    subject="place",
)

destination_prefix_pace_365d = view(
    "ftr_destination_prefix__pace_365d",
    destination_prefix,
    DAILY_TTL,
    "How quickly parcels to a three-digit prefix travel, against the whole network on the same calendar days.",
    {
        "transit_pace_90d": ("double", "ln((observed + 4) / (expected + 4)) deliveries of the last 90 days."),
        "transit_pace_365d": ("double", "ln((observed + 4) / (expected + 4)) deliveries of the last 365 days."),
    },
    subject="pace",
)

destination_state_pace_60d = view(
    "ftr_destination_state__pace_60d",
    destination_state,
    DAILY_TTL,
    "How quickly parcels to a state travel, against the whole network on the same calendar days.",
    {
        "transit_pace_14d": ("double", "ln((observed + 4) / (expected + 4)) deliveries of the last 14 days."),
        "transit_pace_60d": ("double", "ln((observed + 4) / (expected + 4)) deliveries of the last 60 days."),
    },
    subject="pace",
)

destination_state_flow_7d = view(
    "ftr_destination_state__flow_7d",
    destination_state,
    DAILY_TTL,
    "Volume, speed, lateness and backlog of parcels to a state in recent days.",
    FLOW,
    subject="flow",
)

VIEWS = [postal_area_location, destination_prefix_pace_365d, destination_state_pace_60d, destination_state_flow_7d]
