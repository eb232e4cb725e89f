"""What an answer had to do without, in words. Nothing is left out silently: a model answers on NaN, and the answer says so."""

import numpy as np

from tradewind_contracts.bundle import REQUEST, BundleContract
from tradewind_features.online.assembly import ABSENT, EXPIRED, Parcels, Vector
from tradewind_serving.answers import Fallback, FallbackKind, FeatureAge
from tradewind_serving.proving import Served
from tradewind_serving.questions import EtaRequest

STALE_HOURS = 48.0
"""Chosen: rows are stamped daily, so that up to 25 hours are usual, and at 48 one daily run was missed."""

CATEGORY_KEY = "category"


def fallbacks_of(served: Served, request: EtaRequest, parcels: Parcels, vector: Vector, row: int) -> list[Fallback]:
    """The fallbacks of one parcel, in a fixed order."""
    found = _places(request, parcels, vector, row)
    found += _request(served.contract, parcels, vector, row)
    found += _views(vector, row)
    found += _ages(vector, row)
    if served.version.source == "baked":
        found.append(
            _say(
                FallbackKind.BAKED_VERSION,
                f"the registry is out of reach: the built-in {served.version.name}@{served.version.number} answers",
            )
        )
    if not served.contract.quantiles[0] <= request.confidence <= served.contract.quantiles[-1]:
        low, high = served.contract.quantiles[0], served.contract.quantiles[-1]
        found.append(
            _say(FallbackKind.CONFIDENCE_OUTSIDE, f"{request.confidence} lies outside of {low} to {high}: the promise is extrapolated")
        )
    return found


def feature_ages(vector: Vector, row: int) -> dict[str, FeatureAge]:
    """The age of each feature view of the contract for one parcel."""
    return {view: _age(vector, view, row) for view in vector.age_hours}


def _age(vector: Vector, view: str, row: int) -> FeatureAge:
    hours = float(vector.age_hours[view][row])
    if hours == hours:
        return FeatureAge(hours=round(hours, 3))
    if vector.presence[view][row] == EXPIRED:
        return FeatureAge(reason="expired")
    return FeatureAge(reason="absent" if vector.keys[view][row] is not None else "no key: a place or the category is unknown")


def _places(request: EtaRequest, parcels: Parcels, vector: Vector, row: int) -> list[Fallback]:
    found = []
    if not vector.merchant_known[row]:
        where = "" if vector.origin.known[row] else "; where the parcel starts is unknown too"
        found.append(_say(FallbackKind.UNKNOWN_MERCHANT, f"no merchant {request.merchant_id!r} in the features{where}"))
    if parcels.origin_area[row] is not None and not vector.origin.known[row]:
        found.append(_say(FallbackKind.UNKNOWN_AREA, f"no postal area {parcels.origin_area[row]!r} (origin)"))
    if not vector.destination.known[row]:
        found.append(_say(FallbackKind.UNKNOWN_AREA, f"no postal area {parcels.destination_area[row]!r} (destination)"))
    return found


def _request(contract: BundleContract, parcels: Parcels, vector: Vector, row: int) -> list[Fallback]:
    wanted = {feature.name for feature in contract.features if feature.view == REQUEST}
    found = []
    category = parcels.columns["category"][row]
    if category is None and ("category" in wanted or CATEGORY_KEY in vector.key_names.values()):
        found.append(_say(FallbackKind.NO_CATEGORY, "category was not sent; the model treats it as unknown"))
    elif "category" in wanted and category not in contract.vocabularies.get("category", []):
        found.append(_say(FallbackKind.UNKNOWN_CATEGORY, f"category {category!r} is not among those that the model learnt"))
    if "volume_cm3" in wanted and np.isnan(parcels.columns["volume_cm3"][row]):
        found.append(_say(FallbackKind.NO_VOLUME, "volume_cm3 was not sent for every item; the model treats it as unknown"))
    return found


def _views(vector: Vector, row: int) -> list[Fallback]:
    """Absent views with a key of their own (the category, the merchant's and the area's places are said by name), expired ones."""
    found = []
    for view, presence in vector.presence.items():
        key = vector.keys[view][row]
        by_category = vector.key_names[view] == CATEGORY_KEY
        if presence[row] == EXPIRED:
            found.append(_say(FallbackKind.VIEW_EXPIRED, f"{view}: the newest row of {key!r} is past its time to live"))
        elif presence[row] != ABSENT or view not in vector.expiring or (by_category and key is None):
            continue
        elif by_category:
            found.append(_say(FallbackKind.UNKNOWN_CATEGORY, f"{view}: no row for category {key!r}"))
        else:
            found.append(
                _say(FallbackKind.VIEW_ABSENT, f"{view}: no row for {key!r}" if key is not None else f"{view}: no key, a place is unknown")
            )
    return found


def _ages(vector: Vector, row: int) -> list[Fallback]:
    ages = [float(vector.age_hours[view][row]) for view in sorted(vector.expiring & vector.age_hours.keys())]
    ages = [age for age in ages if age == age]
    if not ages:
        return []
    found = []
    if min(ages) > STALE_HOURS:
        found.append(_say(FallbackKind.STALE_FEATURES, f"the newest features are {min(ages):.0f} hours older than the order"))
    if min(ages) < 0:
        found.append(
            _say(
                FallbackKind.REQUEST_BEFORE_FEATURES,
                f"the order is {-min(ages):.0f} hours older than the features: they know what came after it",
            )
        )
    return found


def _say(kind: FallbackKind, detail: str) -> Fallback:
    return Fallback(kind=kind, detail=detail)
