"""Landing tables of the commerce domain beside the orders: traffic, creators, outreach and the calendar."""

from tradewind_contracts.tables.declaration import ALWAYS, Column, Kind, PersonalData, Reference, Table

_INDIRECT = PersonalData.INDIRECT

CREATORS = Table(
    name="creators",
    domain="commerce",
    grain="one row per creator",
    description="People who show products to their followers for a commission.",
    key=("creator_id",),
    known_at="joined_at",
    columns=(
        Column("creator_id", Kind.STRING, "The creator.", nullable=False, personal=_INDIRECT),
        Column("joined_at", Kind.INSTANT, "Joined the programme.", nullable=False),
        Column("channel", Kind.STRING, "Where the followers are.", nullable=False, allowed=("video", "short_video", "blog", "messaging")),
        Column("category", Kind.STRING, "Product category that it speaks of most, as declared when joining."),
        Column("followers_count", Kind.INTEGER, "Followers when joining, as declared.", least=0),
        Column("state", Kind.STRING, "State that it lives in."),
    ),
)

PRODUCT_TRAFFIC = Table(
    name="product_traffic",
    domain="commerce",
    grain="one row per product and local day",
    description="How often a product was seen, clicked, put in a cart and ordered, at which price.",
    key=("product_id", "date"),
    known_at="recorded_at",
    columns=(
        Column("product_id", Kind.STRING, "The product.", nullable=False),
        Column("date", Kind.DATE, "Local day.", nullable=False),
        Column("merchant_id", Kind.STRING, "Who sells it.", nullable=False),
        Column("impressions_count", Kind.INTEGER, "Times shown in a list.", nullable=False, least=0),
        Column("clicks_count", Kind.INTEGER, "Times opened.", nullable=False, least=0),
        Column("carts_count", Kind.INTEGER, "Times put in a cart.", nullable=False, least=0),
        Column("orders_count", Kind.INTEGER, "Orders that hold it.", nullable=False, least=0),
        Column("units_count", Kind.INTEGER, "Units ordered.", nullable=False, least=0),
        Column("position_mean", Kind.NUMBER, "Mean position in the lists that showed it, from 1 (top); null where never shown.", least=1),
        Column("list_price", Kind.MONEY, "Price before any subsidy, in the world's currency.", nullable=False, least=0),
        Column("price", Kind.MONEY, "Price that the customer pays, in the world's currency.", nullable=False, least=0),
        Column("subsidy", Kind.MONEY, "Paid by the platform on each unit, in the world's currency.", nullable=False, least=0),
        Column("unit_cost", Kind.MONEY, "What a unit costs the merchant, where it told, in the world's currency.", least=0),
        Column("is_promoted", Kind.BOOLEAN, "The platform gave it extra exposure that day.", nullable=False),
        Column(
            "pricing_arm",
            Kind.STRING,
            "How the price was set: by the merchant, or drawn at random in an experiment.",
            nullable=False,
            allowed=("merchant", "experiment"),
        ),
        Column("recorded_at", Kind.INSTANT, "The day's counts were closed.", nullable=False),
    ),
    references=(
        Reference("product_id", "products", "product_id", mandatory=True),
        Reference("merchant_id", "merchants", "merchant_id", mandatory=True),
    ),
)

OUTREACH = Table(
    name="outreach",
    domain="commerce",
    grain="one row per contact made with a lead or merchant, or withheld from one for comparison",
    description="Calls, messages and offers to leads and merchants, with the arm of the experiment that they belong to.",
    key=("outreach_id",),
    known_at="sent_at",
    columns=(
        Column("outreach_id", Kind.STRING, "The contact.", nullable=False),
        Column("lead_id", Kind.STRING, "The lead that it was made with; null where it was a merchant."),
        Column("merchant_id", Kind.STRING, "The merchant that it was made with; null where it was a lead."),
        Column("campaign_id", Kind.STRING, "What it was part of.", nullable=False),
        Column("purpose", Kind.STRING, "What it is for.", nullable=False, allowed=("win", "retain", "subsidy")),
        Column(
            "channel",
            Kind.STRING,
            "How the contact was made; none: withheld.",
            nullable=False,
            allowed=("email", "phone", "chat", "visit", "none"),
        ),
        Column("arm", Kind.STRING, "Contacted or withheld.", nullable=False, allowed=("treatment", "control")),
        Column(
            "assignment",
            Kind.STRING,
            "How the arm was chosen: by lot, or by those who make the contacts.",
            nullable=False,
            allowed=("randomised", "targeted"),
        ),
        Column("offer", Kind.MONEY, "Worth of what was offered, in the world's currency; null where nothing was.", least=0),
        Column("sent_at", Kind.INSTANT, "Sent, or withheld.", nullable=False),
        Column("responded_at", Kind.INSTANT, "First answer.", known_at="responded_at"),
    ),
    references=(
        Reference("lead_id", "leads", "lead_id", mandatory=True),
        Reference("merchant_id", "merchants", "merchant_id", mandatory=True),
    ),
)

CALENDAR = Table(
    name="calendar",
    domain="commerce",
    grain="one row per local day and region",
    description="Holidays and campaigns. The region is a state, the day a local one.",
    key=("date", "region"),
    known_at="announced_at",
    columns=(
        Column("date", Kind.DATE, "Local day.", nullable=False),
        Column("region", Kind.STRING, "State.", nullable=False),
        Column("is_holiday", Kind.BOOLEAN, "A public holiday there.", nullable=False, known_at=ALWAYS),
        Column("holiday", Kind.STRING, "Its name.", known_at=ALWAYS),
        Column("campaign", Kind.STRING, "The sales campaign that runs that day."),
        Column("announced_at", Kind.INSTANT, "The day's campaign, or that there is none, was announced.", nullable=False),
    ),
)
