-- One row per lane between states and day with deliveries in the last 90 days: how long the way took.
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

facts as (
    select * from transits
    union all by name
    select * from deliveries
),

totals as (
    {{ totals('facts', 'state_lane_id', sums) }}
),

days as (
    {{ daily_totals('totals', 'state_lane_id', sums) }}
),

windows as (
    select
        state_lane_id,
        day{% for column in sums %},
        {{ in_last(90, column) }} as {{ column }}{% endfor %}
    from days
    window history as (partition by state_lane_id order by day)
),

final as (
    select
        state_lane_id,
        {{ feature_instants('day') }},
        delivered_count as parcels_delivered_count_90d,
        {{ mean('transit_seconds', 'parcels_count', 3600) }} as transit_hours_mean_90d,
        {{ mean('delivery_seconds', 'delivered_count', 86400) }} as delivery_days_mean_90d,
        {{ mean('late_count', 'delivered_count') }} as late_share_90d
    from windows
    where delivered_count > 0
)

select * from final
