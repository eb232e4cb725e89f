-- One row per category of a parcel's heaviest item, and day with hand-overs in the last 90 days: how quickly it is handed over.
-- A row stamped t sees orders and hand-overs before t.
{% set sums = ['parcels_count', 'handling_seconds', 'handling_observed', 'handling_expected'] %}

with

parcels as (
    select * from {{ ref('fct_parcels') }}
    where category is not null
),

handovers as (
    select
        category,
        {{ seen_from('handed_over_at') }} as day,
        1 as parcels_count,
        least(handling_seconds, {{ var('longest_handling_seconds') }}) as handling_seconds
    from parcels
    where handling_seconds is not null
),

handling_spells as (
    select
        category,
        {{ seen_from('ordered_at') }} as start_day,
        {{ seen_from('handling_known_at') }} as event_day
    from parcels
),

facts as (
    select * from handovers
    union all by name
    {{ observed_and_expected('handling_spells', 'handling', 'category') }}
),

totals as (
    {{ totals('facts', 'category', sums) }}
),

days as (
    {{ daily_totals('totals', 'category', sums) }}
),

windows as (
    select
        category,
        day,
        {{ in_last(90, 'parcels_count') }} as parcels_count,
        {{ in_last(90, 'handling_seconds') }} as handling_seconds,
        {{ pace('handling', 90) }} as handling_pace
    from days
    window history as (partition by category order by day)
),

final as (
    select
        category,
        {{ feature_instants('day') }},
        parcels_count as parcels_count_90d,
        {{ mean('handling_seconds', 'parcels_count', 3600) }} as handling_hours_mean_90d,
        handling_pace as handling_pace_90d
    from windows
    where parcels_count > 0
)

select * from final
