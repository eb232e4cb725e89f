-- One row per customer.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('olist', 'customers') }}
),

final as (
    select
        customer_id,
        first_ordered_at,
        last_ordered_at,
        postal_area_id,
        city,
        state,
        changed_at,
        flags
    from source
)

select * from final
