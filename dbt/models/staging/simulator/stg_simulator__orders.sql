-- One row per order.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('simulator', 'orders') }}
),

final as (
    select
        order_id,
        customer_id,
        destination_postal_area_id,
        destination_state,
        ordered_at,
        approved_at,
        cancelled_at,
        promised_at,
        source_status,
        address_id,
        changed_at,
        flags
    from source
)

select * from final
