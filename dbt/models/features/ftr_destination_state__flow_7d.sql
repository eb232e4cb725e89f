-- One row per destination state and day: volume, speed, lateness and backlog of recent days.
-- A row stamped t sees orders, hand-overs, deliveries, cancellations and returns before t.

with

parcels as (
    select *
    from {{ ref('fct_parcels') }}
    where destination_state is not null
),

{{ flow_7d('destination_state') }}

select * from final
