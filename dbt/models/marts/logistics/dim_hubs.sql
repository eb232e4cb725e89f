-- One row per hub.
with

hubs as (
    select * from {{ staged('hubs') }}
),

final as (
    select
        hub_id,
        level,
        parent_hub_id,
        postal_area_id,
        city,
        state,
        lat,
        lng,
        opened_at,
        closed_at,
        changed_at
    from hubs
)

select * from final
