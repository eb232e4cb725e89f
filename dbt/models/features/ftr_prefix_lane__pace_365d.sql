-- One row per lane between two-digit postal prefixes and day, while it had a parcel in transit lately:
-- how its transits keep up with the network's.
-- A row stamped t sees hand-overs and deliveries before t.

with

parcels as (
    select
        *,
        {{ prefix_lane_id('origin_postal_area_id', 'destination_postal_area_id', 2) }} as prefix_lane_id
    from {{ ref('fct_parcels') }}
    where handed_over_at is not null and origin_postal_area_id is not null and destination_postal_area_id is not null
),

{{ transit_pace('prefix_lane_id', [90, 365], var('cold_prefix_lane_after_days')) }}

select * from final
