"""Landing tables of the work inside: warehouses, their stock and their shifts."""

from tradewind_contracts.tables.declaration import Column, Kind, Reference, Table

WAREHOUSES = Table(
    name="warehouses",
    domain="logistics",
    grain="one row per warehouse",
    description="Sites where people work on parcels: fulfilment centres that hold stock, and the sort floors of the hubs.",
    key=("warehouse_id",),
    known_at="opened_at",
    columns=(
        Column("warehouse_id", Kind.STRING, "The site.", nullable=False),
        Column("kind", Kind.STRING, "What is done there.", nullable=False, allowed=("fulfilment", "hub")),
        Column("hub_id", Kind.STRING, "The hub that it is, or that it ships through.", nullable=False),
        Column("postal_area_id", Kind.STRING, "Postal area that it stands in.", nullable=False),
        Column("state", Kind.STRING, "State.", nullable=False),
        Column("opened_at", Kind.INSTANT, "Opened.", nullable=False),
        Column("closed_at", Kind.INSTANT, "Closed; null while open.", known_at="closed_at"),
    ),
    references=(
        Reference("hub_id", "hubs", "hub_id", mandatory=True),
        Reference("postal_area_id", "postal_areas", "postal_area_id"),
    ),
)

STOCK_DAILY = Table(
    name="stock_daily",
    domain="logistics",
    grain="one row per warehouse, product and local day",
    description="Stock of a product in a fulfilment centre, opening to closing.",
    key=("warehouse_id", "product_id", "date"),
    known_at="recorded_at",
    columns=(
        Column("warehouse_id", Kind.STRING, "The site.", nullable=False),
        Column("product_id", Kind.STRING, "The product.", nullable=False),
        Column("date", Kind.DATE, "Local day.", nullable=False),
        Column("opening_units_count", Kind.INTEGER, "Units at the start of the day.", nullable=False, least=0),
        Column("received_units_count", Kind.INTEGER, "Units received.", nullable=False, least=0),
        Column("sold_units_count", Kind.INTEGER, "Units taken by orders.", nullable=False, least=0),
        Column("closing_units_count", Kind.INTEGER, "Units at the end of the day.", nullable=False, least=0),
        Column("is_stocked_out", Kind.BOOLEAN, "It ran out during the day: more may have been wanted.", nullable=False),
        Column("recorded_at", Kind.INSTANT, "The day was closed.", nullable=False),
    ),
    references=(
        Reference("warehouse_id", "warehouses", "warehouse_id", mandatory=True),
        Reference("product_id", "products", "product_id", mandatory=True),
    ),
)

SHIFTS_DAILY = Table(
    name="shifts_daily",
    domain="logistics",
    grain="one row per warehouse, task and local day",
    description="Who was planned, who came, what they did and what was left.",
    key=("warehouse_id", "task", "date"),
    known_at="recorded_at",
    columns=(
        Column("warehouse_id", Kind.STRING, "The site.", nullable=False),
        Column("task", Kind.STRING, "The work.", nullable=False, allowed=("pick", "pack", "sort", "deliver")),
        Column("date", Kind.DATE, "Local day.", nullable=False),
        Column("planned_people_count", Kind.INTEGER, "People planned.", nullable=False, least=0),
        Column("present_people_count", Kind.INTEGER, "People who came.", nullable=False, least=0),
        Column("worked_hours", Kind.NUMBER, "Hours worked by all of them.", nullable=False, least=0),
        Column("tenure_days_mean", Kind.NUMBER, "Mean days that those present had worked there; null where nobody came.", least=0),
        Column("arrived_units_count", Kind.INTEGER, "Units that came in to be worked on.", nullable=False, least=0),
        Column("done_units_count", Kind.INTEGER, "Units done.", nullable=False, least=0),
        Column("backlog_units_count", Kind.INTEGER, "Units left at the end of the day.", nullable=False, least=0),
        Column("recorded_at", Kind.INSTANT, "The day was closed.", nullable=False),
    ),
    references=(Reference("warehouse_id", "warehouses", "warehouse_id", mandatory=True),),
)
