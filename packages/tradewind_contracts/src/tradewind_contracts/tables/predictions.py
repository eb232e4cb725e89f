"""The table ``predictions``: what services answered, one row for each decision. It lands from their log, not from a source's files.

It is declared as the landing tables are, and is none of ``TABLES``: it has a dataset and manifests of its own, so that a busy log does
not rebuild the warehouse.
"""

import pyarrow as pa

from tradewind_contracts.tables.declaration import CHANGED_AT, FLAGS, Column, Kind, PersonalData, Table

_INDIRECT = PersonalData.INDIRECT

PREDICTIONS = Table(
    name="predictions",
    domain="platform",
    grain="one row per decision: one parcel that a service answered about",
    description="What was asked, what the model saw and how old it was, which version answered what, and what it had to do without.",
    key=("decision_id",),
    known_at="answered_at",
    columns=(
        Column("decision_id", Kind.STRING, "The decision, as the answer names it.", nullable=False),
        Column("model", Kind.STRING, "Name of the model that answered.", nullable=False),
        Column("version", Kind.INTEGER, "Number of its version.", nullable=False, least=1),
        Column("bundle_digest", Kind.STRING, "SHA-256 of the version's bundle.", nullable=False),
        Column("source", Kind.STRING, "Where the version came from.", nullable=False, allowed=("registry", "baked")),
        Column("world", Kind.STRING, "The world that it was answered in.", nullable=False),
        Column("answered_at", Kind.INSTANT, "When it was answered, on the world's clock.", nullable=False),
        Column("logged_at", Kind.INSTANT, "When it was answered, on the wall's clock.", nullable=False),
        Column("ordered_at", Kind.INSTANT, "The order that was asked about, as asked or as it was answered.", nullable=False),
        Column("order_id", Kind.STRING, "The caller's reference to the order, by which the truth is joined; by policy, hashed or dropped."),
        Column("merchant_id", Kind.STRING, "Who ships; by policy, hashed or dropped."),
        Column("origin_area", Kind.STRING, "Postal area that it leaves from, as asked; null where the merchant's own counted."),
        Column("destination_area", Kind.STRING, "Postal area that it goes to.", personal=_INDIRECT),
        Column("p10_days", Kind.NUMBER, "Days to the delivery, 10 % quantile.", nullable=False, least=0),
        Column("p50_days", Kind.NUMBER, "Median.", nullable=False, least=0),
        Column("p90_days", Kind.NUMBER, "90 % quantile.", nullable=False, least=0),
        Column("confidence", Kind.NUMBER, "Confidence that the promise was asked for.", nullable=False, least=0, greatest=1),
        Column("promise_days", Kind.NUMBER, "Days to the promise.", nullable=False, least=0),
        Column("latency_ms", Kind.NUMBER, "From the parsed request to the answer; of a batch, the whole batch's.", nullable=False, least=0),
        Column("endpoint", Kind.STRING, "What was called.", nullable=False, allowed=("predict", "predict_batch")),
        Column("fallbacks", Kind.TEXTS, "Kinds of what the answer had to do without.", nullable=False),
        Column(
            "numbers", Kind.NUMBER_BY_NAME, "The vector's numbers by column, and the request's own; null where unknown.", nullable=False
        ),
        Column("texts", Kind.TEXT_BY_NAME, "The vector's texts by column, and the request's own; null where unknown.", nullable=False),
        Column("ages_hours", Kind.NUMBER_BY_NAME, "Age of each view's row at the order; null where there was none to use.", nullable=False),
    ),
)

LOGGED: pa.Schema = pa.schema([field for field in PREDICTIONS.schema if field.name not in (CHANGED_AT.name, FLAGS.name)])
"""A row as a service logs it: the declared columns, before landing adds ``changed_at`` and ``flags``."""
