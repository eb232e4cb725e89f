-- One row per scan as uploaded.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('olist', 'scan_events') }}
),

final as (
    select
        scan_id,
        parcel_id,
        hub_id,
        event,
        next_hub_id,
        occurred_at,
        recorded_at,
        changed_at,
        flags
    from source
)

select * from final
