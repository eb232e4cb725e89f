-- One row per merchant and day with orders, approvals or hand-overs in the last 90 days: how it handled parcels, and what waits.
-- A row stamped t sees orders, approvals, hand-overs, deliveries, cancellations and returns before t.
-- A parcel that was sent back no longer waits to be handed over.
{% set sums = [
    'parcels_count', 'handling_seconds', 'judged_count', 'late_count', 'approved_count', 'approval_seconds', 'limits_count', 'limit_seconds',
    'ordered_count'
] %}
{% set levels = ['open_count', 'open_days'] %}

with

parcels as (
    select * from {{ ref('fct_parcels') }}
),

handovers as (
    select
        merchant_id,
        {{ seen_from('handed_over_at') }} as day,
        1 as parcels_count,
        least(handling_seconds, {{ var('longest_handling_seconds') }}) as handling_seconds
    from parcels
    where handling_seconds is not null
),

judged as (
    select
        merchant_id,
        {{ seen_from('handover_judged_at') }} as day,
        1 as judged_count,
        cast(is_handed_over_late as integer) as late_count
    from parcels
    where handover_judged_at is not null
),

approved as (
    select
        merchant_id,
        {{ seen_from('approved_at') }} as day,
        1 as approved_count,
        least(approval_seconds, {{ var('longest_approval_seconds') }}) as approval_seconds,
        cast(ship_by_at >= ordered_at as integer) as limits_count,
        least({{ seconds_between('ordered_at', 'ship_by_at') }}, {{ var('longest_handling_seconds') }}) as limit_seconds
    from parcels
    where approval_seconds is not null
),

ordered as (
    select
        merchant_id,
        {{ seen_from('ordered_at') }} as day,
        {{ seen_from('least(handed_over_at, delivered_at, cancelled_at, returned_at)') }} as until_day,
        1 as ordered_count,
        1 as open_count,
        {{ day_number(seen_from('ordered_at')) }} as open_days
    from parcels
),

facts as (
    select * from handovers
    union all by name
    select * from judged
    union all by name
    select * from approved
    union all by name
    select
        merchant_id,
        day,
        ordered_count
    from ordered
    union all by name
    {{ opened_and_closed('ordered', 'merchant_id', var('open_handling_days'), levels) }}
    -- Nothing happens when a hand-over leaves the window, but the median changes.
    union all by name
    select
        merchant_id,
        day + 90 as day
    from handovers
),

totals as (
    {{ totals('facts', 'merchant_id', sums + levels) }}
),

medians as (
    {{ window_medians('handovers', 'merchant_id', 90, 'handling_seconds') }}
),

totals_and_medians as (
    select
        totals.*,
        medians.handling_seconds_median
    from totals
    asof left join medians on totals.merchant_id = medians.merchant_id and totals.day >= medians.day
),

days as (
    {{ daily_totals('totals_and_medians', 'merchant_id', sums + levels + ['handling_seconds_median']) }}
),

windows as (
    select
        merchant_id,
        day,
        open_count,
        open_days,
        handling_seconds_median{% for column in sums %},
        {{ in_last(90, column) }} as {{ column }}{% endfor %}
    from days
    window history as (partition by merchant_id order by day)
),

final as (
    select
        merchant_id,
        {{ feature_instants('day') }},
        parcels_count as parcels_count_90d,
        cast(handling_seconds_median as double) / 3600 as handling_hours_median_90d,
        {{ mean('handling_seconds', 'parcels_count', 3600) }} as handling_hours_mean_90d,
        {{ mean('approval_seconds', 'approved_count', 3600) }} as approval_hours_mean_90d,
        {{ mean('limit_seconds', 'limits_count', 3600) }} as ship_by_hours_mean_90d,
        {{ mean('late_count', 'judged_count') }} as late_hand_over_share_90d,
        open_count as open_parcels_count,
        24 * ({{ day_number('day') }} - {{ mean('open_days', 'open_count') }}) as open_parcels_age_hours_mean
    from windows
    where parcels_count + approved_count + ordered_count > 0
)

select * from final
