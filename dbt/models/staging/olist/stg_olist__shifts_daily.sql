-- One row per warehouse, task and local day.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('olist', 'shifts_daily') }}
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
        recorded_at,
        changed_at,
        flags
    from source
)

select * from final
