-- A parcel's price, freight and units are the sums over its items, and every item travels in exactly one parcel.
with

items as (
    select
        order_id,
        merchant_id,
        count(*) as items_count,
        sum(price) as price,
        sum(freight) as freight
    from {{ ref('fct_order_items') }}
    group by order_id, merchant_id
),

parcels as (
    select * from {{ ref('fct_parcels') }}
)

select
    coalesce(items.order_id, parcels.order_id) as order_id,
    coalesce(items.merchant_id, parcels.merchant_id) as merchant_id
from items
full outer join parcels on items.order_id = parcels.order_id and items.merchant_id = parcels.merchant_id
where
    items.items_count is distinct from parcels.items_count
    or items.price is distinct from parcels.price
    or items.freight is distinct from parcels.freight
