-- One row per merchant, at the first boundary after its first order: where it ships from. It never expires.
-- The place is taken as the source holds it; it tells no instant of a change.
with

merchants as (
    select
        *,
        {{ seen_from('first_seen_at') }} as day
    from {{ ref('dim_merchants') }}
    where first_seen_at is not null
),

final as (
    select
        merchant_id,
        {{ feature_instants('day') }},
        postal_area_id,
        state,
        lat,
        lng
    from merchants
)

select * from final
