-- One row per local day and region.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('simulator', 'calendar') }}
),

final as (
    select
        date,
        region,
        is_holiday,
        holiday,
        campaign,
        announced_at,
        changed_at,
        flags
    from source
)

select * from final
