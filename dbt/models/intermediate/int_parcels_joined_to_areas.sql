-- One row per parcel, with both ends' places, its lanes, and the category of its heaviest item.
with

parcels as (
    select * from {{ staged('parcels') }}
),

postal_areas as (
    select * from {{ staged('postal_areas') }}
),

items as (
    select * from {{ ref('int_order_items_joined_to_products') }}
),

-- Ties go to the dearer item, then to the one listed first, so that equal data give equal rows.
heaviest_items as (
    select
        order_id,
        merchant_id,
        arg_max(category, (coalesce(weight_g, -1), price, -item_number)) as category
    from items
    group by order_id, merchant_id
),

placed as (
    select
        parcels.*,
        coalesce(parcels.origin_state, origins.state) as known_origin_state,
        coalesce(parcels.destination_state, destinations.state) as known_destination_state,
        origins.lat as origin_lat,
        origins.lng as origin_lng,
        destinations.lat as destination_lat,
        destinations.lng as destination_lng,
        heaviest_items.category
    from parcels
    left join postal_areas as origins on parcels.origin_postal_area_id = origins.postal_area_id
    left join postal_areas as destinations on parcels.destination_postal_area_id = destinations.postal_area_id
    left join heaviest_items
        on parcels.order_id = heaviest_items.order_id and parcels.merchant_id = heaviest_items.merchant_id
),

final as (
    select
        parcel_id,
        order_id,
        merchant_id,
        origin_postal_area_id,
        known_origin_state as origin_state,
        origin_lat,
        origin_lng,
        destination_postal_area_id,
        known_destination_state as destination_state,
        destination_lat,
        destination_lng,
        {{ state_lane_id('known_origin_state', 'known_destination_state') }} as state_lane_id,
        ordered_at,
        approved_at,
        handed_over_at,
        delivered_at,
        cancelled_at,
        returned_at,
        promised_at,
        ship_by_at,
        category,
        items_count,
        weight_g,
        volume_cm3,
        price,
        freight,
        address_id,
        warehouse_id,
        changed_at
    from placed
)

select * from final
