-- One row per contact made with a lead or merchant, or withheld from one for comparison. The answer is known at responded_at.
with

outreach as (
    select * from {{ staged('outreach') }}
),

final as (
    select
        outreach_id,
        lead_id,
        merchant_id,
        campaign_id,
        purpose,
        channel,
        arm,
        assignment,
        offer,
        sent_at,
        sent_at as known_at,
        responded_at,
        {{ seconds_between('sent_at', 'responded_at') }} as response_seconds,
        changed_at
    from outreach
)

select * from final
