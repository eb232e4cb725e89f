"""The source ``olist``: the public Brazilian e-commerce data by Olist (Kaggle, CC BY-NC-SA 4.0), as downloaded."""

from collections.abc import Sequence

from tradewind_sources.archived import archive_source
from tradewind_sources.archives import Archive
from tradewind_sources.olist import archive, catalogue, feedback, files, funnel, geography, orders
from tradewind_sources.source import Marketplace
from tradewind_sources.workbench import Workbench

_TABLE_OF = {
    "orders": "orders",
    "order_items": "order_items",
    "customers": "customers",
    "payments": "payments",
    "reviews": "reviews",
    "geolocation": "postal_areas",
    "products": "products",
    "sellers": "merchants",
    "translations": "products",
    "leads": "leads",
    "deals": "deals",
}
"""The landing table that each file is meant for."""


def fill(archives: Sequence[Archive], bench: Workbench) -> None:
    """Land all tables that ``archives`` (from ``archive.find``) can fill.

    Raises:
        SourceError: a file is not what it should be; nothing has been written.
    """
    for file in files.COMMERCE:
        bench.load(archives[0], file, _TABLE_OF[file.alias])
    orders.settle_orders(bench)
    geography.land_postal_areas(bench)
    catalogue.land_products(bench)
    catalogue.land_merchants(bench)
    orders.land_customers(bench)
    orders.land_orders(bench)
    orders.land_parcels(bench)
    feedback.land_reviews(bench)
    if len(archives) > 1:
        for file in files.FUNNEL:
            bench.load(archives[1], file, _TABLE_OF[file.alias])
        funnel.land_funnel(bench)
    else:
        for table in ("leads", "deals"):
            bench.skip(table, f"there is no {archive.FUNNEL_ZIP} beside the orders")


OLIST = archive_source(
    name="olist",
    marketplace=Marketplace(country="BR", currency="BRL", zone="America/Sao_Paulo"),
    how_to_get="pass DATA=<zip or folder>, or get the archive by `tradewind fetch olist`",
    find=archive.find,
    digest=archive.digest,
    fill=fill,
)

__all__ = ["OLIST", "fill"]
