-- One row per parcel: an order's items of one merchant, with its places, milestones and measured times.
with

parcels as (
    select * from {{ ref('int_parcels_joined_to_areas') }}
),

measured as (
    select * from {{ ref('int_parcels_measured') }}
),

final as (
    select
        parcels.parcel_id,
        parcels.order_id,
        parcels.merchant_id,

        parcels.origin_postal_area_id,
        parcels.origin_state,
        parcels.destination_postal_area_id,
        parcels.destination_state,
        parcels.state_lane_id,
        parcels.address_id,
        parcels.warehouse_id,

        parcels.ordered_at,
        parcels.approved_at,
        parcels.handed_over_at,
        parcels.delivered_at,
        parcels.cancelled_at,
        parcels.returned_at,
        parcels.promised_at,
        parcels.ship_by_at,
        measured.handling_known_at,
        measured.handover_judged_at,
        measured.transit_known_at,

        measured.approval_seconds,
        measured.handling_seconds,
        measured.transit_seconds,
        measured.delivery_seconds,
        measured.promise_seconds,
        measured.is_handed_over_late,
        measured.is_late,

        parcels.category,
        parcels.items_count,
        parcels.weight_g,
        parcels.volume_cm3,
        parcels.price,
        parcels.freight,
        parcels.changed_at
    from parcels
    left join measured on parcels.parcel_id = measured.parcel_id
)

select * from final
