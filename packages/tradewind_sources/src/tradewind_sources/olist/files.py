"""The files of the public Olist data, as published, and what may stand in them.

Columns that nothing needs are not read. Key and bounds were checked on the archive; money is in BRL, sizes in cm, weights in g.
"""

from tradewind_sources.declaration import Form, SourceColumn, SourceFile

STATES = (
    "AC", "AL", "AM", "AP", "BA", "CE", "DF", "ES", "GO", "MA", "MG", "MS", "MT", "PA",
    "PB", "PE", "PI", "PR", "RJ", "RN", "RO", "RR", "RS", "SC", "SE", "SP", "TO",
)  # fmt: skip
"""Brazil's federal units."""


def _id(name: str) -> SourceColumn:
    return SourceColumn(name, required=True)


def _count(name: str) -> SourceColumn:
    return SourceColumn(name, Form.INTEGER, least=0)


def _money(name: str) -> SourceColumn:
    return SourceColumn(name, Form.MONEY, required=True, least=0)


def _state(name: str) -> SourceColumn:
    return SourceColumn(name, required=True, allowed=STATES)


def _postal(name: str) -> SourceColumn:
    return SourceColumn(name, Form.POSTAL_PREFIX, required=True)


ORDERS = SourceFile(
    "olist_orders_dataset.csv",
    "orders",
    (
        _id("order_id"),
        _id("customer_id"),
        SourceColumn("order_status"),
        SourceColumn("order_purchase_timestamp", Form.LOCAL_INSTANT, required=True),
        SourceColumn("order_approved_at", Form.LOCAL_INSTANT),
        SourceColumn("order_delivered_carrier_date", Form.LOCAL_INSTANT),
        SourceColumn("order_delivered_customer_date", Form.LOCAL_INSTANT),
        SourceColumn("order_estimated_delivery_date", Form.LOCAL_INSTANT, plan=True),
    ),
    key=("order_id",),
)

ORDER_ITEMS = SourceFile(
    "olist_order_items_dataset.csv",
    "order_items",
    (
        _id("order_id"),
        SourceColumn("order_item_id", Form.INTEGER, required=True, least=1),
        _id("product_id"),
        _id("seller_id"),
        SourceColumn("shipping_limit_date", Form.LOCAL_INSTANT, plan=True),
        _money("price"),
        _money("freight_value"),
    ),
    key=("order_id", "order_item_id"),
)

CUSTOMERS = SourceFile(
    "olist_customers_dataset.csv",
    "customers",
    (
        _id("customer_id"),
        _id("customer_unique_id"),
        _postal("customer_zip_code_prefix"),
        SourceColumn("customer_city"),
        _state("customer_state"),
    ),
    key=("customer_id",),
)
"""One row per order: ``customer_id`` is new at each order, ``customer_unique_id`` is the person."""

PAYMENTS = SourceFile(
    "olist_order_payments_dataset.csv",
    "payments",
    (
        _id("order_id"),
        SourceColumn("payment_sequential", Form.INTEGER, required=True, least=1),
        SourceColumn("payment_type", required=True, allowed=("credit_card", "boleto", "voucher", "debit_card", "not_defined")),
        _count("payment_installments"),
        _money("payment_value"),
    ),
    key=("order_id", "payment_sequential"),
)

REVIEWS = SourceFile(
    "olist_order_reviews_dataset.csv",
    "reviews",
    (
        _id("review_id"),
        _id("order_id"),
        SourceColumn("review_score", Form.INTEGER, least=1, greatest=5),
        SourceColumn("review_comment_title", Form.PRESENCE),
        SourceColumn("review_comment_message", Form.PRESENCE),
        SourceColumn("review_creation_date", Form.LOCAL_INSTANT, required=True),
        SourceColumn("review_answer_timestamp", Form.LOCAL_INSTANT),
    ),
    key=("review_id", "order_id"),
)

GEOLOCATION = SourceFile(
    "olist_geolocation_dataset.csv",
    "geolocation",
    (
        _postal("geolocation_zip_code_prefix"),
        SourceColumn("geolocation_lat", Form.NUMBER, required=True),
        SourceColumn("geolocation_lng", Form.NUMBER, required=True),
        SourceColumn("geolocation_city"),
        _state("geolocation_state"),
    ),
)
"""Many points per postal prefix, a quarter of them exact duplicates: it has no key."""

PRODUCTS = SourceFile(
    "olist_products_dataset.csv",
    "products",
    (
        _id("product_id"),
        SourceColumn("product_category_name"),
        _count("product_name_lenght"),
        _count("product_description_lenght"),
        _count("product_photos_qty"),
        _count("product_weight_g"),
        _count("product_length_cm"),
        _count("product_height_cm"),
        _count("product_width_cm"),
    ),
    key=("product_id",),
)

SELLERS = SourceFile(
    "olist_sellers_dataset.csv",
    "sellers",
    (_id("seller_id"), _postal("seller_zip_code_prefix"), SourceColumn("seller_city"), _state("seller_state")),
    key=("seller_id",),
)

TRANSLATIONS = SourceFile(
    "product_category_name_translation.csv",
    "translations",
    (_id("product_category_name"), _id("product_category_name_english")),
    key=("product_category_name",),
)

LEADS = SourceFile(
    "olist_marketing_qualified_leads_dataset.csv",
    "leads",
    (
        _id("mql_id"),
        SourceColumn("first_contact_date", Form.LOCAL_INSTANT, required=True),
        SourceColumn("landing_page_id"),
        SourceColumn("origin"),
    ),
    key=("mql_id",),
)

DEALS = SourceFile(
    "olist_closed_deals_dataset.csv",
    "deals",
    (
        _id("mql_id"),
        _id("seller_id"),
        SourceColumn("sdr_id"),
        SourceColumn("sr_id"),
        SourceColumn("won_date", Form.LOCAL_INSTANT, required=True),
        SourceColumn("business_segment"),
        SourceColumn("lead_type"),
        SourceColumn("lead_behaviour_profile"),
        SourceColumn("business_type"),
        SourceColumn("declared_product_catalog_size", Form.NUMBER, least=0),
        SourceColumn("declared_monthly_revenue", Form.NUMBER, least=0),
    ),
    key=("mql_id",),
)

COMMERCE = (ORDERS, ORDER_ITEMS, CUSTOMERS, PAYMENTS, REVIEWS, GEOLOCATION, PRODUCTS, SELLERS, TRANSLATIONS)
"""The files of ``brazilian-ecommerce.zip``."""

FUNNEL = (LEADS, DEALS)
"""The files of ``marketing-funnel-olist.zip``."""
