-- One row per merchant.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('simulator', 'merchants') }}
),

final as (
    select
        merchant_id,
        first_seen_at,
        postal_area_id,
        city,
        state,
        changed_at,
        flags
    from source
)

select * from final
