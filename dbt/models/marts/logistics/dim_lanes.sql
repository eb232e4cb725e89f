-- One row per planned lane and interval of validity, [from, until): whether it may be used is a question to the clock, never a flag.
with

lanes as (
    select * from {{ staged('lanes') }}
),

final as (
    select
        lane_id,
        valid_from_at,
        valid_until_at,
        origin_hub_id,
        destination_hub_id,
        distance_km,
        planned_minutes,
        changed_at
    from lanes
)

select * from final
