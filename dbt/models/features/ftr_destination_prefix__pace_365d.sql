-- One row per three-digit postal prefix of the destination and day, while it had a parcel in transit lately:
-- how its transits keep up with the network's.
-- A row stamped t sees hand-overs and deliveries before t.

with

parcels as (
    select
        *,
        left(destination_postal_area_id, 3) as destination_prefix_id
    from {{ ref('fct_parcels') }}
    where handed_over_at is not null and destination_postal_area_id is not null
),

{{ transit_pace('destination_prefix_id', [90, 365]) }}

select * from final
