-- One row per product and local day.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('olist', 'product_traffic') }}
),

final as (
    select
        product_id,
        date,
        merchant_id,
        impressions_count,
        clicks_count,
        carts_count,
        orders_count,
        units_count,
        position_mean,
        list_price,
        price,
        subsidy,
        unit_cost,
        is_promoted,
        pricing_arm,
        recorded_at,
        changed_at,
        flags
    from source
)

select * from final
