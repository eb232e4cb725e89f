-- One row per destination state and day, while it had a parcel in transit lately: how its transits keep up with the network's.
-- A row stamped t sees hand-overs and deliveries before t.
{% set sums = ['transit_observed', 'transit_expected'] %}

with

parcels as (
    select *
    from {{ ref('fct_parcels') }}
    where handed_over_at is not null and destination_state is not null
),

spells as (
    select
        destination_state,
        {{ seen_from('handed_over_at') }} as start_day,
        {{ seen_from('transit_known_at') }} as event_day
    from parcels
),

facts as (
    {{ observed_and_expected('spells', 'transit', 'destination_state') }}
),

totals as (
    {{ totals('facts', 'destination_state', sums) }}
),

days as (
    {{ daily_totals('totals', 'destination_state', sums) }}
),

paces as (
    select
        destination_state,
        day,
        changed_day,
        {{ pace('transit', 14) }} as transit_pace_14d,
        {{ pace('transit', 60) }} as transit_pace_60d
    from days
    window history as (partition by destination_state order by day)
),

final as (
    select
        destination_state,
        {{ feature_instants('day') }},
        transit_pace_14d,
        transit_pace_60d
    from paces
    where day < changed_day + {{ var('cold_after_days') }}
)

select * from final
