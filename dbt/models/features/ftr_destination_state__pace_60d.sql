-- One row per destination state and day, while it had a parcel in transit lately: how its transits keep up with the network's.
-- A row stamped t sees hand-overs and deliveries before t.

with

parcels as (
    select *
    from {{ ref('fct_parcels') }}
    where handed_over_at is not null and destination_state is not null
),

{{ transit_pace('destination_state', [14, 60]) }}

select * from final
