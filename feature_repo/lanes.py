"""Views of lanes: how parcels travel from here to there."""

from feature_repo.declaring import DAILY_TTL, view
from feature_repo.entities import prefix_lane, state_lane

_PACE = {
    "transit_pace_90d": (
        "double",
        "ln((observed + 4) / (expected + 4)) deliveries of the last 90 days, expected of the whole network on the same days.",
    ),
    "transit_pace_365d": (
        "double",
        "ln((observed + 4) / (expected + 4)) deliveries of the last 365 days, expected of the whole network on the same days.",
    ),
}

state_lane_pace_365d = view(
    "ftr_state_lane__pace_365d",
    state_lane,
    DAILY_TTL,
    "How quickly parcels travel from state to state, against the whole network on the same calendar days.",
    _PACE,
    subject="pace",
)

state_lane_transit_90d = view(
    "ftr_state_lane__transit_90d",
    state_lane,
    DAILY_TTL,
    "How long parcels take from state to state.",
    {
        "parcels_delivered_count_90d": ("bigint", "Parcels delivered in the last 90 days."),
        "transit_hours_mean_90d": ("double", "Mean hours from hand-over to delivery."),
        "delivery_days_mean_90d": ("double", "Mean days from order to delivery."),
        "late_share_90d": ("double", "Share delivered after the promised day, 0 to 1."),
    },
    subject="transit",
)

prefix_lane_pace_365d = view(
    "ftr_prefix_lane__pace_365d",
    prefix_lane,
    DAILY_TTL,
    "How quickly parcels travel from two-digit prefix to two-digit prefix, against the whole network on the same calendar days.",
    _PACE,
    subject="pace",
)

VIEWS = [state_lane_pace_365d, state_lane_transit_90d, prefix_lane_pace_365d]
