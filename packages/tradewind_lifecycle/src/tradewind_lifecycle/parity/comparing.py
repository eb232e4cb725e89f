"""Parity: vectors that a service was given, derived again offline for the same instant, are the same.

Online are the records of :mod:`~tradewind_lifecycle.parity.records` (the service's own assembly, at the end of a materialization), offline
is what a training set does (Feast's join in time) over the datasets that were published then. What differs is looked up, row by row
(:mod:`~tradewind_lifecycle.parity.reasons`).
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tradewind_contracts.errors import StateError
from tradewind_contracts.instants import iso
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import CheckResult
from tradewind_contracts.world import World
from tradewind_features.online.assembly import ON_DEMAND
from tradewind_features.specs import VERSION_OF
from tradewind_lifecycle.feature_store import open_store
from tradewind_lifecycle.parity.reasons import Reason, Sides, explain, explain_on_demand, place_columns
from tradewind_lifecycle.parity.records import PRESENCE, ServedRecord, has_served, origins, read_records, record_served, service_fields
from tradewind_lifecycle.parity.rederiving import datasets_of, feast_views, rederived, scratch_store, why_not
from tradewind_lifecycle.parity.report import RECORDS_LEAST, TOLERANCE, VECTORS_LEAST, Compared, FeatureParity, ParityReport, results_of

RECORDS_MOST = 4
"""Materializations that are compared at most: further ones than two while there are fewer vectors than asked for."""
SAMPLES = 5

Values = NDArray[np.float64] | NDArray[np.object_]


def check_parity(settings: Settings) -> list[CheckResult]:
    """Compare the newest records and put it as claims: for each feature equal values, for each view equal null shares and its origin.

    Raises:
        StateError: nothing is published, registered or materialized, or no parcel was ordered before the clock.
        IntegrityError: a record is damaged.
    """
    return results_of(compare(settings))


def compare(settings: Settings, say: Callable[[str], None] = lambda _: None) -> ParityReport:
    """Derive the newest records again and compare; a store that was filled and never recorded is recorded first.

    Raises:
        StateError: nothing is published, registered or materialized, or no parcel was ordered before the clock.
        IntegrityError: a record is damaged.
    """
    now = World.read(settings.paths.world_file).clock.now()
    store = open_store(settings)
    # A version that is kept for a living model is of a publication that is not continued.
    declared = {name: view for name, view in feast_views(store).items() if VERSION_OF not in view.tags}
    stale, views = _stale(settings, now, declared), sorted(declared)
    _record_at_need(settings, now)
    judged: list[tuple[ServedRecord, list[FeatureParity]]] = []
    dropped: dict[str, str] = {}
    for record in read_records(settings, now):
        if len(judged) >= RECORDS_LEAST and (len(judged) >= RECORDS_MOST or sum(r.rows.num_rows for r, _ in judged) >= VECTORS_LEAST):
            break
        reason = why_not(record, settings, store)
        if reason:
            dropped[iso(record.facts.at)] = reason
            continue
        judged.append((record, _judged(record, settings)))
        say(f"{iso(record.facts.at)}: {record.rows.num_rows:,} vectors derived again")
    if not judged:
        raise StateError(f"{settings.paths.served_vectors}: no record can be judged ({dropped}); materialize again")
    return ParityReport(
        service=judged[0][0].facts.service,
        compared=[Compared(r.facts.at, r.rows.num_rows, {v: o.published for v, o in r.facts.views.items()}) for r, _ in judged],
        dropped=dropped,
        features=_summed([features for _, features in judged]),
        stale=stale,
        views=views,
        parcels=judged[0][0].facts.parcels,
    )


def difference(online: Values, offline: Values) -> tuple[NDArray[np.bool_], float]:
    """Where two columns of a feature differ, both numbers or both text, and the greatest difference of two numbers."""
    if online.dtype == object or offline.dtype == object:
        return np.array([a != b for a, b in zip(online.tolist(), offline.tolist(), strict=True)], dtype=bool), 0.0
    left, right = np.asarray(online, dtype=np.float64), np.asarray(offline, dtype=np.float64)
    unlike = ~np.isnan(left) & ~np.isnan(right) & (left != right)
    gap = np.abs(np.subtract(left, right, out=np.zeros_like(left), where=unlike))
    # Nothing is near an infinity but itself: a share of it would tolerate every number.
    allowed = TOLERANCE * np.maximum(1.0, np.abs(np.where(np.isfinite(right), right, 0.0)))
    far = gap > allowed
    return (np.isnan(left) != np.isnan(right)) | far, float(gap.max(initial=0.0))


def _record_at_need(settings: Settings, now: dt.datetime) -> None:
    """A store that nobody recorded is recorded as it stands, at the instant that it was brought to."""
    reached = [dt.datetime.fromisoformat(origin.to_at) for origin in origins(settings).values()]
    if not reached:
        raise StateError(f"{settings.paths.online_store}: nothing is materialized; `make run` fills the online store")
    at = min(max(reached), now)
    if not has_served(settings, at) and record_served(settings, at) is None:
        raise StateError(f"{settings.paths.published}: no parcel was ordered before {iso(at)}, so there is nothing to compare")


def _stale(settings: Settings, now: dt.datetime, views: Mapping[str, Any]) -> dict[str, tuple[dict[str, str] | None, dict[str, str]]]:
    """Declared views whose online rows are of another dataset than the registry's, or under a frozen clock of another instant."""
    frozen = World.read(settings.paths.world_file).clock.at is not None
    held = origins(settings)
    stale = {}
    for name, view in views.items():
        wanted = {"published": Path(view.batch_source.path).name} | ({"to_at": iso(now)} if frozen else {})
        origin = held.get(name)
        found = {key: str(getattr(origin, key)) for key in wanted} if origin is not None else None
        if found != wanted:
            stale[name] = (found, wanted)
    return stale


