"""The vector of a parcel, assembled from the online store: what a service answers from, and what parity proves.

Some keys are known only after a first read: a parcel starts at its merchant's place and ends in its postal area's state, and the
lanes follow from both. Text (a place's name) is read with the first; numbers go straight into the columns of the answer.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewind_contracts.bundle import REQUEST, FeatureField
from tradewind_features.keys import PARCEL_KEY_PARTS, parcel_keys
from tradewind_features.online.backend import ViewSpec
from tradewind_features.online.reader import OnlineReader, Presence, ViewRows
from tradewind_features.transforms import PARCEL_REQUEST_FEATURES, parcel_request

MERCHANT_PROFILE = "merchant_profile"
AREA_LOCATION = "postal_area_location"
"""The two views that say where a parcel starts and ends; lane keys follow from them."""
PLACES = frozenset(
    {(view, name) for view in (MERCHANT_PROFILE, AREA_LOCATION) for name in ("state", "lat", "lng")}
    | {(MERCHANT_PROFILE, "postal_area_id")}
)
"""What is read of them, (view, feature)."""

AGE = "age_hours"
"""A feature of every view: hours from its row to the instant asked for, as in training sets."""

OnDemand = Callable[[Mapping[str, Any]], Mapping[str, NDArray[np.float64]]]

ON_DEMAND: dict[str, tuple[tuple[str, ...], OnDemand]] = {"parcel_request": (tuple(PARCEL_REQUEST_FEATURES), parcel_request)}
"""Views that are computed from the request: what they give, and the same function that the on-demand view calls."""

KEYS = frozenset(parcel_keys({name: [] for name in PARCEL_KEY_PARTS}))
"""Join keys that a parcel leads to."""

AS_NAMED: Mapping[str, str] = MappingProxyType({})
"""Each view of a contract stands in the store under its own name."""

# An enumeration's member costs a microsecond to look up in Python 3.11, and these are looked up for each view.
ABSENT, PRESENT, EXPIRED = (int(presence) for presence in (Presence.ABSENT, Presence.PRESENT, Presence.EXPIRED))

_US_PER_HOUR = 3_600_000_000

Text = list[str | None]


@dataclass(frozen=True)
class Parcels:
    """``n`` parcels as somebody asks about them.

    ``columns``: what the caller sends, by name, each [n]: float64 with NaN, or object with None for text. ``category`` is a key,
    ``price`` and ``freight`` are inputs of request-time features.
    """

    merchant_id: Sequence[str | None]
    origin_area: Sequence[str | None]
    """As asked; None where the merchant's own counts."""
    destination_area: Sequence[str | None]
    ordered_at: NDArray[np.datetime64]
    """UTC, microseconds, [n]."""
    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.merchant_id)


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
    """The columns that were asked for, each (n,), and what was found for them. Views go by the names that the caller uses.

    ``age_hours``: by feature view, float64 [n], NaN unless present. ``presence``: int8 [n] of Presence.
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


@dataclass(frozen=True)
class _Found:
    """What was found of one view: its columns by name, whether its age is one of them, presence [n] and hours [n] as of one instant."""

    columns: Mapping[str, NDArray[Any]]
    wants_age: bool
    presence: NDArray[np.int8]
    age_hours: NDArray[np.float64]


class Assembler:
    """Assembles vectors of parcels from one world's online store. Safe to share between threads, as its reader is.

    ``zone``: the IANA name of the marketplace's zone. In every method ``names`` maps a view as the caller names it to its name in the
    store, for a view of which the store holds several versions; a view that is not in it has one name.
    """

    def __init__(self, reader: OnlineReader, zone: str) -> None:
        self._reader = reader
        self._zone = zone

    def missing(self, features: Sequence[FeatureField], names: Mapping[str, str] = AS_NAMED) -> list[str]:
        """The features that can't be filled, as ``view:name``, sorted; what every parcel needs of its places is among them.

        Fields of the view ``request`` are the caller's own matter.

        Raises:
            StateError: there is no online store.
        """
        specs = self._reader.views()
        needed = {(f.view, f.name) for f in features if f.view != REQUEST} | PLACES
        return sorted(f"{view}:{name}" for view, name in needed if name not in _offered(specs.get(names.get(view, view)), view))

    def held(self) -> list[str]:
        """The names of the views in the store, sorted."""
        return sorted(self._reader.views())

    def assemble(
        self,
        features: Sequence[FeatureField],
        parcels: Parcels,
        names: Mapping[str, str] = AS_NAMED,
        at: NDArray[np.datetime64] | None = None,
    ) -> Vector:
        """The columns of ``features`` for ``parcels`` (at least one); values of views that are absent or expired are NaN, or None for text.

        ``at``: datetime64[us] [n], the instants that ages and times to live refer to; by default each parcel's order. A row is expired
        when it is older than its view's time to live at that instant.

        Raises:
            StateError, NotFoundError: the online store can't be read.
        """
        instants = parcels.ordered_at if at is None else at
        # Nothing has expired for the whole batch that had not for its first instant; the later ones are judged one by one.
        now = instants.min().astype("datetime64[us]").item().replace(tzinfo=dt.UTC)
        origin, destination, placed = self._places(parcels, names, now)
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
        wanted = _by_view(features)
        held = {view: specs[name] for view in wanted if (name := names.get(view, view)) in specs}
        stored = {view: keys[spec.key_name] for view, spec in held.items()}
        vector = Vector(
            columns={name: parcels.columns[name] for name in wanted.pop(REQUEST, [])},
            origin=origin,
            destination=destination,
            merchant_known=placed[MERCHANT_PROFILE].presence == PRESENT,
            keys=stored | {MERCHANT_PROFILE: list(parcels.merchant_id)},
            key_names={view: spec.key_name for view, spec in held.items()},
            expiring=frozenset(view for view, spec in held.items() if spec.ttl_us),
        )
        asked = {view: wanted.pop(view) for view in held}
        since_us = (instants - instants.min()).astype(np.int64)
        later = since_us if since_us.any() else None
        for view, found in self._found(held, asked, stored, placed, names, now).items():
            _fill(vector, view, found, held[view].ttl_us, later)
        for view, computed in wanted.items():
            self._compute(vector, view, computed, parcels)
        return vector

    def _found(
        self,
        held: Mapping[str, ViewSpec],
        asked: Mapping[str, Sequence[str]],
        keys: Mapping[str, Text],
        placed: Mapping[str, ViewRows],
        names: Mapping[str, str],
        now: dt.datetime,
    ) -> dict[str, _Found]:
        """What was found as of ``now`` of each view: places were read already; numbers come as one matrix; only other text is read by view."""
        found = {view: _of_rows(placed[view], asked[view]) for view in held if view in placed}
        ahead = [view for view in held if view not in placed]
        texts = [view for view in ahead if not set(held[view].schema.texts).isdisjoint(asked[view])]
        for view, rows in self._read({view: keys[view] for view in texts}, names, now).items() if texts else ():
            found[view] = _of_rows(rows, asked[view])
        numbers = [view for view in ahead if view not in texts]
        if not numbers:
            return found
        wanted = [(view, name) for view in numbers for name in asked[view] if name != AGE]
        vectors = self._reader.vectors(
            [(names.get(view, view), name) for view, name in wanted], {names.get(view, view): keys[view] for view in numbers}, now
        )
        columns: dict[str, dict[str, NDArray[Any]]] = {view: {} for view in numbers}
        for place, (view, name) in enumerate(wanted):
            columns[view][name] = vectors.values[:, place]
        for view in numbers:
            name = names.get(view, view)
            found[view] = _Found(columns[view], AGE in asked[view], vectors.presence[name], vectors.age_hours[name])
        return found

    def _read(self, keys: Mapping[str, Text], names: Mapping[str, str], now: dt.datetime) -> dict[str, ViewRows]:
        """Rows by the caller's name of the view, all in one snapshot of the store."""
        rows = self._reader.read_views({names.get(view, view): wanted for view, wanted in keys.items()}, now)
        return {view: rows[names.get(view, view)] for view in keys}

    def _places(self, parcels: Parcels, names: Mapping[str, str], now: dt.datetime) -> tuple[Place, Place, dict[str, ViewRows]]:
        """Where the parcels start and end, and the rows of the two views that said so, one for each parcel."""
        n = len(parcels)
        is_asked = any(parcels.origin_area)
        asked = [*parcels.destination_area, *parcels.origin_area] if is_asked else list(parcels.destination_area)
        first = self._read({MERCHANT_PROFILE: list(parcels.merchant_id), AREA_LOCATION: asked}, names, now)
        profile, location = first[MERCHANT_PROFILE], first[AREA_LOCATION]
        destination = _place(location, slice(0, n), parcels.destination_area)
        own = _place(profile, slice(0, n), list(profile.values["postal_area_id"]))
        if not is_asked:
            return own, destination, first
        origin = _either(_place(location, slice(n, 2 * n), parcels.origin_area), own)
        return origin, destination, first | {AREA_LOCATION: _first(location, n)}

    def _compute(self, vector: Vector, view: str, names: Sequence[str], parcels: Parcels) -> None:
        given = {
            **parcels.columns,
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


def _offered(spec: ViewSpec | None, view: str) -> frozenset[str]:
    """What there is of a view: its fields and its age, where a parcel leads to its key; or what a request-time view gives."""
    if view in ON_DEMAND:
        return frozenset(ON_DEMAND[view][0])
    return frozenset({*spec.schema.names, AGE}) if spec is not None and spec.key_name in KEYS else frozenset()


def _of_rows(rows: ViewRows, names: Sequence[str]) -> _Found:
    return _Found({name: rows.values[name] for name in names if name != AGE}, AGE in names, rows.presence, rows.age_hours)


def _fill(vector: Vector, view: str, found: _Found, ttl_us: int, later_us: NDArray[np.int64] | None) -> None:
    """Put a view's columns into the vector. ``later_us`` [n]: by how much each parcel's instant is later than the one that was read for."""
    presence, age, late = found.presence, found.age_hours, None
    if later_us is not None:
        # Hours to whole microseconds: exact, as their count is far below 2**53.
        age_us = np.rint(age * _US_PER_HOUR) + later_us
        age = age_us / _US_PER_HOUR
        # What the reader gave for the first instant of a batch may have expired at a later one.
        expired = age_us > ttl_us
        if ttl_us and expired.any():
            late = expired
            presence = np.where(late, EXPIRED, presence).astype(np.int8)
            age = np.where(late, np.nan, age)
    vector.presence[view] = presence
    vector.age_hours[view] = age
    for name, values in found.columns.items():
        vector.columns[f"{view}__{name}"] = _without(values, late)
    if found.wants_age:
        vector.columns[f"{view}__{AGE}"] = age


def _first(rows: ViewRows, n: int) -> ViewRows:
    """The first ``n`` of some rows."""
    return replace(
        rows,
        values={name: values[:n] for name, values in rows.values.items()},
        presence=rows.presence[:n],
        event_at=rows.event_at[:n],
        created_at=rows.created_at[:n],
    )


def _without(values: NDArray[Any], late: NDArray[np.bool_] | None) -> NDArray[Any]:
    if late is None:
        return values
    nothing: Any = None if values.dtype == object else np.nan
    return np.where(late, nothing, values)


def _by_view(features: Sequence[FeatureField]) -> dict[str, list[str]]:
    wanted: dict[str, list[str]] = {}
    for feature in features:
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
