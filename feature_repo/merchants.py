"""Views of merchants: where they ship from, how quickly they hand over, how their parcels travel, what customers say."""

from feature_repo.declaring import DAILY_TTL, STATIC_TTL, view
from feature_repo.entities import merchant

merchant_profile = view(
    "ftr_merchant__profile",
    merchant,
    STATIC_TTL,
    "Where a merchant ships from.",
    {
        "postal_area_id": ("varchar", "Postal area that it ships from."),
        "state": ("varchar", "State that it ships from."),
        "lat": ("double", "Latitude in degrees of the postal area that it ships from."),
        "lng": ("double", "Longitude in degrees of the postal area that it ships from."),
    },
    subject="place",
)

merchant_pace_365d = view(
    "ftr_merchant__pace_365d",
    merchant,
    DAILY_TTL,
    "How quickly a merchant's parcels are handed over and travel, against the whole network on the same calendar days.",
    {
        "transit_pace_30d": ("double", "ln((observed + 4) / (expected + 4)) deliveries of the last 30 days."),
        "transit_pace_365d": ("double", "ln((observed + 4) / (expected + 4)) deliveries of the last 365 days."),
        "handling_pace_14d": ("double", "ln((observed + 4) / (expected + 4)) hand-overs of the last 14 days."),
        "handling_pace_60d": ("double", "ln((observed + 4) / (expected + 4)) hand-overs of the last 60 days."),
        "handling_pace_365d": ("double", "ln((observed + 4) / (expected + 4)) hand-overs of the last 365 days."),
    },
    subject="pace",
)

merchant_handling_90d = view(
    "ftr_merchant__handling_90d",
    merchant,
    DAILY_TTL,
    "How long a merchant takes to hand over, what it promises, and what waits.",
    {
        "parcels_count_90d": ("bigint", "Parcels handed over in the last 90 days."),
        "handling_hours_median_90d": ("double", "Median hours from order to hand-over."),
        "handling_hours_mean_90d": ("double", "Mean hours from order to hand-over."),
        "approval_hours_mean_90d": ("double", "Mean hours from order to approval."),
        "ship_by_hours_mean_90d": ("double", "Mean hours from order to the limit that the merchant set for its hand-over."),
        "late_hand_over_share_90d": ("double", "Share of parcels handed over after the limit that the merchant set, 0 to 1."),
        "open_parcels_count": ("bigint", "Parcels ordered in the last 30 days and not handed over."),
        "open_parcels_age_hours_mean": ("double", "Mean hours that parcels ordered in the last 30 days and not handed over wait."),
    },
    subject="handling",
)

merchant_reviews_180d = view(
    "ftr_merchant__reviews_180d",
    merchant,
    DAILY_TTL,
    "What customers said of a merchant's orders.",
    {
        "reviews_count_180d": ("bigint", "Reviews of the last 180 days."),
        "review_score_mean_180d": ("double", "Mean score, 1 to 5, of the reviews of the last 180 days."),
    },
    subject="reviews",
)

VIEWS = [merchant_profile, merchant_pace_365d, merchant_handling_90d, merchant_reviews_180d]
