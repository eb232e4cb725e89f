-- One row per customer.
with

customers as (
    select * from {{ staged('customers') }}
),

orders as (
    select
        customer_id,
        count(*) as orders_count
    from {{ staged('orders') }}
    group by customer_id
),

final as (
    select
        customers.customer_id,
        customers.first_ordered_at,
        customers.last_ordered_at,
        customers.postal_area_id,
        customers.city,
        customers.state,
        coalesce(orders.orders_count, 0) as orders_count
    from customers
    left join orders on customers.customer_id = orders.customer_id
)

select * from final
