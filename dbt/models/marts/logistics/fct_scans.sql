-- One row per scan that happened: uploads of the same event within seconds are one, known since the first of them.
-- Clocks may be wrong, so a parcel's scans are ordered by visits to hubs (each by the median of its instants) and, within a visit, by what
-- must come first. Number, order and gaps are over all that has landed: whoever needs them as of t orders the scans known before t.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='parcel_id', on_schema_change='fail') }}

with

scans as (
    select * from {{ ref('int_scans_deduplicated') }}
    {% if is_incremental() %}
    where {{ is_of_parcel_scanned_since(ref('int_scans_deduplicated')) }}
    {% endif %}
),

visits as (
    select
        *,
        quantile_disc(trusted_at, 0.5) over (partition by parcel_id, hub_id, visit) as visited_at
    from scans
),

ordered as (
    select
        *,
        row_number() over life as scan_number,
        lag(hub_id) over life as hub_id_before,
        lag(event) over life as event_before,
        lag(next_hub_id) over life as next_hub_id_before,
        max(occurred_at) over (life rows between unbounded preceding and 1 preceding) as newest_before
    from visits
    window life as (partition by parcel_id order by visited_at, hub_id, visit, {{ scan_stage('event') }}, trusted_at, scan_id)
),

final as (
    select
        scan_id,
        parcel_id,
        scan_number,
        hub_id,
        event,
        next_hub_id,
        occurred_at,
        known_at,
        uploads_count,
        coalesce(occurred_at < newest_before, false) as is_out_of_order,
        known_at > occurred_at + interval {{ var('late_upload_hours') }} hour as is_late_upload,
        case
            when event_before is null then event != 'picked_up'
            else not {{ is_next_scan('event_before', 'event', 'hub_id = hub_id_before', 'coalesce(next_hub_id_before = hub_id, false)') }}
        end as has_gap_before,
        changed_at
    from ordered
)

select * from final
