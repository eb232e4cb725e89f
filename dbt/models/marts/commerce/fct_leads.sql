-- One row per merchant lead, with the deal that it became.
with

leads as (
    select * from {{ staged('leads') }}
),

deals as (
    select * from {{ staged('deals') }}
),

final as (
    select
        leads.lead_id,
        deals.merchant_id,
        leads.contacted_at,
        deals.won_at,
        leads.landing_page_id,
        leads.channel,
        deals.segment,
        deals.lead_type,
        deals.business_type,
        deals.declared_catalog_size,
        deals.declared_monthly_revenue,
        greatest(leads.changed_at, deals.changed_at) as changed_at
    from leads
    left join deals on leads.lead_id = deals.lead_id
)

select * from final
