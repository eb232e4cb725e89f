-- One row per warehouse, product and local day; known when the day was closed.
with

stock_daily as (
    select * from {{ staged('stock_daily') }}
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
        recorded_at as known_at,
        changed_at
    from stock_daily
)

select * from final
