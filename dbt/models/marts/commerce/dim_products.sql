-- One row per product.
with

products as (
    select * from {{ staged('products') }}
),

final as (
    select
        product_id,
        first_seen_at,
        category,
        name_characters_count,
        description_characters_count,
        photos_count,
        weight_g,
        length_cm,
        height_cm,
        width_cm,
        length_cm * height_cm * width_cm as volume_cm3
    from products
)

select * from final
