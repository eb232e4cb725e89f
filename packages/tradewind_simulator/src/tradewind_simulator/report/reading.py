"""Opens worlds for comparison: each becomes a schema of the same tables, so that one query measures all of them.

Tables of a schema (local times without zone; what a world lacks is an empty table):

* ``parcels``: order_id, merchant_id, ordered, delivery_days, approval_hours, handling_hours, transit_days, promised_days, is_late,
  days_late, origin_state, destination_state, distance_km
* ``orders``: order_id, ordered, items, is_cancelled, is_late, days_late; ``items``: price, freight, weight_g
* ``payments``: method; ``reviews``: score, is_late, days_late
* ``leads``: channel, is_won, days_to_win; ``legs``: planned_minutes, ratio of actual to planned ones
* ``first_attempts``: is_delivered, is_tried_again; ``scans``: is_duplicate, is_uploaded_late; ``visits``: is_sorted_scanned

Only orders old enough to have arrived are in them, so that nothing is censored: ``span`` says which.
"""

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow import csv

from tradewind_contracts.errors import SourceError
from tradewind_contracts.tables import TABLES, Column
from tradewind_simulator import manifests
from tradewind_simulator.exports import APPENDED
from tradewind_simulator.mechanisms.places.geography import EARTH_RADIUS_KM
from tradewind_simulator.report import olist_queries, simulated_queries

SIMULATED, OLIST, DELHIVERY, CHANGSHU = "simulated", "olist", "delhivery", "changshu"
_READ = (
    "orders", "order_items", "payments", "reviews", "parcels", "products", "postal_areas", "leads", "deals", "lanes", "scan_events",
    "delivery_attempts",
)  # fmt: skip
_DISTANCE_KM = f"""
create macro distance_km(lat, lng, other_lat, other_lng) as
    2 * {EARTH_RADIUS_KM} * asin(least(1.0, sqrt(
        sin(radians(other_lat - lat) / 2) ** 2
        + cos(radians(lat)) * cos(radians(other_lat)) * sin(radians(other_lng - lng) / 2) ** 2
    )));
"""
"""Great-circle distance (haversine), in kilometres; coordinates are degrees."""
_OLIST_ARCHIVE, _FUNNEL_ARCHIVE = "olist/brazilian-ecommerce.zip", "olist/marketing-funnel-olist.zip"
_OLIST_COLUMNS = {
    "orders": ("order_id", "customer_id", "order_status", "order_purchase_timestamp", "order_approved_at", "order_delivered_carrier_date",
               "order_delivered_customer_date", "order_estimated_delivery_date"),
    "order_items": ("order_id", "order_item_id", "product_id", "seller_id", "price", "freight_value"),
    "customers": ("customer_id", "customer_zip_code_prefix", "customer_state"),
    "order_payments": ("order_id", "payment_type"),
    "order_reviews": ("order_id", "review_score"),
    "geolocation": ("geolocation_zip_code_prefix", "geolocation_lat", "geolocation_lng"),
    "products": ("product_id", "product_weight_g"),
    "sellers": ("seller_id", "seller_zip_code_prefix", "seller_state"),
}  # fmt: skip


@dataclass(frozen=True)
class Worlds:
    """An open connection with one schema per world; ``real`` names those that were found."""

    connection: Any
    real: tuple[str, ...]

    def rows(self, world: str, query: str) -> list[tuple[Any, ...]]:
        """The rows of ``query`` asked of ``world``."""
        self.connection.execute(f"set schema = '{world}'")
        found: list[tuple[Any, ...]] = self.connection.execute(query).fetchall()
        return found

    def column(self, world: str, query: str) -> Any:
        """The first column of ``query`` asked of ``world``, as a numpy array without nulls."""
        self.connection.execute(f"set schema = '{world}'")
        return self.connection.execute(query).to_arrow_table().column(0).drop_null().to_numpy()


def open_worlds(data: Path, real: Path | None) -> Worlds:
    """The simulated world in ``data`` beside what there is of the real ones in the folder ``real``.

    Raises:
        SourceError: ``data`` holds no simulated world, ``real`` no real one, or an archive in it is not as downloaded.
    """
    connection = duckdb.connect()
    connection.execute("set threads = 2; set preserve_insertion_order = false; set timezone = 'UTC'")
    with _readable(data):
        _open_simulated(connection, data)
    found = []
    if real is not None:
        for world, opens in ((OLIST, _open_olist), (DELHIVERY, _open_delhivery), (CHANGSHU, _open_changshu)):
            with _readable(real):
                if opens(connection, real):
                    found.append(world)
        if not found:
            raise SourceError(
                f"{real}: no real data in it; expected a folder with {_OLIST_ARCHIVE}, delhivery/legs* or changshu_redelivery/orders*, "
                "or leave --real out to compare with published figures"
            )
    return Worlds(connection, tuple(found))


@contextlib.contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, pa.ArrowException, duckdb.Error, OSError) as error:
        raise SourceError(f"{folder}: a file in it can't be read ({str(error).splitlines()[0]}); make it or get it anew") from error


