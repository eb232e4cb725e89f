-- One row per order: the sums of its items, payments and parcels.
with

orders as (
    select order_id from {{ staged('orders') }}
),

items as (
    select
        order_id,
        count(*) as items_count,
        sum(price) as price,
        sum(freight) as freight
    from {{ staged('order_items') }}
    group by order_id
),

payments as (
    select
        order_id,
        count(*) as payments_count,
        sum(amount) as paid
    from {{ staged('payments') }}
    group by order_id
),

parcels as (
    select
        order_id,
        count(*) as parcels_count,
        max(handed_over_at) as handed_over_at,
        -- An order is delivered when its last parcel is.
        case when count(delivered_at) = count(*) then max(delivered_at) end as delivered_at
    from {{ staged('parcels') }}
    group by order_id
),

final as (
    select
        orders.order_id,
        coalesce(items.items_count, 0) as items_count,
        coalesce(parcels.parcels_count, 0) as parcels_count,
        coalesce(payments.payments_count, 0) as payments_count,
        cast(coalesce(items.price, 0) as decimal(14, 2)) as price,
        cast(coalesce(items.freight, 0) as decimal(14, 2)) as freight,
        cast(coalesce(payments.paid, 0) as decimal(14, 2)) as paid,
        parcels.handed_over_at,
        parcels.delivered_at
    from orders
    left join items on orders.order_id = items.order_id
    left join payments on orders.order_id = payments.order_id
    left join parcels on orders.order_id = parcels.order_id
)

select * from final
