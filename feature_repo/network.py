"""Views of the whole network. They move with the calendar: for monitoring and calibration, not for trees that are fitted once."""

from feature_repo.declaring import DAILY_TTL, view
from feature_repo.entities import network

FLOW = {
    "parcels_ordered_count_7d": ("bigint", "Parcels ordered in the last 7 days."),
    "parcels_handed_over_count_7d": ("bigint", "Parcels handed over in the last 7 days."),
    "parcels_delivered_count_7d": ("bigint", "Parcels delivered in the last 7 days."),
    "handed_over_per_delivered_7d": ("double", "Parcels handed over for each one delivered: above 1, what is under way grows."),
    "handling_hours_mean_7d": ("double", "Mean hours from order to hand-over of parcels handed over in the last 7 days."),
    "delivery_days_mean_7d": ("double", "Mean days from order to delivery of parcels delivered in the last 7 days."),
    "late_share_7d": ("double", "Share of the parcels delivered in the last 7 days that came after the promised day, 0 to 1."),
    "parcels_unshipped_count": ("bigint", "Parcels that wait to be handed over."),
    "unshipped_hours_mean": ("double", "Mean hours since the order of parcels that wait to be handed over."),
    "parcels_travelling_count": ("bigint", "Parcels handed over and not delivered."),
    "travelling_hours_mean": ("double", "Mean hours since the hand-over of parcels not yet delivered."),
}
"""Fields of the flow views, whatever they are about: name → (dbt's type, description)."""

network_flow_7d = view(
    "ftr_network__flow_7d",
    network,
    DAILY_TTL,
    "Volume, speed, lateness and backlog of the whole network in recent days.",
    FLOW,
    subject="flow",
)

VIEWS = [network_flow_7d]
