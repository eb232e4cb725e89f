-- One row per hub.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('simulator', 'hubs') }}
),

final as (
    select
        hub_id,
        level,
        parent_hub_id,
        postal_area_id,
        city,
        state,
        lat,
        lng,
        opened_at,
        closed_at,
        changed_at,
        flags
    from source
)

select * from final
