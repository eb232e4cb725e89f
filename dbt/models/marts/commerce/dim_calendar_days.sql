-- One row per local day and region. A campaign is known once announced, a holiday always.
with

calendar as (
    select * from {{ staged('calendar') }}
),

final as (
    select
        date,
        region,
        is_holiday,
        holiday,
        campaign,
        announced_at,
        changed_at
    from calendar
)

select * from final
