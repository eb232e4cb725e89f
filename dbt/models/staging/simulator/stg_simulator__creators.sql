-- One row per creator.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('simulator', 'creators') }}
),

final as (
    select
        creator_id,
        joined_at,
        channel,
        category,
        followers_count,
        state,
        changed_at,
        flags
    from source
)

select * from final
