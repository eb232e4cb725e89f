-- One row per order.
with

orders as (
    select * from {{ staged('orders') }}
),

sums as (
    select * from {{ ref('int_orders_summed') }}
),

final as (
    select
        orders.order_id,
        orders.customer_id,
        orders.destination_postal_area_id,
        orders.destination_state,
        orders.address_id,

        orders.ordered_at,
        orders.approved_at,
        orders.cancelled_at,
        orders.promised_at,
        sums.handed_over_at,
        sums.delivered_at,

        sums.items_count,
        sums.parcels_count,
        sums.payments_count,
        sums.price,
        sums.freight,
        sums.paid,
        orders.changed_at
    from orders
    left join sums on orders.order_id = sums.order_id
)

select * from final
