"""The input of a model, as its contract lists it: from feature views in the online store, on-demand views and the request.

There is no list of features here: the contract in the bundle says what is needed, the online store says by which key a view
is kept, and what can't be filled is found when a version is proven, not when somebody asks.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewind_contracts.bundle import REQUEST, BundleContract
from tradewind_contracts.errors import IntegrityError
from tradewind_features.keys import PARCEL_KEY_PARTS, parcel_keys
from tradewind_features.online.reader import OnlineReader, Presence, ViewRows
from tradewind_features.transforms import PARCEL_REQUEST_FEATURES, parcel_request
from tradewind_serving.parcels import REQUEST_COLUMNS, Parcels

MERCHANT_PROFILE = "merchant_profile"
AREA_LOCATION = "postal_area_location"
"""The two views that say where a parcel starts and ends; lane keys follow from them."""
PLACES = ("postal_area_id", "state", "lat", "lng")

AGE = "age_hours"
"""A feature of every view: hours from its row to the order, as in training sets."""

OnDemand = Callable[[Mapping[str, Any]], Mapping[str, NDArray[np.float64]]]

ON_DEMAND: dict[str, tuple[tuple[str, ...], OnDemand]] = {"parcel_request": (tuple(PARCEL_REQUEST_FEATURES), parcel_request)}
"""Views that are computed from the request: what they give, and the same function that the on-demand view calls."""

# An enumeration's member costs a microsecond to look up in Python 3.11, and these are looked up for each view.
ABSENT, PRESENT, EXPIRED = (int(presence) for presence in (Presence.ABSENT, Presence.PRESENT, Presence.EXPIRED))

KEYS = frozenset(parcel_keys({name: [] for name in PARCEL_KEY_PARTS}))
"""Join keys that a request leads to."""

Text = list[str | None]


@dataclass(frozen=True)
class Place:
    """Where ``n`` parcels start, or end. ``known``: bool [n]; degrees are NaN and names None where it is not."""

    area: Text
    state: Text
    lat: NDArray[np.float64]
    lng: NDArray[np.float64]
    known: NDArray[np.bool_]


@dataclass(frozen=True)
class Vector:
    """The columns that a predictor takes, each (n,), and what was found for them.

    ``age_hours``: by feature view of the contract, float64 [n], NaN unless present. ``presence``: int8 [n] of Presence.
    ``keys``: the key that each parcel was looked up by, ``key_names`` what kind of key. ``expiring``: views with a time to live.
    """

    columns: dict[str, NDArray[Any]]
    origin: Place
    destination: Place
    merchant_known: NDArray[np.bool_]
    age_hours: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    presence: dict[str, NDArray[np.int8]] = field(default_factory=dict)
    keys: dict[str, Text] = field(default_factory=dict)
    key_names: dict[str, str] = field(default_factory=dict)
    expiring: frozenset[str] = frozenset()


class Vectorizer:
    """Fills contracts from one world's online store. Safe to share between threads, as its reader is."""

    def __init__(self, reader: OnlineReader, zone: str) -> None:
        self._reader = reader
        self._zone = zone

    def check(self, contract: BundleContract) -> None:
        """Refuse a contract that can't be filled.

        Raises:
            IntegrityError: names the fields and what is missing for them.
            StateError: there is no online store.
        """
        specs = self._reader.views()
        offered = {name: {*spec.schema.names, AGE} for name, spec in specs.items() if spec.key_name in KEYS}
        offered |= {name: set(features) for name, (features, _) in ON_DEMAND.items()}
        offered[REQUEST] = set(REQUEST_COLUMNS)
        needed = {(f.view, f.name) for f in contract.features} | {
            (view, name) for view in (MERCHANT_PROFILE, AREA_LOCATION) for name in PLACES
        }
        # The location's own key is not among its features.
        needed.discard((AREA_LOCATION, "postal_area_id"))
        absent = sorted(f"{view}:{name}" for view, name in needed if name not in offered.get(view, ()))
        if absent:
            raise IntegrityError(
                f"the service can't fill {', '.join(absent)}; the online store serves {', '.join(sorted(specs)) or 'no view'}"
            )

    def assemble(self, contract: BundleContract, parcels: Parcels) -> Vector:
        """The columns of ``contract`` for ``parcels``; values of views that are absent or expired are NaN.

        A row is expired when it is older than its view's time to live at that parcel's order.

        Raises:
            StateError, NotFoundError: the online store can't be read.
        """
        # Nothing has expired for the whole batch that had not for its first order; the later ones are judged one by one.
        now = parcels.ordered_at.min().astype(dt.datetime).replace(tzinfo=dt.UTC)
        origin, destination, profile = self._places(parcels, now)
        keys = parcel_keys(
            {
                "merchant_id": parcels.merchant_id,
                "category": parcels.columns["category"].tolist(),
                "origin_postal_area_id": origin.area,
                "origin_state": origin.state,
                "destination_postal_area_id": destination.area,
                "destination_state": destination.state,
            }
        )
        specs = self._reader.views()
        wanted = _by_view(contract)
        stored = {view: keys[specs[view].key_name] for view in wanted if view in specs and view != MERCHANT_PROFILE}
        rows = self._reader.read_views(stored, now)
        if MERCHANT_PROFILE in wanted:
            rows[MERCHANT_PROFILE] = profile
        vector = Vector(
            columns={name: parcels.columns[name] for name in wanted.pop(REQUEST, [])},
            origin=origin,
            destination=destination,
            merchant_known=profile.presence == PRESENT,
            keys=stored | {MERCHANT_PROFILE: list(parcels.merchant_id)},
            key_names={view: specs[view].key_name for view in rows},
            expiring=frozenset(view for view in rows if specs[view].ttl_us),
        )
        for view, found in rows.items():
            self._fill(vector, found, specs[view].ttl_us, wanted.pop(view), parcels.ordered_at)
        for view, names in wanted.items():
            self._compute(vector, view, names, parcels)
        return vector

    def _places(self, parcels: Parcels, now: dt.datetime) -> tuple[Place, Place, ViewRows]:
        n = len(parcels)
        asked = [*parcels.destination_area, *parcels.origin_area] if any(parcels.origin_area) else parcels.destination_area
        first = self._reader.read_views({MERCHANT_PROFILE: parcels.merchant_id, AREA_LOCATION: asked}, now)
        profile, location = first[MERCHANT_PROFILE], first[AREA_LOCATION]
        destination = _place(location, slice(0, n), list(parcels.destination_area))
        own = _place(profile, slice(0, n), list(profile.values["postal_area_id"]))
        if not any(parcels.origin_area):
            return own, destination, profile
        return _either(_place(location, slice(n, 2 * n), parcels.origin_area), own), destination, profile

    def _fill(self, vector: Vector, found: ViewRows, ttl_us: int, names: Sequence[str], ordered_at: NDArray[np.datetime64]) -> None:
        age_us = (ordered_at - found.event_at).astype(np.int64)
        presence, late = found.presence, None
        if ttl_us:
            # What the reader gave for the first order of a batch may have expired for a later one.
            late = (presence == PRESENT) & (age_us > ttl_us)
            if late.any():
                presence = np.where(late, EXPIRED, presence).astype(np.int8)
            else:
                late = None
        vector.presence[found.view] = presence
        vector.age_hours[found.view] = np.where(presence == PRESENT, age_us / 3_600_000_000, np.nan)
        for name in names:
            vector.columns[f"{found.view}__{name}"] = vector.age_hours[found.view] if name == AGE else _without(found.values[name], late)

    def _compute(self, vector: Vector, view: str, names: Sequence[str], parcels: Parcels) -> None:
        given = parcels.columns | {
            "origin_state": np.array(vector.origin.state, dtype=object),
            "destination_state": np.array(vector.destination.state, dtype=object),
            "origin_lat": vector.origin.lat,
            "origin_lng": vector.origin.lng,
            "destination_lat": vector.destination.lat,
            "destination_lng": vector.destination.lng,
            "ordered_at": parcels.ordered_at,
            "zone": np.full(len(parcels), self._zone, dtype=object),
        }
        computed = ON_DEMAND[view][1](given)
        for name in names:
            vector.columns[f"{view}__{name}"] = computed[name]


