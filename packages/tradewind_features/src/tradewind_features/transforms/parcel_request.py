"""What is known of a parcel only when it is asked about: the body of the on-demand view ``parcel_request``."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewind_features.transforms.geography import haversine_km
from tradewind_features.transforms.local_time import local_hour, local_weekday
from tradewind_features.transforms.ratios import log_ratio

PARCEL_REQUEST_FEATURES = ("distance_km", "ordered_local_hour", "ordered_local_weekday", "freight_price_log_ratio")
"""Names of what :func:`parcel_request` gives, in order."""


def parcel_request(columns: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """The request-time features of ``n`` parcels, each float64 [n], NaN where an input is not known.

    ``columns``, each [n]: ``origin_lat``, ``origin_lng``, ``destination_lat``, ``destination_lng`` in degrees; ``ordered_at``:
    datetime64 in UTC; ``zone``: the IANA name of the marketplace's zone; ``price``, ``freight`` in the world's currency.
    """
    ordered_at = np.asarray(columns["ordered_at"], dtype="datetime64[us]")
    zones = np.asarray(columns["zone"], dtype=object)
    hour, weekday = np.full(len(ordered_at), np.nan), np.full(len(ordered_at), np.nan)
    for zone in {name for name in zones.tolist() if isinstance(name, str)}:
        there = zones == zone
        hour[there] = local_hour(ordered_at[there], zone)
        weekday[there] = local_weekday(ordered_at[there], zone)
    distance = haversine_km(columns["origin_lat"], columns["origin_lng"], columns["destination_lat"], columns["destination_lng"])
    features = (distance, hour, weekday, log_ratio(columns["freight"], columns["price"]))
    return dict(zip(PARCEL_REQUEST_FEATURES, features, strict=True))
