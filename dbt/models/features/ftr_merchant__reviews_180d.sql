-- One row per merchant and day: what customers said of its orders.
-- A row stamped t sees reviews answered before t.
{% set sums = ['reviews_count', 'score'] %}

with

parcels as (
    select * from {{ ref('fct_parcels') }}
),

reviews as (
    select * from {{ ref('fct_reviews') }}
),

answers as (
    select
        parcels.merchant_id,
        {{ seen_from('reviews.answered_at') }} as day,
        1 as reviews_count,
        reviews.score
    from reviews
    inner join parcels on reviews.order_id = parcels.order_id
    where reviews.answered_at is not null and reviews.score is not null
),

changes as (
    {{ enter_and_leave('answers', 'merchant_id', 180, sums) }}
),

states as (
    {{ running_sums('changes', 'merchant_id', sums) }}
),

days as (
    {{ daily_rows('states', 'merchant_id', sums, 'reviews_count > 0') }}
),

final as (
    select
        merchant_id,
        {{ feature_instants('day') }},
        reviews_count as reviews_count_180d,
        {{ mean('score', 'reviews_count') }} as review_score_mean_180d
    from days
)

select * from final
