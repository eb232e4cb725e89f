-- One row per postal area.
with

postal_areas as (
    select * from {{ staged('postal_areas') }}
),

final as (
    select
        postal_area_id,
        city,
        state,
        lat,
        lng,
        points_count
    from postal_areas
)

select * from final
