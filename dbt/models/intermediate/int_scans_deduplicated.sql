-- One row per scan that happened: uploads of the same parcel, hub and event within seconds are one, known since the first of them.
-- A new visit to a hub begins with an arrival long after the parcel left it; sooner, it is a clock that is wrong.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='parcel_id', on_schema_change='fail') }}

with

uploads as (
    select * from {{ staged('scan_events') }}
    {% if is_incremental() %}
    where {{ is_of_parcel_scanned_since() }}
    {% endif %}
),

compared as (
    select
        *,
        occurred_at - lag(occurred_at) over (partition by parcel_id, hub_id, event order by occurred_at, scan_id)
        > interval {{ var('duplicate_scan_seconds') }} second as is_another
    from uploads
),

numbered as (
    select
        *,
        count(*) filter (where is_another) over (partition by parcel_id, hub_id, event order by occurred_at, scan_id) as occurrence
    from compared
),

scans as (
    select
        parcel_id,
        hub_id,
        event,
        arg_min(scan_id, (recorded_at, scan_id)) as scan_id,
        arg_min(next_hub_id, (recorded_at, scan_id)) as next_hub_id,
        arg_min(occurred_at, (recorded_at, scan_id)) as occurred_at,
        min(recorded_at) as known_at,
        count(*) as uploads_count,
        max(changed_at) as changed_at
    from numbered
    group by parcel_id, hub_id, event, occurrence
),

trusted as (
    select
        *,
        -- Nothing is uploaded before it happens.
        least(occurred_at, known_at) as trusted_at
    from scans
),

returns as (
    select
        *,
        event = 'arrived' and trusted_at - max(trusted_at) filter (where event = 'departed') over (
            partition by parcel_id, hub_id order by trusted_at, scan_id rows between unbounded preceding and 1 preceding
        ) > interval {{ var('revisit_after_hours') }} hour as is_return
    from trusted
),

final as (
    select
        scan_id,
        parcel_id,
        hub_id,
        event,
        next_hub_id,
        occurred_at,
        known_at,
        trusted_at,
        uploads_count,
        changed_at,
        count(*) filter (where is_return) over (partition by parcel_id, hub_id order by trusted_at, scan_id) as visit
    from returns
)

select * from final
