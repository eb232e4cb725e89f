-- One row per destination state and day: volume, speed, lateness and backlog of recent days.
-- A row stamped t sees orders, hand-overs, deliveries and cancellations before t.
{% set sums = [
    'ordered_count', 'handed_over_count', 'handling_count', 'handling_seconds', 'delivered_count', 'delivery_seconds', 'late_count',
    'unshipped_count', 'unshipped_days', 'travelling_count', 'travelling_days'
] %}

with

parcels as (
    select *
    from {{ ref('fct_parcels') }}
    where destination_state is not null
),

ordered as (
    select
        destination_state,
        {{ seen_from('ordered_at') }} as day,
        {{ seen_from('least(handed_over_at, delivered_at, cancelled_at)') }} as until_day,
        1 as ordered_count,
        1 as unshipped_count,
        {{ day_number(seen_from('ordered_at')) }} as unshipped_days
    from parcels
),

handed_over as (
    select
        destination_state,
        {{ seen_from('handed_over_at') }} as day,
        {{ seen_from('delivered_at') }} as until_day,
        1 as handed_over_count,
        cast(handling_seconds is not null as integer) as handling_count,
        least(handling_seconds, {{ var('longest_handling_seconds') }}) as handling_seconds,
        1 as travelling_count,
        {{ day_number(seen_from('handed_over_at')) }} as travelling_days
    from parcels
    where handed_over_at is not null
),

delivered as (
    select
        destination_state,
        {{ seen_from('delivered_at') }} as day,
        1 as delivered_count,
        least(delivery_seconds, {{ var('longest_delivery_seconds') }}) as delivery_seconds,
        cast(is_late as integer) as late_count
    from parcels
    where delivery_seconds is not null
),

changes as (
    {{ enter_and_leave('ordered', 'destination_state', 7, ['ordered_count']) }}
    union all by name
    {{ enter_and_leave('handed_over', 'destination_state', 7, ['handed_over_count', 'handling_count', 'handling_seconds']) }}
    union all by name
    {{ enter_and_leave('delivered', 'destination_state', 7, ['delivered_count', 'delivery_seconds', 'late_count']) }}
    union all by name
    {{ enter_and_leave_by('ordered', 'destination_state', var('open_handling_days'), ['unshipped_count', 'unshipped_days']) }}
    union all by name
    {{ enter_and_leave_by('handed_over', 'destination_state', var('open_transit_days'), ['travelling_count', 'travelling_days']) }}
),

states as (
    {{ running_sums('changes', 'destination_state', sums) }}
),

days as (
    {{ daily_rows('states', 'destination_state', sums, 'ordered_count + handed_over_count + delivered_count + unshipped_count + travelling_count > 0') }}
),

final as (
    select
        destination_state,
        {{ feature_instants('day') }},
        ordered_count as ordered_count_7d,
        handed_over_count as handed_over_count_7d,
        delivered_count as delivered_count_7d,
        {{ mean('handling_seconds', 'handling_count', 3600) }} as handling_hours_mean_7d,
        {{ mean('delivery_seconds', 'delivered_count', 86400) }} as delivery_days_mean_7d,
        {{ mean('late_count', 'delivered_count') }} as late_share_7d,
        unshipped_count,
        24 * ({{ day_number('day') }} - {{ mean('unshipped_days', 'unshipped_count') }}) as unshipped_hours_mean,
        travelling_count,
        24 * ({{ day_number('day') }} - {{ mean('travelling_days', 'travelling_count') }}) as travelling_hours_mean
    from days
)

select * from final
