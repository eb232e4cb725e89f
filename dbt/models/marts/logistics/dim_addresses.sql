-- One row per address as written: its parts, and a normalised form to compare by. The raw line stays in landing.
{% set parts = ['street', 'house_number', 'unit', 'neighbourhood', 'city', 'state'] %}

with

addresses as (
    select * from {{ staged('addresses') }}
),

final as (
    select
        address_id,
        customer_id,
        written_at,
        {% for part in parts %}{{ part }},
        {% endfor %}postal_code,
        postal_area_id,
        -- Lower case without accents; what is neither letter nor digit separates words.
        trim(
            regexp_replace(
                strip_accents(lower(concat_ws(' ', {{ parts | join(', ') }}))), '[^a-z0-9]+', ' ', 'g'
            )
        ) as normalised_text,
        nullif(regexp_replace(postal_code, '[^0-9]', '', 'g'), '') as postal_code_digits,
        changed_at
    from addresses
)

select * from final
