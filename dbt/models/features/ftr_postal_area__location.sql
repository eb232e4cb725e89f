-- One row per postal area: where it lies. A postal directory is public before the first order:
-- the row stands before all others and never expires.
with

postal_areas as (
    select * from {{ ref('dim_postal_areas') }}
),

final as (
    select
        postal_area_id,
        {{ feature_instants("date '2016-01-01'") }},
        lat,
        lng,
        state
    from postal_areas
)

select * from final
