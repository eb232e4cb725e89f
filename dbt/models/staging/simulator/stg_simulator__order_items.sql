-- One row per order and item number.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('simulator', 'order_items') }}
),

final as (
    select
        order_id,
        item_number,
        product_id,
        merchant_id,
        ordered_at,
        approved_at,
        ship_by_at,
        price,
        freight,
        subsidy,
        creator_id,
        changed_at,
        flags
    from source
)

select * from final
