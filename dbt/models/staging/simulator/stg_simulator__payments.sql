-- One row per payment.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('simulator', 'payments') }}
),

final as (
    select
        order_id,
        payment_number,
        ordered_at,
        method,
        installments_count,
        amount,
        changed_at,
        flags
    from source
)

select * from final
