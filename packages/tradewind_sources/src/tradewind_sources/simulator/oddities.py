"""What is odd in a row and kept: conditions (SQL) over the row's own columns, under the names that the other sources use."""

from tradewind_sources.oddities import MILESTONES, SHIP_BY_DAYS_MAX

_LATE_UPLOAD = "interval 24 hour"
"""A scan recorded later than this after it occurred was uploaded late. Chosen: scanners are read out each night."""

_OF_ORDERS = {
    "approved_before_order": MILESTONES["approved_before_order"],
    "cancelled_before_order": "cancelled_at < ordered_at",
}

ODDITIES: dict[str, dict[str, str]] = {
    "orders": _OF_ORDERS,
    "parcels": {
        **_OF_ORDERS,
        **MILESTONES,
        "delivered_yet_cancelled": "delivered_at is not null and cancelled_at is not null",
        "delivered_yet_returned": "delivered_at is not null and returned_at is not null",
        "no_weight": "weight_g is null",
        "zero_weight": "weight_g = 0",
    },
    "order_items": {
        "ship_by_far_future": f"ship_by_at > ordered_at + interval {SHIP_BY_DAYS_MAX} day",
        "ship_by_before_order": "ship_by_at < ordered_at",
        "zero_price": "price = 0",
    },
    "payments": {
        "zero_installments": "installments_count = 0",
        "zero_payment": "amount = 0",
        "method_not_defined": "method = 'not_defined'",
    },
    "reviews": {
        "score_without_answer": "score is not null and answered_at is null",
        "answer_without_score": "score is null and answered_at is not null",
        "answered_before_asked": "answered_at < asked_at",
    },
    "products": {
        "no_category": "category is null",
        "no_weight": "weight_g is null",
        "zero_weight": "weight_g = 0",
        "no_size": "length_cm is null or height_cm is null or width_cm is null",
    },
    "leads": {"no_channel": "channel is null or channel = 'unknown'"},
    "outreach": {"responded_before_sent": "responded_at < sent_at"},
    "product_traffic": {
        "more_clicks_than_impressions": "clicks_count > impressions_count",
    },
    "hubs": {"closed_before_opened": "closed_at < opened_at"},
    "lanes": {"ends_before_it_begins": "valid_until_at < valid_from_at"},
    "scan_events": {
        "recorded_before_it_occurred": "recorded_at < occurred_at",
        "uploaded_late": f"recorded_at > occurred_at + {_LATE_UPLOAD}",
    },
    "delivery_attempts": {
        "recorded_before_it_occurred": "recorded_at < attempted_at",
        "failed_without_reason": "outcome = 'failed' and reason is null",
        "delivered_with_reason": "outcome = 'delivered' and reason is not null",
    },
    "claims": {
        "resolved_before_opened": "resolved_at < opened_at",
        "resolved_without_instant": "resolution is not null and resolved_at is null",
    },
    "stock_daily": {"stock_does_not_add_up": "opening_units_count + received_units_count - sold_units_count <> closing_units_count"},
}
"""Table → flag → condition. It looks at one row alone, so that a row's flags never depend on when it landed."""
