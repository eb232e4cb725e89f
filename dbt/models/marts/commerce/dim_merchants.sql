-- One row per merchant.
with

merchants as (
    select * from {{ staged('merchants') }}
),

postal_areas as (
    select * from {{ staged('postal_areas') }}
),

-- A merchant may have been won more than once: the first deal counts.
deals as (
    select
        merchant_id,
        min(won_at) as won_at,
        arg_min(segment, (won_at, lead_id)) as segment
    from {{ staged('deals') }}
    group by merchant_id
),

final as (
    select
        merchants.merchant_id,
        merchants.first_seen_at,
        deals.won_at,
        merchants.postal_area_id,
        merchants.city,
        merchants.state,
        postal_areas.lat,
        postal_areas.lng,
        deals.segment
    from merchants
    left join postal_areas on merchants.postal_area_id = postal_areas.postal_area_id
    left join deals on merchants.merchant_id = deals.merchant_id
)

select * from final
