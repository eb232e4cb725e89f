-- One row per order and item number.
with

items as (
    select * from {{ ref('int_order_items_joined_to_products') }}
),

final as (
    select
        order_id,
        item_number,
        product_id,
        merchant_id,
        creator_id,
        ordered_at,
        approved_at,
        ship_by_at,
        category,
        weight_g,
        volume_cm3,
        price,
        freight,
        subsidy,
        changed_at
    from items
)

select * from final
