-- One row per parcel: what was known when it was ordered, and how long it took.
-- Whoever reads it cuts outcome_at, handed_over_at and observed_until_at at as_of: what is still under way is then censored, not lost.
with

parcels as (
    select * from {{ ref('fct_parcels') }}
),

observed as (
    select max(occurred_at) as observed_until_at
    from {{ ref('fct_delivery_milestones') }}
),

final as (
    select
        parcels.parcel_id,
        parcels.ordered_at as event_timestamp,

        parcels.order_id,
        parcels.merchant_id,
        parcels.origin_postal_area_id,
        parcels.origin_state,
        parcels.destination_postal_area_id,
        parcels.destination_state,
        parcels.state_lane_id,

        parcels.ordered_at,
        parcels.promised_at,
        parcels.category,
        parcels.items_count,
        parcels.weight_g,
        parcels.volume_cm3,
        cast(parcels.price as double) as price,
        cast(parcels.freight as double) as freight,

        parcels.handed_over_at,
        parcels.delivered_at as outcome_at,
        cast(parcels.delivery_seconds as double) / 86400 as duration_days,
        observed.observed_until_at
    from parcels
    cross join observed
)

select * from final
