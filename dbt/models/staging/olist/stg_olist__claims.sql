-- One row per claim.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('olist', 'claims') }}
),

final as (
    select
        claim_id,
        parcel_id,
        order_id,
        kind,
        opened_at,
        resolved_at,
        resolution,
        refund,
        changed_at,
        flags
    from source
)

select * from final
