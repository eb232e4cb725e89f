-- One row per leg of a parcel: from one hub to the next that scanned it, or to the one that it was last sent to.
-- It is known once both its ends were recorded. Planned is what the lane said at departure (at arrival, where no departure was scanned).
-- An end without its scan is a gap; a parcel that was next scanned elsewhere than it was sent to was diverted, or went through unscanned.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='parcel_id', on_schema_change='fail') }}

with

scans as (
    select * from {{ ref('fct_scans') }}
    {% if is_incremental() %}
    where
        {{ is_of_parcel_scanned_since(ref('fct_scans')) }}
        or parcel_id in (
            select legs.parcel_id
            from {{ this }} as legs
            inner join {{ ref('dim_lanes') }} as lanes
                on legs.origin_hub_id = lanes.origin_hub_id and legs.destination_hub_id = lanes.destination_hub_id
            where lanes.changed_at >= {{ changed_since('lanes') }}
        )
    {% endif %}
),

lanes as (
    select * from {{ ref('dim_lanes') }}
),

marked as (
    select
        *,
        hub_id != lag(hub_id) over (partition by parcel_id order by scan_number) as is_elsewhere
    from scans
),

numbered as (
    select
        *,
        count(*) filter (where is_elsewhere) over (partition by parcel_id order by scan_number) as stop
    from marked
),

stops as (
    select
        parcel_id,
        stop,
        any_value(hub_id) as hub_id,
        arg_min(occurred_at, (event = 'picked_up', scan_number)) filter (where event in ('arrived', 'picked_up')) as came_in_at,
        arg_min(known_at, (event = 'picked_up', scan_number)) filter (where event in ('arrived', 'picked_up')) as came_in_known_at,
        arg_max(occurred_at, scan_number) filter (where event = 'departed') as departed_at,
        arg_max(known_at, scan_number) filter (where event = 'departed') as departed_known_at,
        arg_max(next_hub_id, scan_number) filter (where event = 'departed') as next_hub_id,
        max(changed_at) as changed_at
    from numbered
    group by parcel_id, stop
),

legs as (
    select
        *,
        lead(hub_id) over way as following_hub_id,
        lead(came_in_at) over way as arrived_at,
        lead(came_in_known_at) over way as arrived_known_at,
        greatest(changed_at, lead(changed_at) over way) as leg_changed_at
    from stops
    window way as (partition by parcel_id order by stop)
),

final as (
    select
        legs.parcel_id,
        legs.stop + 1 as leg_number,
        legs.hub_id as origin_hub_id,
        coalesce(legs.following_hub_id, legs.next_hub_id) as destination_hub_id,
        lanes.lane_id,

        legs.departed_at,
        legs.arrived_at,
        -- Null while, or where, an end was not recorded.
        case
            when legs.departed_at is not null and legs.arrived_at is not null
                then greatest(legs.departed_known_at, legs.arrived_known_at)
        end as known_at,

        {{ seconds_between('legs.came_in_at', 'legs.departed_at') }} as dwell_seconds,
        {{ seconds_between('legs.departed_at', 'legs.arrived_at') }} as travel_seconds,
        lanes.planned_minutes,
        legs.following_hub_id is not null and (legs.departed_at is null or legs.arrived_at is null) as has_gap,
        coalesce(legs.following_hub_id != legs.next_hub_id, false) as is_diverted,
        legs.leg_changed_at as changed_at
    from legs
    left join lanes
        on
            legs.hub_id = lanes.origin_hub_id
            and coalesce(legs.following_hub_id, legs.next_hub_id) = lanes.destination_hub_id
            and coalesce(legs.departed_at, legs.arrived_at) >= lanes.valid_from_at
            and coalesce(legs.departed_at, legs.arrived_at) < coalesce(lanes.valid_until_at, timestamptz 'infinity')
    where coalesce(legs.following_hub_id, legs.next_hub_id) is not null
)

select * from final
