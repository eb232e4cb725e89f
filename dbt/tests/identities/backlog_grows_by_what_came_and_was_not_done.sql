-- What is left of a task at the end of a day is what was left the day before, and what came in, less what was done.
with

days as (
    select
        *,
        lag(date) over history as day_before,
        lag(backlog_units_count) over history as left_before
    from {{ ref('fct_shift_days') }}
    window history as (partition by warehouse_id, task order by date)
)

select *
from days
where day_before = date - 1 and left_before + arrived_units_count - done_units_count != backlog_units_count
