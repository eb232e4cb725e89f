-- One row per address as written.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('simulator', 'addresses') }}
),

final as (
    select
        address_id,
        customer_id,
        written_at,
        raw_text,
        street,
        house_number,
        unit,
        neighbourhood,
        city,
        state,
        postal_code,
        postal_area_id,
        changed_at,
        flags
    from source
)

select * from final
