-- One row per planned lane and interval of validity.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('olist', 'lanes') }}
),

final as (
    select
        lane_id,
        valid_from_at,
        valid_until_at,
        origin_hub_id,
        destination_hub_id,
        distance_km,
        planned_minutes,
        changed_at,
        flags
    from source
)

select * from final
