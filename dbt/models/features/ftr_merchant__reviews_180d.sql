-- One row per merchant and day with reviews answered in the last 180 days: what customers said of its orders.
-- A row stamped t sees reviews answered before t, of orders placed before t: a few say that they were answered before their order was.
{% set sums = ['reviews_count', 'score'] %}

with

parcels as (
    select * from {{ ref('fct_parcels') }}
),

reviews as (
    select * from {{ ref('fct_reviews') }}
),

facts as (
    select
        parcels.merchant_id,
        {{ seen_from('greatest(reviews.answered_at, parcels.ordered_at)') }} as day,
        1 as reviews_count,
        reviews.score
    from reviews
    inner join parcels on reviews.order_id = parcels.order_id
    where reviews.answered_at is not null and reviews.score is not null
),

totals as (
    {{ totals('facts', 'merchant_id', sums) }}
),

days as (
    {{ daily_totals('totals', 'merchant_id', sums) }}
),

windows as (
    select
        merchant_id,
        day,
        {{ in_last(180, 'reviews_count') }} as reviews_count,
        {{ in_last(180, 'score') }} as score
    from days
    window history as (partition by merchant_id order by day)
),

final as (
    select
        merchant_id,
        {{ feature_instants('day') }},
        reviews_count as reviews_count_180d,
        {{ mean('score', 'reviews_count') }} as review_score_mean_180d
    from windows
    where reviews_count > 0
)

select * from final