def _judged(record: ServedRecord, settings: Settings) -> list[FeatureParity]:
    with scratch_store(settings, datasets_of(record.facts, settings)) as store:
        offline = rederived(record, settings, store)
        views = feast_views(store)
        fields = service_fields(store, record.facts.service)
        pushed = getattr(store.config.offline_store, "pushed", None)
        found = {field.column: _differing(record.rows, offline, field.column) for field in fields}
        failing = {(f.view, f.name): found[f.column][0] for f in fields if found[f.column][0].any()}
        reasons = _reasons(record, offline, views, failing, found, Path(pushed) if pushed else None)
    return [_feature(f.view, f.name, f.column, record, offline, found[f.column], reasons.get((f.view, f.name), [])) for f in fields]


def _differing(online: pa.Table, offline: pa.Table, column: str) -> tuple[NDArray[np.bool_], float]:
    if column not in online.column_names:
        return np.ones(online.num_rows, dtype=np.bool_), 0.0
    return difference(_values(online[column]), _values(offline[column]))


def _values(column: Any) -> Values:
    if pa.types.is_string(column.type):
        return np.array(column.to_pylist(), dtype=object)
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _reasons(
    record: ServedRecord,
    offline: pa.Table,
    views: Mapping[str, Any],
    failing: Mapping[tuple[str, str], NDArray[np.bool_]],
    found: Mapping[str, tuple[NDArray[np.bool_], float]],
    pushed: Path | None,
) -> dict[tuple[str, str], list[Reason]]:
    """The reasons of the failing rows of each failing feature, in order."""
    at_us = round(record.facts.at.timestamp()) * 1_000_000 + record.facts.at.microsecond
    places_fail = np.any([found[name][0] for name in place_columns() if name in found] or [np.zeros(record.rows.num_rows, bool)], axis=0)
    reasons: dict[tuple[str, str], list[Reason]] = {}
    for view in sorted({view for view, _ in failing}):
        own = {feature: mask for (of, feature), mask in failing.items() if of == view}
        if view in ON_DEMAND:
            explained = explain_on_demand(view, own, places_fail)
        elif view + PRESENCE not in record.rows.column_names:
            explained = {feature: [Reason.NOT_ONLINE] * int(mask.sum()) for feature, mask in own.items()}
        else:
            explained = explain(Sides(record.rows, offline, views[view], at_us), own, pushed)
        reasons |= {(view, feature): list_ for feature, list_ in explained.items()}
    return reasons


def _feature(
    view: str,
    feature: str,
    column: str,
    record: ServedRecord,
    offline: pa.Table,
    found: tuple[NDArray[np.bool_], float],
    reasons: Sequence[Reason],
) -> FeatureParity:
    failing, greatest = found
    n, online = record.rows.num_rows, record.rows[column] if column in record.rows.column_names else None
    samples = [
        {
            "parcel_id": record.rows["parcel_id"][place].as_py(),
            "at": iso(record.facts.at),
            "online": None if online is None else online[place].as_py(),
            "offline": offline[column][place].as_py(),
            "reason": str(reason),
        }
        for place, reason in list(zip(np.flatnonzero(failing).tolist(), reasons, strict=True))[:SAMPLES]
    ]
    return FeatureParity(
        view=view,
        feature=feature,
        vectors=n,
        differing=int(failing.sum()),
        greatest=greatest,
        nulls_online=n if online is None else online.null_count,
        nulls_offline=offline[column].null_count,
        reasons=dict(Counter(str(reason) for reason in reasons)),
        samples=samples,
    )


def _summed(records: Sequence[Sequence[FeatureParity]]) -> list[FeatureParity]:
    """One entry per feature over all records, in the order of the newest."""
    by_name: dict[tuple[str, str], list[FeatureParity]] = {}
    for found in (found for features in records for found in features):
        by_name.setdefault((found.view, found.feature), []).append(found)
    return [
        FeatureParity(
            view=view,
            feature=feature,
            vectors=sum(part.vectors for part in parts),
            differing=sum(part.differing for part in parts),
            greatest=max(part.greatest for part in parts),
            nulls_online=sum(part.nulls_online for part in parts),
            nulls_offline=sum(part.nulls_offline for part in parts),
            reasons=dict(sum((Counter(part.reasons) for part in parts), Counter())),
            samples=[sample for part in parts for sample in part.samples][:SAMPLES],
        )
        for (view, feature), parts in by_name.items()
    ]
