-- One row per product and local day: how often it was seen, clicked, put in a cart and ordered, at which price.
-- It is known when the day was closed. The campaign is the one that ran in every region that day.
-- Rates are left to features: their windows differ.
with

traffic as (
    select * from {{ staged('product_traffic') }}
),

products as (
    select * from {{ staged('products') }}
),

campaigns as (
    select
        date,
        min(campaign) as campaign
    from {{ staged('calendar') }}
    group by date
    having count(campaign) = count(*) and min(campaign) = max(campaign)
),

final as (
    select
        traffic.product_id,
        traffic.date,
        traffic.merchant_id,
        products.category,
        campaigns.campaign,

        traffic.impressions_count,
        traffic.clicks_count,
        traffic.carts_count,
        traffic.orders_count,
        traffic.units_count,
        traffic.position_mean,

        traffic.list_price,
        traffic.price,
        traffic.subsidy,
        traffic.unit_cost,
        traffic.is_promoted,
        traffic.pricing_arm,

        traffic.recorded_at as known_at,
        traffic.changed_at
    from traffic
    left join products on traffic.product_id = products.product_id
    left join campaigns on traffic.date = campaigns.date
)

select * from final
