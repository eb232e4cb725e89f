-- One row per day boundary at which feature rows may stand: from the day after the first known fact to the day after the newest.
-- Both ends look only backwards: a later fact adds days at the end and takes none away.
with

facts as (
    select unnest([ordered_at, approved_at, handed_over_at, delivered_at, cancelled_at, returned_at]) as occurred_at
    from {{ staged('parcels') }}
),

ends as (
    select
        {{ seen_from('min(occurred_at)') }} as first_day,
        {{ seen_from('max(occurred_at)') }} as newest_day
    from facts
),

final as (
    select cast(unnest(generate_series(first_day, newest_day, interval 1 day)) as date) as day
    from ends
    where newest_day is not null
)

select * from final
