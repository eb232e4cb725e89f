-- One row per lane between states and day, while it had a parcel in transit lately: how its transits keep up with the network's.
-- A row stamped t sees hand-overs and deliveries before t.

with

parcels as (
    select *
    from {{ ref('fct_parcels') }}
    where handed_over_at is not null and state_lane_id is not null
),

{{ transit_pace('state_lane_id', [90, 365]) }}

select * from final
