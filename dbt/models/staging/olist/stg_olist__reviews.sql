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
