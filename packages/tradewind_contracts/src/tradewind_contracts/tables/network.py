"""Landing tables of the logistics network: addresses, hubs, lanes, scans, attempts and claims."""

from tradewind_contracts.tables.declaration import Column, Kind, PersonalData, Reference, Table

_INDIRECT = PersonalData.INDIRECT
_DIRECT = PersonalData.DIRECT

ADDRESSES = Table(
    name="addresses",
    domain="logistics",
    grain="one row per address as written",
    description="Where a customer says that it lives: the raw text and the parts that the form asked for.",
    key=("address_id",),
    known_at="written_at",
    columns=(
        Column("address_id", Kind.STRING, "The address.", nullable=False, personal=_INDIRECT),
        Column("customer_id", Kind.STRING, "Who wrote it.", nullable=False, personal=_INDIRECT),
        Column("written_at", Kind.INSTANT, "Written: the order that it was first used for.", nullable=False),
        Column("raw_text", Kind.STRING, "The whole address in one line, as written.", nullable=False, personal=_DIRECT),
        Column("street", Kind.STRING, "Street, as written.", personal=_DIRECT),
        Column("house_number", Kind.STRING, "Number in the street, as written.", personal=_DIRECT),
        Column("unit", Kind.STRING, "Flat, block or floor, as written.", personal=_DIRECT),
        Column("neighbourhood", Kind.STRING, "Neighbourhood, as written.", personal=_INDIRECT),
        Column("city", Kind.STRING, "City, as written.", personal=_INDIRECT),
        Column("state", Kind.STRING, "State, as written."),
        Column("postal_code", Kind.STRING, "Postal code, as written.", personal=_INDIRECT),
        Column("postal_area_id", Kind.STRING, "Postal area of the postal code.", personal=_INDIRECT),
    ),
    references=(
        Reference("customer_id", "customers", "customer_id", mandatory=True),
        Reference("postal_area_id", "postal_areas", "postal_area_id"),
    ),
)

HUBS = Table(
    name="hubs",
    domain="logistics",
    grain="one row per hub",
    description="Where parcels are sorted: national and regional sort centres, and the local depots of the last mile.",
    key=("hub_id",),
    known_at="opened_at",
    columns=(
        Column("hub_id", Kind.STRING, "The hub.", nullable=False),
        Column("level", Kind.STRING, "Its place in the network.", nullable=False, allowed=("national", "regional", "local")),
        Column("parent_hub_id", Kind.STRING, "Hub of the next level above that it hangs on; null at the top."),
        Column("postal_area_id", Kind.STRING, "Postal area that it stands in.", nullable=False),
        Column("city", Kind.STRING, "City."),
        Column("state", Kind.STRING, "State.", nullable=False),
        Column("lat", Kind.NUMBER, "Latitude in degrees.", nullable=False, least=-90, greatest=90),
        Column("lng", Kind.NUMBER, "Longitude in degrees.", nullable=False, least=-180, greatest=180),
        Column("opened_at", Kind.INSTANT, "Opened.", nullable=False),
        Column("closed_at", Kind.INSTANT, "Closed; null while open.", known_at="closed_at"),
    ),
    references=(Reference("postal_area_id", "postal_areas", "postal_area_id"),),
)

LANES = Table(
    name="lanes",
    domain="logistics",
    grain="one row per planned lane and interval of validity",
    description="What the route planner may use: a trip from one hub to another, with its distance and planned time.",
    key=("lane_id", "valid_from_at"),
    known_at="valid_from_at",
    columns=(
        Column("lane_id", Kind.STRING, "The lane: origin and destination hub.", nullable=False),
        Column("valid_from_at", Kind.INSTANT, "First instant that it may be used.", nullable=False),
        Column("valid_until_at", Kind.INSTANT, "End of its validity; null while valid.", known_at="valid_until_at"),
        Column("origin_hub_id", Kind.STRING, "Where it begins.", nullable=False),
        Column("destination_hub_id", Kind.STRING, "Where it ends.", nullable=False),
        Column("distance_km", Kind.NUMBER, "Distance by road, in kilometres.", nullable=False, least=0),
        Column("planned_minutes", Kind.NUMBER, "Driving time of the route planner, in minutes.", nullable=False, least=0),
    ),
    references=(
        Reference("origin_hub_id", "hubs", "hub_id", mandatory=True),
        Reference("destination_hub_id", "hubs", "hub_id", mandatory=True),
    ),
)

