-- One row per warehouse, product and local day.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('olist', 'stock_daily') }}
),

final as (
    select
        warehouse_id,
        product_id,
        date,
        opening_units_count,
        received_units_count,
        sold_units_count,
        closing_units_count,
        is_stocked_out,
        recorded_at,
        changed_at,
        flags
    from source
)

select * from final
