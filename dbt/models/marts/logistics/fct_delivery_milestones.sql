-- One row per parcel and milestone that has happened.
with

parcels as (
    select * from {{ ref('int_parcels_joined_to_areas') }}
),

milestones as (
    {% for milestone in ['ordered', 'approved', 'handed_over', 'delivered', 'cancelled', 'returned'] -%}
    select
        parcel_id,
        order_id,
        merchant_id,
        '{{ milestone }}' as milestone,
        {{ milestone }}_at as occurred_at
    from parcels
    where {{ milestone }}_at is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (
    select
        *,
        -- A milestone is reported when it happens; what scanners upload later stands in fct_scans.
        occurred_at as known_at
    from milestones
)

select * from final
