-- One row per scan that happened: uploads of the same parcel, hub and event within seconds are one, known since the first of them.
-- A new visit to a hub begins where the parcel was scanned elsewhere meanwhile, more than once; one scan between is a clock that is wrong.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='parcel_id', on_schema_change='fail') }}

with

uploads as (
    select * from {{ staged('scan_events') }}
    {% if is_incremental() %}
    where {{ is_of_parcel_scanned_since(staged('scan_events')) }}
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

counted as (
    select
        *,
        row_number() over (partition by parcel_id order by trusted_at, scan_id)
        - row_number() over (partition by parcel_id, hub_id order by trusted_at, scan_id) as elsewhere_count
    from trusted
),

returns as (
    select
        *,
        elsewhere_count >= lag(elsewhere_count) over visits + {{ var('revisit_after_scans') }}
        and trusted_at - lag(trusted_at) over visits > interval {{ var('revisit_after_hours') }} hour as is_return
    from counted
    window visits as (partition by parcel_id, hub_id order by trusted_at, scan_id)
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
