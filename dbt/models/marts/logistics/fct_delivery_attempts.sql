-- One row per attempt to deliver a parcel; known when it was uploaded.
with

delivery_attempts as (
    select * from {{ staged('delivery_attempts') }}
),

final as (
    select
        attempt_id,
        parcel_id,
        attempt_number,
        hub_id,
        courier_id,
        attempted_at,
        recorded_at as known_at,
        outcome,
        reason,
        scan_to_address_m,
        changed_at
    from delivery_attempts
)

select * from final
