-- One row per parcel: an order's items of one merchant.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('olist', 'parcels') }}
),

final as (
    select
        parcel_id,
        order_id,
        merchant_id,
        origin_postal_area_id,
        origin_state,
        destination_postal_area_id,
        destination_state,
        ordered_at,
        approved_at,
        handed_over_at,
        delivered_at,
        cancelled_at,
        promised_at,
        ship_by_at,
        items_count,
        weight_g,
        volume_cm3,
        price,
        freight,
        returned_at,
        address_id,
        warehouse_id,
        changed_at,
        flags
    from source
)

select * from final
