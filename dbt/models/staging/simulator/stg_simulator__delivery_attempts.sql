-- One row per attempt to deliver a parcel.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('simulator', 'delivery_attempts') }}
),

final as (
    select
        attempt_id,
        parcel_id,
        attempt_number,
        hub_id,
        courier_id,
        attempted_at,
        recorded_at,
        outcome,
        reason,
        scan_to_address_m,
        changed_at,
        flags
    from source
)

select * from final
