-- Opening and received less sold is closing, and a day opens with what the day before it closed with.
with

days as (
    select
        *,
        lag(date) over history as day_before,
        lag(closing_units_count) over history as closed_before
    from {{ ref('fct_stock_days') }}
    window history as (partition by warehouse_id, product_id order by date)
)

select *
from days
where
    opening_units_count + received_units_count - sold_units_count != closing_units_count
    or (day_before = date - 1 and opening_units_count != closed_before)
