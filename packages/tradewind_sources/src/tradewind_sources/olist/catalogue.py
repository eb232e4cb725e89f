"""Products and merchants: known since the first order that names them."""

from tradewind_contracts.tables import table
from tradewind_sources.workbench import Workbench, flags

_FIRST_SEEN = """
select i.{column}, min(o.order_purchase_timestamp) as first_seen_at
from source.order_items as i
join source.orders as o using (order_id)
where i.reason is null and o.reason is null
group by i.{column}
"""

_PRODUCTS = f"""
with seen as ({_FIRST_SEEN.format(column="product_id")})
select
    p.product_id, s.first_seen_at,
    coalesce(t.product_category_name_english, p.product_category_name) as category,
    p.product_name_lenght as name_characters_count, p.product_description_lenght as description_characters_count,
    p.product_photos_qty as photos_count, p.product_weight_g as weight_g,
    p.product_length_cm as length_cm, p.product_height_cm as height_cm, p.product_width_cm as width_cm,
    {
    flags(
        {
            "product_not_yet_seen": "s.first_seen_at is null",
            "no_category": "p.product_category_name is null",
            "untranslated_category": "p.product_category_name is not null and t.product_category_name is null",
            "no_weight": "p.product_weight_g is null",
            "zero_weight": "p.product_weight_g = 0",
            "no_size": "p.product_length_cm is null or p.product_height_cm is null or p.product_width_cm is null",
        }
    )
}
from source.products as p
left join seen as s using (product_id)
left join source.translations as t on t.product_category_name = p.product_category_name and t.reason is null
where p.reason is null
"""

_MERCHANTS = f"""
with seen as ({_FIRST_SEEN.format(column="seller_id")})
select
    m.seller_id as merchant_id, s.first_seen_at, m.seller_zip_code_prefix as postal_area_id, m.seller_city as city, m.seller_state as state,
    {
    flags(
        {
            "merchant_not_yet_seen": "s.first_seen_at is null",
            "area_without_location": "m.seller_zip_code_prefix not in (select postal_area_id from landed.postal_areas)",
        }
    )
}
from source.sellers as m
left join seen as s using (seller_id)
where m.reason is null
"""


def land_products(bench: Workbench) -> None:
    """Land ``products``, with categories in English where there is a translation."""
    bench.land(table("products"), "products", _PRODUCTS)


def land_merchants(bench: Workbench) -> None:
    """Land ``merchants``; needs ``postal_areas``."""
    bench.land(table("merchants"), "sellers", _MERCHANTS)
