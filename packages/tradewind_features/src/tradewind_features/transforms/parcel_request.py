"""What is known of a parcel only when it is asked about: the body of the on-demand view ``parcel_request``."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from tradewind_features.transforms.geography import haversine_km
from tradewind_features.transforms.local_time import local_hour, local_weekday
from tradewind_features.transforms.ratios import log_ratio

PARCEL_REQUEST_FEATURES = {
    "distance_km": "Great circle from the merchant to the destination.",
    "is_same_state": "1 if the parcel stays in its state, else 0.",
    "ordered_local_hour": "Hour of the local day of the order, 0 to 23.",
    "ordered_local_weekday": "Local weekday of the order, 0 Monday.",
    "ordered_local_hour_of_week": "Local hours since Monday 00:00, 0 to 167.",
    "freight_price_log_ratio": "ln(freight / price).",
}
"""What :func:`parcel_request` gives, in order: name → description (Feast refuses descriptions on an on-demand view's fields)."""


def parcel_request(columns: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """The request-time features of ``n`` parcels, each float64 [n], NaN where an input is not known.

    ``columns``, each [n]: ``origin_lat``, ``origin_lng``, ``destination_lat``, ``destination_lng`` in degrees; ``origin_state``,
    ``destination_state``: text or ``None``; ``ordered_at``: datetime64 in UTC; ``zone``: the IANA name of the marketplace's zone, any
    other text is not known;
    ``price``, ``freight`` in the world's currency. Hours of the local week count from Monday 00:00, 0 to 167.
    """
    ordered_at = np.asarray(columns["ordered_at"], dtype="datetime64[us]")
    hour, weekday = _local(ordered_at, np.asarray(columns["zone"], dtype=object))
    features = (
        haversine_km(columns["origin_lat"], columns["origin_lng"], columns["destination_lat"], columns["destination_lng"]),
        _same(columns["origin_state"], columns["destination_state"]),
        hour,
        weekday,
        24 * weekday + hour,
        log_ratio(columns["freight"], columns["price"]),
    )
    return dict(zip(PARCEL_REQUEST_FEATURES, features, strict=True))


def _local(ordered_at: NDArray[np.datetime64], zones: NDArray[np.object_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    hour, weekday = np.full(len(ordered_at), np.nan), np.full(len(ordered_at), np.nan)
    for zone in sorted({name for name in zones.tolist() if isinstance(name, str)}):
        there = zones == zone
        try:
            hour[there], weekday[there] = local_hour(ordered_at[there], zone), local_weekday(ordered_at[there], zone)
        except ZoneInfoNotFoundError:
            continue  # Feast infers types from made-up text
    return hour, weekday


def _same(left: Any, right: Any) -> NDArray[np.float64]:
    """1 where both texts are equal, 0 where they differ, NaN where either is not text (None, or NaN as pandas has it)."""
    pairs = zip(np.asarray(left, dtype=object).tolist(), np.asarray(right, dtype=object).tolist(), strict=True)
    return np.array([float(a == b) if isinstance(a, str) and isinstance(b, str) else np.nan for a, b in pairs], dtype=np.float64)
