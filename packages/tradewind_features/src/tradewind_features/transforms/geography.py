"""Distances on the ground."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

EARTH_RADIUS_KM = 6371.0088
"""Mean radius R1 of the Earth, IUGG 1980 (Moritz 2000, Geodetic Reference System 1980)."""


def haversine_km(from_lat: ArrayLike, from_lng: ArrayLike, to_lat: ArrayLike, to_lng: ArrayLike) -> NDArray[np.float64]:
    """Great-circle distance in km between points in degrees; NaN where a coordinate is not known.

    The haversine form (Sinnott 1984) stays exact for points that almost coincide.
    """
    lat1, lng1, lat2, lng2 = (np.radians(np.asarray(value, dtype=np.float64)) for value in (from_lat, from_lng, to_lat, to_lng))
    chord = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lng2 - lng1) / 2) ** 2
    distance: NDArray[np.float64] = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0)))
    return distance
