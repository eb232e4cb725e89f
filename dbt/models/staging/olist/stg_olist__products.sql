-- One row per product.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('olist', 'products') }}
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
        changed_at,
        flags
    from source
)

select * from final
