-- One row per order item, with what is known of its product.
with

order_items as (
    select * from {{ staged('order_items') }}
),

products as (
    select * from {{ staged('products') }}
),

final as (
    select
        order_items.order_id,
        order_items.item_number,
        order_items.product_id,
        order_items.merchant_id,
        order_items.ordered_at,
        order_items.approved_at,
        order_items.ship_by_at,
        order_items.price,
        order_items.freight,
        order_items.subsidy,
        order_items.creator_id,
        products.category,
        products.weight_g,
        products.length_cm * products.height_cm * products.width_cm as volume_cm3,
        order_items.changed_at
    from order_items
    left join products on order_items.product_id = products.product_id
)

select * from final
