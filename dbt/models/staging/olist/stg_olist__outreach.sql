-- One row per contact made with a lead or merchant, or withheld from one for comparison.
-- Generated from the table declarations by tradewind_lifecycle.dbt_sources; a contract test holds it fresh.
with

source as (
    select * from {{ source('olist', 'outreach') }}
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
        responded_at,
        changed_at,
        flags
    from source
)

select * from final
