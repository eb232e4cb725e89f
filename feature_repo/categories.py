"""Views of product categories."""

from feature_repo.declaring import DAILY_TTL, view
from feature_repo.entities import category

category_handling_90d = view(
    "ftr_category__handling_90d",
    category,
    DAILY_TTL,
    "How quickly parcels of a category are handed over.",
    {
        "parcels_count_90d": ("bigint", "Parcels handed over in the last 90 days."),
        "handling_hours_mean_90d": ("double", "Mean hours from order to hand-over."),
        "handling_pace_90d": ("double", "ln((observed + 4) / (expected + 4)) hand-overs, expected of the whole network on the same days."),
    },
    subject="handling",
)

VIEWS = [category_handling_90d]
