-- One row per payment.
with

payments as (
    select * from {{ staged('payments') }}
),

final as (
    select
        order_id,
        payment_number,
        ordered_at,
        method,
        installments_count,
        amount,
        changed_at
    from payments
)

select * from final
