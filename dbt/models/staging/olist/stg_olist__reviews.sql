-- One row per review of an order.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('olist', 'reviews') }}
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
        changed_at,
        flags
    from source
)

select * from final
