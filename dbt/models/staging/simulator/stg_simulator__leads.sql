-- One row per merchant lead.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('simulator', 'leads') }}
),

final as (
    select
        lead_id,
        contacted_at,
        landing_page_id,
        channel,
        changed_at,
        flags
    from source
)

select * from final
