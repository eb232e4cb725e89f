-- One row per three-digit postal prefix of the destination and day, while it had a parcel in transit lately:
-- how its transits keep up with the network's.
-- A row stamped t sees hand-overs and deliveries before t.
{% set sums = ['transit_observed', 'transit_expected'] %}

with

parcels as (
    select
        *,
        left(destination_postal_area_id, 3) as destination_prefix_id
    from {{ ref('fct_parcels') }}
    where handed_over_at is not null and destination_postal_area_id is not null
),

spells as (
    select
        destination_prefix_id,
        {{ seen_from('handed_over_at') }} as start_day,
        {{ seen_from('transit_known_at') }} as event_day
    from parcels
),

facts as (
    {{ observed_and_expected('spells', 'transit', 'destination_prefix_id') }}
),

totals as (
    {{ totals('facts', 'destination_prefix_id', sums) }}
),

days as (
    {{ daily_totals('totals', 'destination_prefix_id', sums) }}
),

paces as (
    select
        destination_prefix_id,
        day,
        changed_day,
        {{ pace('transit', 90) }} as transit_pace_90d,
        {{ pace('transit', 365) }} as transit_pace_365d
    from days
    window history as (partition by destination_prefix_id order by day)
),

final as (
    select
        destination_prefix_id,
        {{ feature_instants('day') }},
        transit_pace_90d,
        transit_pace_365d
    from paces
    where day < changed_day + {{ var('cold_after_days') }}
)

select * from final