def _without(values: NDArray[Any], late: NDArray[np.bool_] | None) -> NDArray[Any]:
    if late is None:
        return values
    nothing: Any = None if values.dtype == object else np.nan
    return np.where(late, nothing, values)


def _by_view(contract: BundleContract) -> dict[str, list[str]]:
    wanted: dict[str, list[str]] = {}
    for feature in contract.features:
        wanted.setdefault(feature.view, []).append(feature.name)
    return wanted


def _place(rows: ViewRows, part: slice, area: Sequence[str | None]) -> Place:
    numbers = {name: np.asarray(rows.values[name][part], dtype=np.float64) for name in ("lat", "lng")}
    state: Text = list(rows.values["state"][part])
    return Place(list(area), state, numbers["lat"], numbers["lng"], rows.presence[part] == PRESENT)


def _either(asked: Place, own: Place) -> Place:
    """The origin as asked where it was asked for, else the merchant's own."""
    given = np.array([area is not None for area in asked.area])
    return Place(
        area=[a if a is not None else b for a, b in zip(asked.area, own.area, strict=True)],
        state=[a if g else b for g, a, b in zip(given, asked.state, own.state, strict=True)],
        lat=np.where(given, asked.lat, own.lat),
        lng=np.where(given, asked.lng, own.lng),
        known=np.where(given, asked.known, own.known),
    )
