-- Each mart has as many rows as the landing table that it is made of.
{% set pairs = {
    'orders': 'fct_orders', 'order_items': 'fct_order_items', 'payments': 'fct_payments', 'reviews': 'fct_reviews',
    'leads': 'fct_leads', 'customers': 'dim_customers', 'merchants': 'dim_merchants', 'products': 'dim_products',
    'parcels': 'fct_parcels', 'postal_areas': 'dim_postal_areas', 'creators': 'dim_creators', 'calendar': 'dim_calendar_days',
    'product_traffic': 'fct_product_days', 'outreach': 'fct_outreach', 'addresses': 'dim_addresses', 'hubs': 'dim_hubs', 'lanes': 'dim_lanes',
    'warehouses': 'dim_warehouses', 'delivery_attempts': 'fct_delivery_attempts', 'claims': 'fct_claims', 'stock_daily': 'fct_stock_days',
    'shifts_daily': 'fct_shift_days'
} %}

with

counted as (
    {% for table, mart in pairs.items() -%}
    select
        '{{ mart }}' as mart,
        (select count(*) from {{ staged(table) }}) as landed_rows,
        (select count(*) from {{ ref(mart) }}) as mart_rows
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select *
from counted
where landed_rows != mart_rows
