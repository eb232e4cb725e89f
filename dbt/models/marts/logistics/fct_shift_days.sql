-- One row per warehouse, task and local day; known when the day was closed.
with

shifts_daily as (
    select * from {{ staged('shifts_daily') }}
),

final as (
    select
        warehouse_id,
        task,
        date,
        planned_people_count,
        present_people_count,
        worked_hours,
        tenure_days_mean,
        arrived_units_count,
        done_units_count,
        backlog_units_count,
        recorded_at as known_at,
        changed_at
    from shifts_daily
)

select * from final
