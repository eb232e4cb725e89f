"""Reviews: what customers said of orders. Their words stay in the archive."""

from tradewind_contracts.tables import table
from tradewind_sources.workbench import Workbench, flags

_REVIEWS = f"""
with counted as (
    select *, count(*) over (partition by review_id) as orders_count from source.reviews where reason is null
)
select
    r.review_id, r.order_id, r.review_creation_date as asked_at, r.review_answer_timestamp as answered_at,
    r.review_score as score, r.review_comment_title as has_title, r.review_comment_message as has_message,
    {
    flags(
        {
            "score_without_answer": "r.review_score is not null and r.review_answer_timestamp is null",
            "answer_without_score": "r.review_score is null and r.review_answer_timestamp is not null",
            "answered_before_asked": "r.review_answer_timestamp < r.review_creation_date",
            "asked_before_order": "r.review_creation_date < o.ordered_at",
            "review_of_several_orders": "r.orders_count > 1",
        }
    )
}
from counted as r
join source.milestones as o using (order_id)
"""


def land_reviews(bench: Workbench) -> None:
    """Land ``reviews``; needs the view ``source.milestones``."""
    bench.refuse_orphans("reviews", "order_id", "orders", "order_id", "unknown_order")
    bench.land(table("reviews"), "reviews", _REVIEWS)
