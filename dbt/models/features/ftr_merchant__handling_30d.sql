-- One row per merchant and day: how quickly it handed over lately, and what waits to be handed over.
-- A row stamped t sees hand-overs, approvals, orders and cancellations before t.
{% set sums = ['parcels_count', 'handling_seconds', 'judged_count', 'late_count', 'ordered_count', 'open_count', 'open_days'] %}

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

ordered as (
    select
        merchant_id,
        {{ seen_from('ordered_at') }} as day,
        {{ seen_from('least(handed_over_at, delivered_at, cancelled_at)') }} as until_day,
        1 as ordered_count,
        1 as open_count,
        {{ day_number(seen_from('ordered_at')) }} as open_days
    from parcels
),

changes as (
    {{ enter_and_leave('handovers', 'merchant_id', 30, ['parcels_count', 'handling_seconds']) }}
    union all by name
    {{ enter_and_leave('judged', 'merchant_id', 30, ['judged_count', 'late_count']) }}
    union all by name
    {{ enter_and_leave('ordered', 'merchant_id', 30, ['ordered_count']) }}
    union all by name
    {{ enter_and_leave_by('ordered', 'merchant_id', var('open_handling_days'), ['open_count', 'open_days']) }}
),

states as (
    {{ running_sums('changes', 'merchant_id', sums) }}
),

days as (
    {{ daily_rows('states', 'merchant_id', sums, 'parcels_count + ordered_count > 0') }}
),

final as (
    select
        merchant_id,
        {{ feature_instants('day') }},
        parcels_count as parcels_count_30d,
        {{ mean('handling_seconds', 'parcels_count', 3600) }} as handling_hours_mean_30d,
        {{ mean('late_count', 'judged_count') }} as late_share_30d,
        ordered_count as ordered_count_30d,
        open_count,
        24 * ({{ day_number('day') }} - {{ mean('open_days', 'open_count') }}) as open_hours_mean
    from days
)

select * from final
