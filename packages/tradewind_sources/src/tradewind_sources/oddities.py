"""What is odd in a row and kept, whoever it comes from: conditions (SQL) under the names that all sources flag them by."""

SHIP_BY_DAYS_MAX = 365
"""A limit to hand over later than this after the purchase is flagged. Chosen: Olist's real ones end at 148 days, the absurd ones
start at 1,052."""

MILESTONES = {
    "approved_before_order": "approved_at < ordered_at",
    "handed_over_before_order": "handed_over_at < ordered_at",
    "handed_over_before_approval": "handed_over_at < approved_at",
    "delivered_before_order": "delivered_at < ordered_at",
    "delivered_before_hand_over": "delivered_at < handed_over_at",
    "delivered_without_hand_over": "delivered_at is not null and handed_over_at is null",
    "delivered_without_approval": "delivered_at is not null and approved_at is null",
}
"""Flag → condition over the milestones of an order or parcel, in the order in which flags are written."""
