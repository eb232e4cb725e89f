-- One row per network (one, called all) and day: volume, speed, lateness and backlog of recent days.
-- A row stamped t sees orders, hand-overs, deliveries, cancellations and returns before t.

with

parcels as (
    select
        'all' as network_id,
        *
    from {{ ref('fct_parcels') }}
),

{{ flow_7d('network_id') }}

select * from final
