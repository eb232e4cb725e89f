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
            "fct_scans": ("scan_id",),
            "fct_parcel_legs": ("parcel_id", "leg_number"),
            "fct_claims": ("claim_id",),
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
    _market(rows)
    _network(rows)
    for name, table in TABLES.items():
        for row in rows[name]:
            row["flags"] = ""
            row["changed_at"] = max((row[m] for m in table.milestones if row.get(m)), default=None)
    return rows


def _market(rows: dict[str, Rows]) -> None:
    """Twenty days of traffic and calendar, ten merchants drawn by lot of whom half were called."""
    rows["creators"] = [{"creator_id": "k", "joined_at": START, "channel": "video"}]
    for number in range(20):
        day = (START + number * DAY).date()
        for state in ("RJ", "SP"):
            holiday = "carnaval" if number == 3 else None
            rows["calendar"].append({"date": day, "region": state, "is_holiday": number == 3, "holiday": holiday, "announced_at": START})
        funnel = {"impressions_count": 90, "clicks_count": 9, "carts_count": 3, "orders_count": 1, "units_count": 1, "position_mean": 2.5}
        money = {"list_price": Decimal("10.00"), "price": Decimal("9.50"), "subsidy": Decimal("0.50")}
        sold = {"product_id": "p", "date": day, "merchant_id": "m", "is_promoted": False, "pricing_arm": "merchant"}
        rows["product_traffic"].append({**sold, **funnel, **money, "recorded_at": START + (number + 1) * DAY})
        is_called = number % 2 == 0
        arm = {"arm": "treatment" if is_called else "control", "channel": "phone" if is_called else "none", "assignment": "randomised"}
        sent = {"sent_at": START + number * DAY, "responded_at": START + (number + 1) * DAY if is_called else None}
        rows["outreach"].append({**arm, **sent, "outreach_id": f"u{number}", "merchant_id": "m", "campaign_id": "c", "purpose": "retain"})


def _network(rows: dict[str, Rows]) -> None:
    """Two hubs with a lane each way; each parcel is scanned at both; two of the first attempts fail, one parcel is claimed."""
    place = {"postal_area_id": "01000", "state": "SP"}
    rows["hubs"] = [{**place, "hub_id": h, "level": "local", "lat": -23.5, "lng": -46.6, "opened_at": START - 90 * DAY} for h in "ab"]
    for origin, destination in ("ab", "ba"):
        lane = {"lane_id": f"{origin}>{destination}", "origin_hub_id": origin, "destination_hub_id": destination}
        rows["lanes"].append({**lane, "valid_from_at": START - 90 * DAY, "distance_km": 300.0, "planned_minutes": 300.0})
    rows["warehouses"] = [{**place, "warehouse_id": "w", "kind": "fulfilment", "hub_id": "a", "opened_at": START - 90 * DAY}]
    for number, parcel in enumerate(rows["parcels"]):
        key, handed = parcel["parcel_id"], parcel["handed_over_at"]
        written = {"address_id": f"d{number}", "customer_id": f"c{number}", "written_at": parcel["ordered_at"], "raw_text": "rua a, 1"}
        rows["addresses"].append({**written, "postal_area_id": "01000"})
        for place_number, hub in enumerate("ab"):
            at = handed + place_number * DAY
            scan = {"scan_id": f"{key}:{hub}", "parcel_id": key, "hub_id": hub, "event": "arrived"}
            rows["scan_events"].append({**scan, "occurred_at": at, "recorded_at": at + DAY / 1440})
        outcomes = [("failed", "nobody_home"), ("delivered", None)] if number in (4, 5) else [("delivered", None)]
        for tried, (outcome, reason) in enumerate(outcomes, start=1):
            at = parcel["delivered_at"] - (len(outcomes) - tried) * DAY
            attempt = {"attempt_id": f"{key}:{tried}", "parcel_id": key, "attempt_number": tried, "hub_id": "b", "courier_id": "x"}
            rows["delivery_attempts"].append(
                {**attempt, "attempted_at": at, "recorded_at": at + DAY / 1440, "outcome": outcome, "reason": reason}
            )
        closed = {"warehouse_id": "w", "date": parcel["ordered_at"].date(), "recorded_at": parcel["ordered_at"] + DAY}
        counts = {"opening_units_count": 50 - number, "received_units_count": 0, "sold_units_count": 1, "closing_units_count": 49 - number}
        rows["stock_daily"].append({**closed, **counts, "product_id": "p", "is_stocked_out": False})
        people = {"task": "pick", "planned_people_count": 5, "present_people_count": 5, "worked_hours": 40.0}
        work = {"arrived_units_count": 10, "done_units_count": 9, "backlog_units_count": 3 + number}
        rows["shifts_daily"].append({**closed, **people, **work})
    claimed = rows["parcels"][3]
    opened = {"opened_at": claimed["delivered_at"] + DAY, "resolved_at": claimed["delivered_at"] + 2 * DAY, "resolution": "refunded"}
    named = {"claim_id": "l", "parcel_id": claimed["parcel_id"], "order_id": claimed["order_id"], "kind": "damaged"}
    rows["claims"] = [{**named, **opened, "refund": Decimal("10.00")}]


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
    scans: Rows = []
    for number, scan in enumerate(landing_rows["scan_events"]):
        said = {"is_out_of_order": False, "is_late_upload": False, "has_gap_before": False, "uploads_count": 1}
        scans.append({**said, "scan_id": scan["scan_id"], "parcel_id": scan["parcel_id"], "scan_number": number % 2 + 1})
    leg = {"leg_number": 1, "dwell_seconds": 3600, "travel_seconds": 36_000, "planned_minutes": 300.0, "has_gap": False}
    legs = [{**leg, "parcel_id": row["parcel_id"], "lane_id": "a>b", "is_diverted": False} for row in parcels]
    return {
        "fct_scans": scans,
        "fct_parcel_legs": legs,
        "fct_claims": [{"claim_id": "l", "delivered_to_opened_seconds": 86_400, "resolution_seconds": 86_400}],
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