SCAN_EVENTS = Table(
    name="scan_events",
    domain="logistics",
    grain="one row per scan as uploaded",
    description="What the scanners said of a parcel: scans may be missing, uploaded twice, late or with a wrong clock.",
    key=("scan_id",),
    known_at="recorded_at",
    columns=(
        Column("scan_id", Kind.STRING, "The upload.", nullable=False),
        Column("parcel_id", Kind.STRING, "The parcel.", nullable=False),
        Column("hub_id", Kind.STRING, "Where.", nullable=False),
        Column(
            "event",
            Kind.STRING,
            "What happened.",
            nullable=False,
            allowed=("picked_up", "arrived", "sorted", "departed", "out_for_delivery", "attempted", "delivered", "returned"),
        ),
        Column("next_hub_id", Kind.STRING, "Where it is sent to, for a departure."),
        Column("occurred_at", Kind.INSTANT, "When, by the scanner's clock.", nullable=False),
        Column("recorded_at", Kind.INSTANT, "When it was uploaded.", nullable=False),
    ),
    references=(
        Reference("parcel_id", "parcels", "parcel_id", mandatory=True),
        Reference("hub_id", "hubs", "hub_id", mandatory=True),
    ),
)

DELIVERY_ATTEMPTS = Table(
    name="delivery_attempts",
    domain="logistics",
    grain="one row per attempt to deliver a parcel",
    description="What the courier said of each attempt.",
    key=("attempt_id",),
    known_at="recorded_at",
    columns=(
        Column("attempt_id", Kind.STRING, "The attempt.", nullable=False),
        Column("parcel_id", Kind.STRING, "The parcel.", nullable=False),
        Column("attempt_number", Kind.INTEGER, "Number of the attempt for the parcel, from 1.", nullable=False, least=1),
        Column("hub_id", Kind.STRING, "Local depot that it was made from.", nullable=False),
        Column("courier_id", Kind.STRING, "Who tried.", nullable=False, personal=_INDIRECT),
        Column("attempted_at", Kind.INSTANT, "When.", nullable=False),
        Column("recorded_at", Kind.INSTANT, "When it was uploaded.", nullable=False),
        Column("outcome", Kind.STRING, "As the courier said.", nullable=False, allowed=("delivered", "failed")),
        Column(
            "reason",
            Kind.STRING,
            "Why it failed, as the courier said; null where it did not.",
            allowed=("nobody_home", "bad_address", "refused", "no_access", "damaged"),
        ),
        Column("scan_to_address_m", Kind.NUMBER, "Distance from the scan to where the address was located, in metres.", least=0),
    ),
    references=(
        Reference("parcel_id", "parcels", "parcel_id", mandatory=True),
        Reference("hub_id", "hubs", "hub_id", mandatory=True),
    ),
)

CLAIMS = Table(
    name="claims",
    domain="logistics",
    grain="one row per claim",
    description="What customers hold against a parcel, and what became of it.",
    key=("claim_id",),
    known_at="opened_at",
    columns=(
        Column("claim_id", Kind.STRING, "The claim.", nullable=False),
        Column("parcel_id", Kind.STRING, "The parcel.", nullable=False),
        Column("order_id", Kind.STRING, "Its order.", nullable=False),
        Column("kind", Kind.STRING, "What is claimed.", nullable=False, allowed=("not_received", "damaged", "wrong_item")),
        Column("opened_at", Kind.INSTANT, "Opened.", nullable=False),
        Column("resolved_at", Kind.INSTANT, "Decided; null while open.", known_at="resolved_at"),
        Column("resolution", Kind.STRING, "The decision.", allowed=("refunded", "reshipped", "rejected"), known_at="resolved_at"),
        Column("refund", Kind.MONEY, "Paid back, in the world's currency.", least=0, known_at="resolved_at"),
    ),
    references=(
        Reference("parcel_id", "parcels", "parcel_id", mandatory=True),
        Reference("order_id", "orders", "order_id", mandatory=True),
    ),
)
