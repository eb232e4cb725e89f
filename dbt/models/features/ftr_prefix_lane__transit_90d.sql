-- One row per lane between two-digit postal prefixes and day: how long the way took lately.
-- A row stamped t sees parcels whose hand-over and delivery were both before t, and lateness of deliveries before t.
{% set sums = ['parcels_count', 'transit_seconds', 'delivered_count', 'delivery_seconds', 'late_count'] %}

with

parcels as (
    select
        *,
        {{ prefix_lane_id('origin_postal_area_id', 'destination_postal_area_id', 2) }} as prefix_lane_id
    from {{ ref('fct_parcels') }}
    where origin_postal_area_id is not null and destination_postal_area_id is not null
),

transits as (
    select
        prefix_lane_id,
        {{ seen_from('transit_known_at') }} as day,
        1 as parcels_count,
        least(transit_seconds, {{ var('longest_transit_seconds') }}) as transit_seconds
    from parcels
    where transit_seconds is not null
),

deliveries as (
    select
        prefix_lane_id,
        {{ seen_from('delivered_at') }} as day,
        1 as delivered_count,
        least(delivery_seconds, {{ var('longest_delivery_seconds') }}) as delivery_seconds,
        cast(is_late as integer) as late_count
    from parcels
    where delivery_seconds is not null
),

changes as (
    {{ enter_and_leave('transits', 'prefix_lane_id', 90, ['parcels_count', 'transit_seconds']) }}
    union all by name
    {{ enter_and_leave('deliveries', 'prefix_lane_id', 90, ['delivered_count', 'delivery_seconds', 'late_count']) }}
),

states as (
    {{ running_sums('changes', 'prefix_lane_id', sums) }}
),

days as (
    {{ daily_rows('states', 'prefix_lane_id', sums, 'parcels_count + delivered_count > 0') }}
),

final as (
    select
        prefix_lane_id,
        {{ feature_instants('day') }},
        delivered_count as delivered_count_90d,
        {{ mean('transit_seconds', 'parcels_count', 3600) }} as transit_hours_mean_90d,
        {{ mean('delivery_seconds', 'delivered_count', 86400) }} as delivery_days_mean_90d,
        {{ mean('late_count', 'delivered_count') }} as late_share_90d
    from days
)

select * from final
