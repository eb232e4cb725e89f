"""Landing tables of the logistics domain."""

from tradewind_contracts.tables.declaration import ALWAYS, Column, Kind, PersonalData, Reference, Table

_INDIRECT = PersonalData.INDIRECT

POSTAL_AREAS = Table(
    name="postal_areas",
    domain="logistics",
    grain="one row per postal prefix",
    description="Where a postal prefix lies: the median of its known points, and its most frequent city and state.",
    key=("postal_area_id",),
    known_at=ALWAYS,
    columns=(
        Column("postal_area_id", Kind.STRING, "The postal prefix.", nullable=False),
        Column("lat", Kind.NUMBER, "Latitude in degrees.", nullable=False, least=-90, greatest=90),
        Column("lng", Kind.NUMBER, "Longitude in degrees.", nullable=False, least=-180, greatest=180),
        Column("city", Kind.STRING, "Most frequent city, as written."),
        Column("state", Kind.STRING, "Most frequent state.", nullable=False),
        Column("points_count", Kind.INTEGER, "Points that it is made of.", nullable=False, least=1),
    ),
)

PARCELS = Table(
    name="parcels",
    domain="logistics",
    grain="one row per parcel: an order's items of one merchant",
    description="What travels, with its milestones.",
    key=("parcel_id",),
    known_at="ordered_at",
    columns=(
        Column("parcel_id", Kind.STRING, "The parcel.", nullable=False),
        Column("order_id", Kind.STRING, "Its order.", nullable=False),
        Column("merchant_id", Kind.STRING, "Who ships it.", nullable=False),
        Column("origin_postal_area_id", Kind.STRING, "Postal area that it leaves from."),
        Column("origin_state", Kind.STRING, "State that it leaves from."),
        Column("destination_postal_area_id", Kind.STRING, "Postal area that it goes to.", personal=_INDIRECT),
        Column("destination_state", Kind.STRING, "State that it goes to."),
        Column("ordered_at", Kind.INSTANT, "Purchase.", nullable=False),
        Column("approved_at", Kind.INSTANT, "Payment approved.", known_at="approved_at"),
        Column("handed_over_at", Kind.INSTANT, "The merchant handed it to the carrier.", known_at="handed_over_at"),
        Column("delivered_at", Kind.INSTANT, "The customer received it.", known_at="delivered_at"),
        Column("cancelled_at", Kind.INSTANT, "Cancelled; null where the source does not say when.", known_at="cancelled_at"),
        Column(
            "promised_at",
            Kind.INSTANT,
            "Start of the local day that the customer was promised at purchase; late means delivered on a later local day.",
        ),
        Column("ship_by_at", Kind.INSTANT, "Latest limit to hand over, of its items.", known_at="approved_at"),
        Column("items_count", Kind.INTEGER, "Units in it.", nullable=False, least=1),
        Column("weight_g", Kind.INTEGER, "Sum of the units' weights; null where one is unknown.", least=0),
        Column("volume_cm3", Kind.INTEGER, "Sum of the units' volumes; null where one is unknown.", least=0),
        Column("price", Kind.MONEY, "Sum of the units' prices, in the world's currency.", nullable=False, least=0),
        Column("freight", Kind.MONEY, "Sum of the freight charged, in the world's currency.", nullable=False, least=0),
        Column("returned_at", Kind.INSTANT, "Given up and sent back to the merchant.", known_at="returned_at", since=2),
        Column("address_id", Kind.STRING, "Address that it goes to, as written.", personal=_INDIRECT, since=2),
        Column("warehouse_id", Kind.STRING, "Fulfilment centre that it leaves from; null where the merchant ships it.", since=2),
    ),
    references=(
        Reference("order_id", "orders", "order_id", mandatory=True),
        Reference("merchant_id", "merchants", "merchant_id", mandatory=True),
        Reference("origin_postal_area_id", "postal_areas", "postal_area_id"),
        Reference("destination_postal_area_id", "postal_areas", "postal_area_id"),
        Reference("address_id", "addresses", "address_id"),
        Reference("warehouse_id", "warehouses", "warehouse_id"),
    ),
)
