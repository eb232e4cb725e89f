"""What the ETA model looks at: the fields of the feature service, in the order of its input vector."""

from tradewind_contracts.bundle import REQUEST, FeatureField

SERVICE = "eta_v1"
"""Feast's feature service that holds every field which is not sent by the caller."""


def _fields(view: str, *names: str, dtype: str = "float64") -> tuple[FeatureField, ...]:
    return tuple(FeatureField(view=view, name=name, dtype=dtype) for name in names)


FEATURES: tuple[FeatureField, ...] = (
    *_fields(REQUEST, "price", "freight", "weight_g", "volume_cm3", "items_count"),
    *_fields("parcel_request", "distance_km", "is_same_state", "ordered_local_hour", "ordered_local_weekday", "ordered_local_hour_of_week"),
    *_fields("postal_area_location", "lat", "lng"),
    *_fields("state_lane_pace_365d", "transit_pace_90d", "transit_pace_365d"),
    *_fields("destination_state_pace_60d", "transit_pace_14d", "transit_pace_60d"),
    *_fields("destination_prefix_pace_365d", "transit_pace_90d", "transit_pace_365d"),
    *_fields("prefix_lane_pace_365d", "transit_pace_90d", "transit_pace_365d"),
    *_fields("merchant_pace_365d", "transit_pace_30d", "transit_pace_365d", "handling_pace_14d", "handling_pace_60d", "handling_pace_365d"),
    *_fields(
        "merchant_handling_90d",
        "handling_hours_median_90d",
        "handling_hours_mean_90d",
        "approval_hours_mean_90d",
        "ship_by_hours_mean_90d",
        "late_hand_over_share_90d",
        "open_parcels_count",
        "open_parcels_age_hours_mean",
    ),
    *_fields("merchant_reviews_180d", "review_score_mean_180d"),
    *_fields("category_handling_90d", "handling_pace_90d", "handling_hours_mean_90d"),
)
"""Nothing of the whole network's recent days is among them: it tells the calendar day, and of the newest days only the
fast parcels are known, so trees would learn that today is fast. Paces are relative to the network on the same days."""

SCALE_FEATURES: tuple[str, ...] = (
    "freight",
    "parcel_request__distance_km",
    "parcel_request__is_same_state",
    "parcel_request__ordered_local_weekday",
    "postal_area_location__lat",
    "postal_area_location__lng",
)
"""Columns of the small first model by which parcels of different order days are made comparable."""
