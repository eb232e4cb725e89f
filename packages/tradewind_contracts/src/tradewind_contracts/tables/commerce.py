"""Landing tables of the commerce domain."""

from tradewind_contracts.tables.declaration import NEVER, Column, Kind, PersonalData, Reference, Table

_INDIRECT = PersonalData.INDIRECT

CUSTOMERS = Table(
    name="customers",
    domain="commerce",
    grain="one row per customer",
    description="People who buy, with where they were at their newest order.",
    key=("customer_id",),
    known_at="first_ordered_at",
    columns=(
        Column("customer_id", Kind.STRING, "The person, stable over orders.", nullable=False, personal=_INDIRECT),
        Column("first_ordered_at", Kind.INSTANT, "The person's first order.", nullable=False),
        Column("last_ordered_at", Kind.INSTANT, "The person's newest order.", known_at="last_ordered_at"),
        Column("postal_area_id", Kind.STRING, "Postal area of the newest order.", known_at="last_ordered_at", personal=_INDIRECT),
        Column("city", Kind.STRING, "City of the newest order, as written.", known_at="last_ordered_at", personal=_INDIRECT),
        Column("state", Kind.STRING, "State of the newest order.", known_at="last_ordered_at"),
    ),
    references=(Reference("postal_area_id", "postal_areas", "postal_area_id"),),
)

MERCHANTS = Table(
    name="merchants",
    domain="commerce",
    grain="one row per merchant",
    description="Those who sell and ship, with the place that they ship from.",
    key=("merchant_id",),
    known_at="first_seen_at",
    columns=(
        Column("merchant_id", Kind.STRING, "The merchant.", nullable=False),
        Column("first_seen_at", Kind.INSTANT, "First order that names the merchant; null where none does."),
        Column("postal_area_id", Kind.STRING, "Postal area that it ships from.", nullable=False),
        Column("city", Kind.STRING, "City, as written."),
        Column("state", Kind.STRING, "State.", nullable=False),
    ),
    references=(Reference("postal_area_id", "postal_areas", "postal_area_id"),),
)

PRODUCTS = Table(
    name="products",
    domain="commerce",
    grain="one row per product",
    description="What is sold, with category, size and weight.",
    key=("product_id",),
    known_at="first_seen_at",
    columns=(
        Column("product_id", Kind.STRING, "The product.", nullable=False),
        Column("first_seen_at", Kind.INSTANT, "First order that names the product; null where none does."),
        Column("category", Kind.STRING, "Category in English; the source's own word where it has no translation."),
        Column("name_characters_count", Kind.INTEGER, "Length of the product's name.", least=0),
        Column("description_characters_count", Kind.INTEGER, "Length of its description.", least=0),
        Column("photos_count", Kind.INTEGER, "Photos shown.", least=0),
        Column("weight_g", Kind.INTEGER, "Weight, packed.", least=0),
        Column("length_cm", Kind.INTEGER, "Length, packed.", least=0),
        Column("height_cm", Kind.INTEGER, "Height, packed.", least=0),
        Column("width_cm", Kind.INTEGER, "Width, packed.", least=0),
    ),
)

ORDERS = Table(
    name="orders",
    domain="commerce",
    grain="one row per order",
    description="What a customer bought at once, with its milestones.",
    key=("order_id",),
    known_at="ordered_at",
    columns=(
        Column("order_id", Kind.STRING, "The order.", nullable=False),
        Column("customer_id", Kind.STRING, "Who bought.", nullable=False, personal=_INDIRECT),
        Column("destination_postal_area_id", Kind.STRING, "Postal area that it goes to.", personal=_INDIRECT),
        Column("destination_state", Kind.STRING, "State that it goes to."),
        Column("ordered_at", Kind.INSTANT, "Purchase.", nullable=False),
        Column("approved_at", Kind.INSTANT, "Payment approved.", known_at="approved_at"),
        Column("cancelled_at", Kind.INSTANT, "Cancelled; null where the source does not say when.", known_at="cancelled_at"),
        Column(
            "promised_at",
            Kind.INSTANT,
            "Start of the local day that the customer was promised at purchase; late means delivered on a later local day.",
        ),
        Column("source_status", Kind.STRING, "Status as of the snapshot: derived, never trusted.", known_at=NEVER),
        Column("address_id", Kind.STRING, "Address that it goes to, as written.", personal=_INDIRECT, since=2),
    ),
    references=(
        Reference("customer_id", "customers", "customer_id", mandatory=True),
        Reference("destination_postal_area_id", "postal_areas", "postal_area_id"),
        Reference("address_id", "addresses", "address_id"),
    ),
)