def _open_simulated(connection: Any, data: Path) -> None:
    folder = data if (data / manifests.NAME).is_file() else data / manifests.OBSERVED
    manifest = manifests.FolderManifest.read(folder)
    _enter(connection, SIMULATED)
    for name in _READ:
        _newest_rows(connection, name, [str(folder / file.path) for file in manifest.of(name)])
    connection.execute("create table clock as select ?::varchar as zone, ?::date as newest, ?::date as first",
                       [manifest.zone, manifest.newest_day, manifest.first_day])  # fmt: skip
    connection.execute(simulated_queries.TABLES)


def _newest_rows(connection: Any, name: str, files: list[str]) -> None:
    """The table ``raw_<name>``: of each key the newest version that a landing would take."""
    declared = TABLES[name]
    columns = ", ".join(column.name for column in declared.columns)
    if not files:
        empty = pa.schema([pa.field(c.name, c.kind.arrow) for c in declared.columns]).empty_table()
        connection.register(f"empty_{name}", empty)
        connection.execute(f"create table raw_{name} as from empty_{name}")
        return
    connection.read_parquet(files, filename=True, file_row_number=True).create_view(f"files_{name}")
    whole = " and ".join(_whole(column) for column in declared.columns)
    order = "filename, file_row_number desc" if name in APPENDED else "filename desc, file_row_number"
    newest = f"qualify row_number() over (partition by {', '.join(declared.key)} order by {order}) = 1"
    # Names are those of the declarations, never of data.
    connection.execute(f"create table raw_{name} as select {columns} from files_{name} where {whole} {newest}")  # noqa: S608 (declared names)


def _whole(column: Column) -> str:
    """SQL: the value is one that the declaration admits; landing refuses rows with others, which are planted junk."""
    admits = []
    if column.allowed:
        admits.append(f"{column.name} in ({', '.join(repr(word) for word in column.allowed)})")
    if column.least is not None:
        admits.append(f"{column.name} >= {column.least}")
    if column.greatest is not None:
        admits.append(f"{column.name} <= {column.greatest}")
    may_be_null = f"{column.name} is null or " if column.nullable else f"{column.name} is not null and "
    return f"({may_be_null}{' and '.join(admits)})" if admits else ("true" if column.nullable else f"{column.name} is not null")


def _open_olist(connection: Any, real: Path) -> bool:
    archive = real / _OLIST_ARCHIVE
    if not archive.is_file():
        return False
    _enter(connection, OLIST)
    with zipfile.ZipFile(archive) as files:
        for name, columns in _OLIST_COLUMNS.items():
            _load(connection, f"raw_{name}", _from_archive(files, archive, f"olist_{name}_dataset.csv", columns))
    connection.execute(olist_queries.TABLES)
    funnel = real / _FUNNEL_ARCHIVE
    if funnel.is_file():
        with zipfile.ZipFile(funnel) as files:
            for name, columns in (
                ("marketing_qualified_leads", ("mql_id", "first_contact_date", "origin")),
                ("closed_deals", ("mql_id", "won_date")),
            ):
                _load(connection, f"raw_{name}", _from_archive(files, funnel, f"olist_{name}_dataset.csv", columns))
        connection.execute(olist_queries.FUNNEL)
    else:
        connection.execute("create table leads (channel varchar, is_won boolean, days_to_win double)")
    return True


def _open_delhivery(connection: Any, real: Path) -> bool:
    found = sorted((real / "delhivery").glob("legs*"))
    if not found:
        return False
    _enter(connection, DELHIVERY)
    _load(connection, "raw_legs", csv.read_csv(found[0]))
    connection.execute(
        "create table legs as select osrm_time as planned_minutes, actual_time / osrm_time as ratio from raw_legs where osrm_time > 0"
    )
    return True


def _open_changshu(connection: Any, real: Path) -> bool:
    found = sorted((real / "changshu_redelivery").glob("orders*"))
    if not found:
        return False
    _enter(connection, CHANGSHU)
    _load(connection, "raw_orders", csv.read_csv(found[0]))
    connection.execute(
        "create table first_attempts as select redelivered = 0 as is_delivered, redelivered = 1 as is_tried_again from raw_orders"
    )
    return True


def _from_archive(files: zipfile.ZipFile, archive: Path, name: str, columns: tuple[str, ...]) -> pa.Table:
    try:
        handle = files.open(name)
    except KeyError as error:
        raise SourceError(f"{archive}: no {name} in it (found: {', '.join(files.namelist())}); pass the archive as downloaded") from error
    with handle:
        return csv.read_csv(
            handle,
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(include_columns=list(columns), strings_can_be_null=True),
        )


def _load(connection: Any, table: str, rows: pa.Table) -> None:
    connection.register(f"given_{table}", rows)
    connection.execute(f"create table {table} as from given_{table}")
    connection.unregister(f"given_{table}")


def _enter(connection: Any, schema: str) -> None:
    """Make the world's schema, and in it what queries of all worlds ask."""
    connection.execute(f"create schema {schema}")
    connection.execute(f"set schema = '{schema}'")
    connection.execute(_DISTANCE_KM)
