-- One row per won deal.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('olist', 'deals') }}
),

final as (
    select
        lead_id,
        merchant_id,
        won_at,
        sales_development_representative_id,
        sales_representative_id,
        segment,
        lead_type,
        behaviour_profile,
        business_type,
        declared_catalog_size,
        declared_monthly_revenue,
        changed_at,
        flags
    from source
)

select * from final
