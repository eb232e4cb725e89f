-- One row per merchant: where it ships from. It never expires.
-- A merchant registers, with its place, before it can sell; the source does not say when. The row stands at the boundary a day before the
-- day of its first order, so that the first order finds it published. The place is as the source holds it: it tells no instant of a change.
with

merchants as (
    select
        *,
        {{ seen_from('first_seen_at') }} - 2 as day
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
