-- One row per lane between states and day: how long the way took lately.
-- A row stamped t sees parcels whose hand-over and delivery were both before t, and lateness of deliveries before t.
{% set sums = ['parcels_count', 'transit_seconds', 'delivered_count', 'delivery_seconds', 'late_count'] %}

with

parcels as (
    select *
    from {{ ref('fct_parcels') }}
    where state_lane_id is not null
),

transits as (
    select
        state_lane_id,
        {{ seen_from('transit_known_at') }} as day,
        1 as parcels_count,
        least(transit_seconds, {{ var('longest_transit_seconds') }}) as transit_seconds
    from parcels
    where transit_seconds is not null
),

deliveries as (
    select
        state_lane_id,
        {{ seen_from('delivered_at') }} as day,
        1 as delivered_count,
        least(delivery_seconds, {{ var('longest_delivery_seconds') }}) as delivery_seconds,
        cast(is_late as integer) as late_count
    from parcels
    where delivery_seconds is not null
),

changes as (
    {{ enter_and_leave('transits', 'state_lane_id', 30, ['parcels_count', 'transit_seconds']) }}
    union all by name
    {{ enter_and_leave('deliveries', 'state_lane_id', 30, ['delivered_count', 'delivery_seconds', 'late_count']) }}
),

states as (
    {{ running_sums('changes', 'state_lane_id', sums) }}
),

days as (
    {{ daily_rows('states', 'state_lane_id', sums, 'parcels_count + delivered_count > 0') }}
),

final as (
    select
        state_lane_id,
        {{ feature_instants('day') }},
        delivered_count as delivered_count_30d,
        {{ mean('transit_seconds', 'parcels_count', 3600) }} as transit_hours_mean_30d,
        {{ mean('delivery_seconds', 'delivered_count', 86400) }} as delivery_days_mean_30d,
        {{ mean('late_count', 'delivered_count') }} as late_share_30d
    from days
)

select * from final
