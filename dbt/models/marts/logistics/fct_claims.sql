-- One row per claim. Its decision is known at resolved_at.
with

claims as (
    select * from {{ staged('claims') }}
),

parcels as (
    select * from {{ ref('int_parcels_joined_to_areas') }}
),

final as (
    select
        claims.claim_id,
        claims.parcel_id,
        claims.order_id,
        parcels.merchant_id,
        claims.kind,
        claims.opened_at,
        claims.opened_at as known_at,
        claims.resolved_at,
        claims.resolution,
        claims.refund,
        {{ seconds_between('parcels.delivered_at', 'claims.opened_at') }} as delivered_to_opened_seconds,
        {{ seconds_between('claims.opened_at', 'claims.resolved_at') }} as resolution_seconds,
        claims.changed_at
    from claims
    left join parcels on claims.parcel_id = parcels.parcel_id
)

select * from final
