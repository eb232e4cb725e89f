-- One row per parcel and milestone that has happened.
with

parcels as (
    select * from {{ ref('int_parcels_joined_to_areas') }}
),

milestones as (
    {% for milestone in ['ordered', 'approved', 'handed_over', 'delivered', 'cancelled'] -%}
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
        -- These sources report a milestone when it happens; one with late scans would say so here.
        occurred_at as known_at
    from milestones
)

select * from final
