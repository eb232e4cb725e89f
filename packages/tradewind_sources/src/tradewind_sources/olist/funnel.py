"""Leads and deals: the marketing funnel, an archive of its own that may be absent."""

from tradewind_contracts.tables import table
from tradewind_sources.workbench import Workbench, flags

_LEADS = f"""
select
    mql_id as lead_id, first_contact_date as contacted_at, landing_page_id, origin as channel,
    {flags({"no_channel": "origin is null or origin = 'unknown'"})}
from source.leads where reason is null
"""

_DEALS = f"""
select
    d.mql_id as lead_id, d.seller_id as merchant_id, d.won_date as won_at,
    d.sdr_id as sales_development_representative_id, d.sr_id as sales_representative_id, d.business_segment as segment, d.lead_type,
    d.lead_behaviour_profile as behaviour_profile, d.business_type,
    d.declared_product_catalog_size as declared_catalog_size, d.declared_monthly_revenue,
    {
    flags(
        {
            "deal_merchant_unknown": "d.seller_id not in (select merchant_id from landed.merchants)",
            "won_before_contact": "d.won_date < l.first_contact_date",
        }
    )
}
from source.deals as d
join source.leads as l using (mql_id)
where d.reason is null
"""


def land_funnel(bench: Workbench) -> None:
    """Land ``leads`` and ``deals``; needs ``merchants``."""
    bench.land(table("leads"), "leads", _LEADS)
    bench.refuse_orphans("deals", "mql_id", "leads", "mql_id", "unknown_lead")
    bench.land(table("deals"), "deals", _DEALS)
