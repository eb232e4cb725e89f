-- One row per warehouse.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('simulator', 'warehouses') }}
),

final as (
    select
        warehouse_id,
        kind,
        hub_id,
        postal_area_id,
        state,
        opened_at,
        closed_at,
        changed_at,
        flags
    from source
)

select * from final
