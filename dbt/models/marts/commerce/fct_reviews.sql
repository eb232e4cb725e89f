-- One row per review of an order.
with

reviews as (
    select * from {{ staged('reviews') }}
),

final as (
    select
        review_id,
        order_id,
        asked_at,
        answered_at,
        score,
        has_title,
        has_message,
        changed_at
    from reviews
)

select * from final
