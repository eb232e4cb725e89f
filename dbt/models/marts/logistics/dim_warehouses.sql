-- One row per warehouse: a fulfilment centre that holds stock, or the sort floor of a hub.
with

warehouses as (
    select * from {{ staged('warehouses') }}
),

final as (
    select
        warehouse_id,
        kind,
        hub_id,
        postal_area_id,
        state,
        opened_at,
        closed_at,
        changed_at
    from warehouses
)

select * from final
