"""Parity: an online vector, derived again offline for the same instant, is the same.

The online side is what a service does (the light reader, keys, transforms), the offline side what a training set does (Feast's join in
time). Both look at the world's clock, the instant that the online store was materialized to.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tradewind_contracts.errors import StateError
from tradewind_contracts.instants import iso
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import CheckResult, Severity
from tradewind_contracts.world import World
from tradewind_features.keys import parcel_keys
from tradewind_features.online.reader import OnlineReader
from tradewind_features.transforms import parcel_request
from tradewind_lifecycle import training_sets
from tradewind_lifecycle.feature_store import open_store, quiet_feast
from tradewind_lifecycle.publishing import published_table

SUITE = "parity"
SERVICE, ON_DEMAND, LABELS = "eta_v1", "parcel_request", "lbl_parcel__delivery"
TOLERANCE = 1e-6
"""Greatest difference, absolute below 1 and relative above, that rounding may make (design: Features)."""
COLD_ROWS = 5
"""Sampled parcels whose merchant, category or destination is made up: what is absent must be absent on both sides."""
_SPREAD = 20
"""The sample is drawn from this many times as many of the newest parcels."""

Values = NDArray[np.float64] | NDArray[np.object_]


@dataclass(frozen=True)
class Difference:
    """One feature compared: rows that differ, and by how much at most (numbers only)."""

    failing: NDArray[np.bool_]
    greatest: float
    reason: str


def check_parity(settings: Settings, n: int = 200) -> list[CheckResult]:
    """One result per view (what it was materialized from) and per feature of the service (equal values, equal nulls).

    ``n``: parcels sampled from the newest before the clock, with some made-up ones in their place.

    Raises:
        StateError: nothing is published, registered or materialized, or no parcel was ordered before the clock.
    """
    world = World.read(settings.paths.world_file)
    now = world.clock.now()
    rows = _sampled(published_table(settings, LABELS), now, n)
    offline = training_sets.build(SERVICE, rows, settings)
    online = online_vectors(OnlineReader(settings.paths.online_store), rows, now, world.zone)
    results = _sources(settings, now)
    for name in (name for name in offline.column_names if "__" in name and name not in rows.column_names):
        results.append(_compared(name, online.get(name), offline[name], rows))
    return results


def online_vectors(reader: OnlineReader, rows: pa.Table, now: dt.datetime, zone: str) -> dict[str, Values]:
    """The vectors of parcels as a service makes them: ``<view>__<feature>`` and ``<view>__age_hours``, each [n].

    ``rows``: merchant_id, category, destination_postal_area_id, ordered_at, price, freight. The origin is the merchant's profile, the
    destination's state its postal area's.
    """
    parts = {name: rows[name].to_pylist() for name in training_sets.PARCEL_COLUMNS}
    places = reader.read_views({"merchant_profile": parts["merchant_id"], "postal_area_location": parts["destination_postal_area_id"]}, now)
    profile, location = places["merchant_profile"].values, places["postal_area_location"].values
    parts |= {"origin_postal_area_id": profile["postal_area_id"].tolist(), "origin_state": profile["state"].tolist()}
    parts |= {"destination_state": location["state"].tolist()}
    keys = parcel_keys(parts)
    views = reader.read_views({view: keys[spec.key_name] for view, spec in reader.views().items() if spec.key_name in keys}, now)
    vectors: dict[str, Values] = {}
    for view, found in views.items():
        vectors |= {f"{view}__{feature}": values for feature, values in found.values.items()}
        vectors[view + training_sets.AGE_SUFFIX] = found.age_hours
    request = _request_time(rows, profile, location, zone)
    return vectors | {f"{ON_DEMAND}__{feature}": values for feature, values in request.items()}


def difference(online: Values, offline: Values) -> Difference:
    """Where two columns of a feature differ, both numbers or both text, and why in a word."""
    if online.dtype == object or offline.dtype == object:
        failing = np.array([a != b for a, b in zip(online.tolist(), offline.tolist(), strict=True)], dtype=bool)
        return Difference(failing, 0.0, "text" if failing.any() else "")
    left, right = np.asarray(online, dtype=np.float64), np.asarray(offline, dtype=np.float64)
    both = ~np.isnan(left) & ~np.isnan(right)
    gap = np.abs(np.where(both, left - right, 0.0))
    nulls = np.isnan(left) != np.isnan(right)
    far = gap > TOLERANCE * np.maximum(1.0, np.abs(np.where(both, right, 0.0)))
    greatest = float(gap.max(initial=0.0))
    reason = "absent or expired on one side" if nulls.any() else "other values: late data, another publication or another formula"
    return Difference(nulls | far, greatest, reason if (nulls | far).any() else "")


def _sampled(labels: Path, now: dt.datetime, n: int) -> pa.Table:
    columns = [*training_sets.PARCEL_COLUMNS, "parcel_id", "ordered_at", "price", "freight"]
    table = pq.read_table(labels, columns=columns)
    before = table.filter(pc.less(table["ordered_at"], pa.scalar(now, table["ordered_at"].type))).sort_by(
        [("ordered_at", "descending"), ("parcel_id", "ascending")]
    )
    if before.num_rows == 0:
        raise StateError(f"{labels}: no parcel was ordered before the clock ({iso(now)}), so there is nothing to compare")
    newest = before.slice(0, n * _SPREAD)
    step = max(1, newest.num_rows // n)
    rows = newest.take(np.arange(0, newest.num_rows, step)[:n])
    return _with_cold_rows(rows).append_column(training_sets.EVENT, pa.array([now] * rows.num_rows, pa.timestamp("us", "UTC")))


def _with_cold_rows(rows: pa.Table) -> pa.Table:
    """The first rows get keys that nobody has."""
    cold = pa.array(np.arange(rows.num_rows) < COLD_ROWS)
    for name in training_sets.PARCEL_COLUMNS:
        made_up = pc.if_else(cold, pa.scalar("nowhere", pa.string()), rows[name].cast(pa.string()))
        rows = rows.set_column(rows.column_names.index(name), name, made_up)
    return rows


def _request_time(rows: pa.Table, profile: Mapping[str, Any], location: Mapping[str, Any], zone: str) -> dict[str, NDArray[np.float64]]:
    return parcel_request(
        {
            "origin_lat": profile["lat"],
            "origin_lng": profile["lng"],
            "origin_state": profile["state"],
            "destination_lat": location["lat"],
            "destination_lng": location["lng"],
            "destination_state": location["state"],
            "ordered_at": rows["ordered_at"].cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us")).to_numpy(),
            "zone": np.full(rows.num_rows, zone, dtype=object),
            "price": rows["price"].to_numpy(),
            "freight": rows["freight"].to_numpy(),
        }
    )


def _compared(name: str, online: Values | None, offline: Any, rows: pa.Table) -> CheckResult:
    view, feature = name.split("__", 1)
    claim = f"{feature}: online equals offline within {TOLERANCE:g}, null where it is null"
    if online is None:
        return _result(view, claim, rows.num_rows, rows.num_rows, {"reason": "not in the online store; apply and materialize again"}, [])
    expected: Values = np.array(offline.to_pylist(), dtype=object) if pa.types.is_string(offline.type) else offline.to_numpy()
    found = difference(online, expected)
    samples = [
        {"parcel_id": rows["parcel_id"][place].as_py(), "online": _plain(online[place]), "offline": _plain(expected[place])}
        for place in np.flatnonzero(found.failing)[:5].tolist()
    ]
    observed = {
        "greatest_difference": found.greatest,
        "nulls_online": _nulls(online),
        "nulls_offline": _nulls(expected),
        **({"reason": found.reason} if found.reason else {}),
    }
    return _result(view, claim, rows.num_rows, int(found.failing.sum()), observed, samples)


def _sources(settings: Settings, now: dt.datetime) -> list[CheckResult]:
    """For each view: the online store was materialized to the clock, from the file that the registry joins offline."""
    from tradewind_features.provider import materialized_now

    store = open_store(settings)
    with quiet_feast():
        views = sorted(store.list_batch_feature_views(), key=lambda view: view.name)
    held = materialized_now(settings.paths.online_store)
    results = []
    for view in views:
        record = held.get(view.name)
        wanted = {"published": Path(view.batch_source.path).name, "to_at": iso(now)}
        found = {"published": record.published, "to_at": record.to_at} if record is not None else None
        claim = "the online store holds what is published, as of the clock"
        results.append(_result(view.name, claim, 1, int(found != wanted), {"online": found, "registry": wanted}, []))
    return results


def _result(view: str, claim: str, rows: int, failing: int, observed: dict[str, Any], samples: list[dict[str, Any]]) -> CheckResult:
    return CheckResult(
        suite=SUITE, table=view, claim=claim, severity=Severity.CRITICAL, passed=failing == 0, rows=rows, failing_rows=failing,
        observed=observed, samples=samples,
    )  # fmt: skip


def _nulls(values: Values) -> int:
    return (
        sum(value is None for value in values.tolist())
        if values.dtype == object
        else int(np.isnan(np.asarray(values, dtype=np.float64)).sum())
    )


def _plain(value: Any) -> Any:
    return None if value is None or value != value else value if isinstance(value, str) else float(value)