ORDER_ITEMS = Table(
    name="order_items",
    domain="commerce",
    grain="one row per order and item number",
    description="One unit of a product in an order.",
    key=("order_id", "item_number"),
    known_at="ordered_at",
    columns=(
        Column("order_id", Kind.STRING, "The order.", nullable=False),
        Column("item_number", Kind.INTEGER, "Number of the item in its order, from 1.", nullable=False, least=1),
        Column("product_id", Kind.STRING, "What.", nullable=False),
        Column("merchant_id", Kind.STRING, "Who sells and ships it.", nullable=False),
        Column("ordered_at", Kind.INSTANT, "Purchase, from the order.", nullable=False),
        Column("approved_at", Kind.INSTANT, "Approval, from the order: the limit to ship is set then.", known_at="approved_at"),
        Column("ship_by_at", Kind.INSTANT, "Limit for the merchant to hand over.", known_at="approved_at"),
        Column("price", Kind.MONEY, "Price of the unit, in the world's currency.", nullable=False, least=0),
        Column("freight", Kind.MONEY, "Freight charged for the unit, in the world's currency.", nullable=False, least=0),
        Column("subsidy", Kind.MONEY, "Paid by the platform on the unit, beside the price, in the world's currency.", least=0, since=2),
        Column("creator_id", Kind.STRING, "Creator whose link led to the order.", personal=_INDIRECT, since=2),
    ),
    references=(
        Reference("order_id", "orders", "order_id", mandatory=True),
        Reference("creator_id", "creators", "creator_id"),
        Reference("product_id", "products", "product_id", mandatory=True),
        Reference("merchant_id", "merchants", "merchant_id", mandatory=True),
    ),
)

PAYMENTS = Table(
    name="payments",
    domain="commerce",
    grain="one row per payment",
    description="A part of an order's price, by one means.",
    key=("order_id", "payment_number"),
    known_at="ordered_at",
    columns=(
        Column("order_id", Kind.STRING, "The order.", nullable=False),
        Column("payment_number", Kind.INTEGER, "Number of the payment in its order, from 1.", nullable=False, least=1),
        Column("ordered_at", Kind.INSTANT, "Purchase, from the order.", nullable=False),
        Column(
            "method",
            Kind.STRING,
            "Means of payment.",
            nullable=False,
            allowed=("credit_card", "boleto", "voucher", "debit_card", "not_defined"),
        ),
        Column("installments_count", Kind.INTEGER, "Instalments.", least=0),
        Column("amount", Kind.MONEY, "Amount, in the world's currency.", nullable=False, least=0),
    ),
    references=(Reference("order_id", "orders", "order_id", mandatory=True),),
)

REVIEWS = Table(
    name="reviews",
    domain="commerce",
    grain="one row per review of an order",
    description="What a customer said of an order. The text stays with the source: it is personal and not needed.",
    key=("review_id", "order_id"),
    known_at="answered_at",
    columns=(
        Column("review_id", Kind.STRING, "The review; one review may speak of several orders.", nullable=False),
        Column("order_id", Kind.STRING, "The order.", nullable=False),
        Column(
            "asked_at",
            Kind.INSTANT,
            "Start of the local day on which the survey was sent: the row may become known up to a day later.",
            nullable=False,
            known_at="asked_at",
        ),
        Column("answered_at", Kind.INSTANT, "The customer answered; null while not.", known_at="answered_at"),
        Column("score", Kind.INTEGER, "1 (worst) to 5 (best); known only once answered.", least=1, greatest=5),
        Column("has_title", Kind.BOOLEAN, "The answer has a title."),
        Column("has_message", Kind.BOOLEAN, "The answer has a text."),
    ),
    references=(Reference("order_id", "orders", "order_id", mandatory=True),),
)

LEADS = Table(
    name="leads",
    domain="commerce",
    grain="one row per merchant lead",
    description="Merchants who asked to sell on the marketplace.",
    key=("lead_id",),
    known_at="contacted_at",
    columns=(
        Column("lead_id", Kind.STRING, "The lead.", nullable=False),
        Column(
            "contacted_at",
            Kind.INSTANT,
            "Start of the local day of first contact: the row may become known up to a day later.",
            nullable=False,
        ),
        Column("landing_page_id", Kind.STRING, "Page where it came in."),
        Column("channel", Kind.STRING, "How it came; null or unknown where the source does not say."),
    ),
)

DEALS = Table(
    name="deals",
    domain="commerce",
    grain="one row per won deal",
    description="Leads that became merchants.",
    key=("lead_id",),
    known_at="won_at",
    columns=(
        Column("lead_id", Kind.STRING, "The lead that was won.", nullable=False),
        Column("merchant_id", Kind.STRING, "The merchant that it became; it may not have sold yet.", nullable=False),
        Column("won_at", Kind.INSTANT, "The deal was won.", nullable=False),
        Column("sales_development_representative_id", Kind.STRING, "Who qualified it.", personal=_INDIRECT),
        Column("sales_representative_id", Kind.STRING, "Who won it.", personal=_INDIRECT),
        Column("segment", Kind.STRING, "Business segment."),
        Column("lead_type", Kind.STRING, "Kind of lead."),
        Column("behaviour_profile", Kind.STRING, "How the contact was classed by sales.", personal=_INDIRECT),
        Column("business_type", Kind.STRING, "Reseller or manufacturer."),
        Column("declared_catalog_size", Kind.NUMBER, "Products that it said it has.", least=0),
        Column("declared_monthly_revenue", Kind.NUMBER, "Monthly revenue that it said it has, in the world's currency.", least=0),
    ),
    references=(Reference("lead_id", "leads", "lead_id", mandatory=True), Reference("merchant_id", "merchants", "merchant_id")),
)
