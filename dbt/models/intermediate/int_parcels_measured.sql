-- One row per parcel: how long each part of its way took, in whole seconds, and since when that is known.
-- A part whose end stands before its beginning is not measured (null): such clocks can't be trusted.
with

parcels as (
    select * from {{ staged('parcels') }}
),

final as (
    select
        parcel_id,
        {{ seconds_between('ordered_at', 'approved_at') }} as approval_seconds,
        {{ seconds_between('ordered_at', 'handed_over_at') }} as handling_seconds,
        {{ seconds_between('handed_over_at', 'delivered_at') }} as transit_seconds,
        {{ seconds_between('ordered_at', 'delivered_at') }} as delivery_seconds,
        {{ seconds_between('ordered_at', 'promised_at') }} as promise_seconds,
        case when handed_over_at is not null then greatest(ordered_at, handed_over_at) end as handling_known_at,
        -- Approval sets the limit: a hand-over is judged once both are known, and never without an approval.
        handed_over_at > ship_by_at as is_handed_over_late,
        case
            when handed_over_at is not null and approved_at is not null and ship_by_at is not null
                then greatest(handed_over_at, approved_at)
        end as handover_judged_at,
        {{ local_day('delivered_at') }} > {{ local_day('promised_at') }} as is_late,
        case when handed_over_at is not null and delivered_at is not null then greatest(handed_over_at, delivered_at) end
            as transit_known_at
    from parcels
)

select * from final
