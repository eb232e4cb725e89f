"""Small good tables of each stage; tests plant one bad row each."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tradewind_contracts.tables import TABLES
from tradewind_quality import Context

DAY = dt.timedelta(days=1)
START = dt.datetime(2018, 3, 1, 12, tzinfo=dt.UTC)
AS_OF = dt.datetime(2018, 4, 1, 3, tzinfo=dt.UTC)
END = dt.datetime(2018, 4, 6, tzinfo=dt.UTC)

Rows = list[dict[str, Any]]


@pytest.fixture
def context() -> Context:
    return Context(
        as_of=AS_OF,
        known_until=END,
        today=END,
        country="BR",
        keys={
            "fct_parcels": ("parcel_id",),
            "fct_orders": ("order_id",),
            "fct_order_items": ("order_id", "item_number"),
            "fct_delivery_milestones": ("parcel_id", "milestone"),
            "ftr_merchant__handling_30d": ("merchant_id", "event_timestamp"),
            "lbl_parcel__delivery": ("parcel_id",),
            "training_set": ("parcel_id",),
        },
        lags={"ftr_merchant__handling_30d": dt.timedelta(hours=1)},
    )


@pytest.fixture
def landing_rows() -> dict[str, Rows]:
    """Twenty orders of one merchant, one item each, all delivered after nine days."""
    rows: dict[str, Rows] = {name: [] for name in TABLES}
    rows["postal_areas"] = [{"postal_area_id": "01000", "lat": -23.5, "lng": -46.6, "city": "sao paulo", "state": "SP", "points_count": 9}]
    rows["merchants"] = [{"merchant_id": "m", "first_seen_at": START, "postal_area_id": "01000", "city": "sao paulo", "state": "SP"}]
    rows["products"] = [
        {"product_id": "p", "first_seen_at": START, "category": "toys", "weight_g": 500, "length_cm": 10, "height_cm": 10, "width_cm": 10}
    ]
    rows["leads"] = [{"lead_id": "l", "contacted_at": START, "channel": "social"}]
    rows["deals"] = [{"lead_id": "l", "merchant_id": "m", "won_at": START + DAY}]
    for number in range(20):
        ordered = START + number * DAY
        order = {"order_id": f"o{number}", "ordered_at": ordered, "approved_at": ordered + DAY / 24}
        place = {"destination_postal_area_id": "01000", "destination_state": "SP", "promised_at": ordered + 20 * DAY}
        money = {"price": Decimal("10.00"), "freight": Decimal("2.50")}
        way = {"handed_over_at": ordered + 2 * DAY, "delivered_at": ordered + 9 * DAY}
        rows["customers"].append(
            {"customer_id": f"c{number}", "first_ordered_at": ordered, "last_ordered_at": ordered, "postal_area_id": "01000"}
        )
        rows["orders"].append({**order, **place, "customer_id": f"c{number}", "source_status": "delivered"})
        rows["order_items"].append(
            {**order, **money, "item_number": 1, "product_id": "p", "merchant_id": "m", "ship_by_at": ordered + 3 * DAY}
        )
        rows["payments"].append(
            {"order_id": f"o{number}", "payment_number": 1, "ordered_at": ordered, "method": "boleto", "amount": Decimal("12.50")}
        )
        rows["parcels"].append({**order, **place, **money, **way, "parcel_id": f"o{number}:m", "merchant_id": "m", "items_count": 1})
        answered = {"asked_at": ordered + 10 * DAY, "answered_at": ordered + 11 * DAY, "score": 4}
        rows["reviews"].append({**answered, "review_id": f"r{number}", "order_id": f"o{number}"})
    for name, table in TABLES.items():
        for row in rows[name]:
            row["flags"] = ""
            row["changed_at"] = max((row[m] for m in table.milestones if row.get(m)), default=None)
    return rows


def landed(rows: dict[str, Rows]) -> dict[str, pa.Table]:
    """Nulls may stand where the declaration forbids them: Parquet files of an older writer can hold them too."""
    loose = {name: pa.schema([field.with_nullable(True) for field in table.schema]) for name, table in TABLES.items()}
    return {name: pa.Table.from_pylist(found, schema=loose[name]) for name, found in rows.items()}


@pytest.fixture
def as_landed() -> Any:
    """Turns rows into Arrow tables with the declared schema."""
    return landed


@pytest.fixture
def mart_rows(landing_rows: dict[str, Rows]) -> dict[str, Rows]:
    parcels: Rows = []
    for row in landing_rows["parcels"]:
        took = int((row["delivered_at"] - row["ordered_at"]).total_seconds())
        known = {"transit_known_at": row["delivered_at"], "handover_judged_at": row["handed_over_at"], "is_late": False}
        parts = {"approval_seconds": 3600, "handling_seconds": 172_800, "transit_seconds": took - 172_800, "delivery_seconds": took}
        parcels.append({**row, **known, **parts, "state_lane_id": "SP-SP"})
    sums = {"items_count": 1, "payments_count": 1, "paid": Decimal("12.50"), "price": Decimal("10.00"), "freight": Decimal("2.50")}
    orders = [{**row, **sums, "delivered_at": parcel["delivered_at"]} for row, parcel in zip(landing_rows["orders"], parcels, strict=True)]
    milestones = [
        {"parcel_id": row["parcel_id"], "milestone": "delivered", "occurred_at": row["delivered_at"], "known_at": row["delivered_at"]}
        for row in parcels
    ]
    return {
        "fct_parcels": parcels,
        "fct_orders": orders,
        "fct_order_items": landing_rows["order_items"],
        "fct_delivery_milestones": milestones,
    }


@pytest.fixture
def feature_rows() -> dict[str, Rows]:
    midnight = START.replace(hour=0)
    features = [
        {
            "merchant_id": "m",
            "event_timestamp": midnight + number * DAY,
            "created_timestamp": midnight + number * DAY + DAY / 24,
            "parcels_count_30d": number,
            "late_share_30d": 0.25,
            "handling_hours_mean_30d": 20.5,
        }
        for number in range(20)
    ]
    labels = [
        {
            "parcel_id": f"o{number}:m",
            "event_timestamp": START + number * DAY,
            "outcome_at": START + (number + 9) * DAY if number < 15 else None,
            "duration_days": 9.0 if number < 15 else None,
            "observed_until_at": END,
        }
        for number in range(20)
    ]
    return {"ftr_merchant__handling_30d": features, "lbl_parcel__delivery": labels}


@pytest.fixture
def training_rows() -> dict[str, Rows]:
    rows = [
        {
            "parcel_id": f"o{number}:m",
            "event_timestamp": START + number * DAY,
            "outcome_at": START + (number + 9) * DAY,
            "duration_days": 9.0,
            "merchant_handling_30d__age_hours": 12.0 if number else None,
        }
        for number in range(20)
    ]
    return {"training_set": rows}
