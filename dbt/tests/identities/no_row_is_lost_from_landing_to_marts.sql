-- Each mart has as many rows as the landing table that it is made of.
{% set pairs = {
    'orders': 'fct_orders', 'order_items': 'fct_order_items', 'payments': 'fct_payments', 'reviews': 'fct_reviews',
    'leads': 'fct_leads', 'customers': 'dim_customers', 'merchants': 'dim_merchants', 'products': 'dim_products',
    'parcels': 'fct_parcels', 'postal_areas': 'dim_postal_areas'
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
