-- One row per postal prefix.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('simulator', 'postal_areas') }}
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
