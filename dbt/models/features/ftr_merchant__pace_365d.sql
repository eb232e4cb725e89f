-- One row per merchant and day, while it had a parcel to hand over or in transit lately: how it keeps up with the network.
-- A row stamped t sees orders, hand-overs and deliveries before t.
{% set sums = ['transit_observed', 'transit_expected', 'handling_observed', 'handling_expected'] %}

with

parcels as (
    select * from {{ ref('fct_parcels') }}
),

transit_spells as (
    select
        merchant_id,
        {{ seen_from('handed_over_at') }} as start_day,
        {{ seen_from('transit_known_at') }} as event_day
    from parcels
    where handed_over_at is not null
),

handling_spells as (
    select
        merchant_id,
        {{ seen_from('ordered_at') }} as start_day,
        {{ seen_from('handling_known_at') }} as event_day
    from parcels
),

facts as (
    {{ observed_and_expected('transit_spells', 'transit', 'merchant_id') }}
    union all by name
    {{ observed_and_expected('handling_spells', 'handling', 'merchant_id') }}
),

totals as (
    {{ totals('facts', 'merchant_id', sums) }}
),

days as (
    {{ daily_totals('totals', 'merchant_id', sums) }}
),

paces as (
    select
        merchant_id,
        day,
        changed_day,
        {{ pace('transit', 30) }} as transit_pace_30d,
        {{ pace('transit', 365) }} as transit_pace_365d,
        {{ pace('handling', 14) }} as handling_pace_14d,
        {{ pace('handling', 60) }} as handling_pace_60d,
        {{ pace('handling', 365) }} as handling_pace_365d
    from days
    window history as (partition by merchant_id order by day)
),

final as (
    select
        merchant_id,
        {{ feature_instants('day') }},
        transit_pace_30d,
        transit_pace_365d,
        handling_pace_14d,
        handling_pace_60d,
        handling_pace_365d
    from paces
    where day < changed_day + {{ var('cold_after_days') }}
)

select * from final
