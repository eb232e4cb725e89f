-- One row per stage, day and age: how often the event of the stage happens to parcels of that age, over the 7 days up to that day.
-- The row of a day sees orders, hand-overs, deliveries and cancellations before the boundary `day`.
with

parcels as (
    select * from {{ ref('int_parcels_joined_to_areas') }}
),

measured as (
    select * from {{ ref('int_parcels_measured') }}
),

handling_spells as (
    select
        {{ seen_from('parcels.ordered_at') }} as start_day,
        {{ seen_from('measured.handling_known_at') }} as event_day
    from parcels
    inner join measured on parcels.parcel_id = measured.parcel_id
),

transit_spells as (
    select
        {{ seen_from('parcels.handed_over_at') }} as start_day,
        {{ seen_from('measured.transit_known_at') }} as event_day
    from parcels
    inner join measured on parcels.parcel_id = measured.parcel_id
    where parcels.handed_over_at is not null
),

at_risk as (
    select
        'handling' as stage,
        *
    from ({{ days_at_risk('handling_spells', [], var('longest_handling_spell_days')) }})
    union all
    select
        'transit' as stage,
        *
    from ({{ days_at_risk('transit_spells', [], var('longest_transit_spell_days')) }})
),

counted as (
    select
        stage,
        day,
        age,
        count(*) as at_risk_count,
        count(*) filter (where is_event) as events_count
    from at_risk
    group by stage, day, age
),

summed as (
    select
        stage,
        day,
        age,
        sum(at_risk_count) over week as at_risk_count,
        sum(events_count) over week as events_count
    from counted
    window week as (partition by stage, age order by day range between interval 6 days preceding and current row)
),

final as (
    select
        stage,
        day,
        age,
        -- Whole billionths, so that sums over many parcels are exact.
        cast((2000000000 * events_count + at_risk_count) // (2 * at_risk_count) as bigint) as hazard_billionths
    from summed
)

select * from final
