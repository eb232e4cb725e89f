with

source as (
    select * from {{ source('olist', 'postal_areas') }}
),

final as (
    select
        postal_area_id,
        lat,
        lng,
        city,
        state,
        points_count,
        changed_at,
        flags
    from source
)

select * from final
