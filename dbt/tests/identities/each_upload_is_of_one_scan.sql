-- Scans and the uploads that repeat them are what has landed, and legs come only from scans.
with

counted as (
    select
        (select count(*) from {{ staged('scan_events') }}) as landed_rows,
        (select coalesce(sum(uploads_count), 0) from {{ ref('fct_scans') }}) as uploads_count,
        (select count(*) from (select parcel_id from {{ ref('fct_parcel_legs') }} except select parcel_id from {{ ref('fct_scans') }}))
            as legs_without_scans
)

select *
from counted
where landed_rows != uploads_count or legs_without_scans > 0
