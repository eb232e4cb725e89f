"""How two versions of a model differ: features, data, code, parameters, metrics, slices, gates. Computed from what their rows seal."""

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from tradewind_contracts.errors import SettingsError
from tradewind_contracts.instants import Clock, iso
from tradewind_registry.client import RegistryClient
from tradewind_registry.records import Judgement, Metrics, Version, main_metric

LEAST_SLICE_ROWS = 100
"""Rows that a slice has in both versions to be compared. Chosen: below that, errors of parcels move by chance more than by the model."""

T = TypeVar("T")


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Plain, Generic[T]):
    """The same thing in the one version and in the other; equal where nothing changed."""

    before: T
    after: T

    @property
    def is_one(self) -> bool:
        """Whether both are the same."""
        return self.before == self.after


class FeaturesDifference(_Plain):
    """Features by their place in the vector."""

    feature_service: Change[str]
    added: list[str]
    removed: list[str]
    kept: int
    reordered: bool
    views_changed: dict[str, Change[str | None]]
    """Views whose spec has another digest, or that only one of the two has."""
    importance: dict[str, Change[float | None]]
    """Share of the total gain, 0 to 1, of each feature of either; what moved most first."""


class MetricDifference(_Plain):
    """A metric of the model with its 95 % interval, and of each baseline on the same rows."""

    value: Change[float | None]
    interval: Change[tuple[float | None, float | None] | None]
    baselines: dict[str, Change[float | None]]


class SliceDifference(_Plain):
    """The main metric on one slice: ``dimension`` has ``value`` there; ``rows`` of each holdout."""

    dimension: str
    value: str
    rows: Change[int]
    metric: Change[float]
    moved: float


class SlicesDifference(_Plain):
    """Slices with enough rows in both, what moved most first; the others are counted."""

    metric: str
    least_rows: int
    compared: list[SliceDifference]
    too_few_rows: int
    only_before: int
    only_after: int


class GateDifference(_Plain):
    """A gate's last verdict of each: ``passed``, ``failed``, ``overruled``, ``overrule expired``, ``not judged`` or ``no gate``."""

    state: Change[str]
    value: Change[float | None]
    reason: Change[str]


class Difference(_Plain):
    """All in which two versions of one model differ, and what they have in common beside it."""

    model: str
    versions: Change[str]
    same_holdout: bool
    """Whether the metrics were measured on the same rows; else they do not compare like with like."""
    features: FeaturesDifference
    data: dict[str, Change[Any]]
    code: dict[str, Change[Any]]
    parameters: dict[str, Change[Any]]
    """By path such as ``trees.rounds``: only what differs."""
    metrics: dict[str, MetricDifference]
    beside_baselines: dict[str, Change[Metrics | None]]
    """By baseline: the main metric minus the baseline's with its interval, as the gates look at it."""
    slices: SlicesDifference | None
    gates: dict[str, GateDifference]


def diff(registry: RegistryClient, before: str, after: str) -> Difference:
    """How the version that ``before`` names differs from the one that ``after`` names.

    Raises:
        SettingsError: they are versions of different models.
        NotFoundError: there is no such version or alias.
    """
    one, other = registry.resolve(before), registry.resolve(after)
    if one.model != other.model:
        raise SettingsError(f"{one.reference} and {other.reference}: expected two versions of one model; their metrics do not compare")
    judged = registry.judgements(one), registry.judgements(other)
    return Difference(
        model=one.model,
        versions=Change(before=one.reference, after=other.reference),
        same_holdout=_holdout(one) == _holdout(other),
        features=_features(one, other),
        data=_pairs(_data(one), _data(other)),
        code=_pairs(_code(one), _code(other)),
        parameters={path: pair for path, pair in _pairs(_flat(one.parameters), _flat(other.parameters)).items() if not pair.is_one},
        metrics={name: _metric(name, one, other) for name in dict.fromkeys([*one.metrics, *other.metrics])},
        beside_baselines=_pairs(one.differences, other.differences),
        slices=_slices(one, other),
        gates=_gates(*judged),
    )


def _holdout(version: Version) -> tuple[Any, ...]:
    facts = version.facts
    return version.world, version.training_set_digest, version.rows, facts.get("holdout_from"), facts.get("holdout_to")


def _features(one: Version, other: Version) -> FeaturesDifference:
    first, second = list(one.importance), list(other.importance)
    both = set(first) & set(second)
    moved = _pairs(one.importance, other.importance)
    views = _pairs(one.view_specs, other.view_specs)
    return FeaturesDifference(
        feature_service=Change(before=one.feature_service, after=other.feature_service),
        added=[name for name in second if name not in both],
        removed=[name for name in first if name not in both],
        kept=len(both),
        reordered=[name for name in first if name in both] != [name for name in second if name in both],
        views_changed={name: pair for name, pair in sorted(views.items()) if not pair.is_one},
        importance=dict(sorted(moved.items(), key=lambda item: -abs((item[1].after or 0.0) - (item[1].before or 0.0)))),
    )


def _data(version: Version) -> dict[str, Any]:
    facts = {name: value for name, value in version.facts.items() if value is None or isinstance(value, str | int | float)}
    sealed = {
        "world": version.world,
        "as_of": iso(version.as_of),
        "holdout_rows": version.rows,
        "training_set_digest": version.training_set_digest,
        "entity_rows_digest": version.entity_rows_digest,
    }
    failed = sum(not result.passed for result in version.quality)
    return sealed | {"claims": len(version.quality), "claims_failed": failed} | facts


def _code(version: Version) -> dict[str, Any]:
    return {
        "commit": version.commit,
        "tree_clean": version.tree_clean,
        "lock_digest": version.lock_digest,
        "seed": version.seed,
        "bundle_digest": version.bundle_digest,
    }


def _metric(name: str, one: Version, other: Version) -> MetricDifference:
    baselines = dict.fromkeys([*one.baselines, *other.baselines])
    return MetricDifference(
        value=Change(before=one.metrics.get(name), after=other.metrics.get(name)),
        interval=Change(before=_interval(one, name), after=_interval(other, name)),
        baselines={
            who: Change(before=one.baselines.get(who, {}).get(name), after=other.baselines.get(who, {}).get(name)) for who in baselines
        },
    )


def _interval(version: Version, name: str) -> tuple[float | None, float | None] | None:
    found = version.intervals.get(name)
    return (found.get("low"), found.get("high")) if found else None


def _slices(one: Version, other: Version) -> SlicesDifference | None:
    metric = main_metric(one.metrics)
    if metric is None:
        return None
    first, second = _by_slice(one), _by_slice(other)
    shared = [_slice(key, first[key], second[key], metric) for key in first if key in second]
    compared = [found for found in shared if found is not None]
    return SlicesDifference(
        metric=metric,
        least_rows=LEAST_SLICE_ROWS,
        compared=sorted(compared, key=lambda found: -abs(found.moved)),
        too_few_rows=len(shared) - len(compared),
        only_before=len(first.keys() - second.keys()),
        only_after=len(second.keys() - first.keys()),
    )


def _by_slice(version: Version) -> dict[tuple[str, str], Metrics]:
    return {(by, value): found.get(version.model, {}) for by, values in version.slices.items() for value, found in values.items()}


def _slice(key: tuple[str, str], first: Metrics, second: Metrics, metric: str) -> SliceDifference | None:
    before, after = first.get(metric), second.get(metric)
    rows = Change(before=int(first.get("n") or 0), after=int(second.get("n") or 0))
    if before is None or after is None or min(rows.before, rows.after) < LEAST_SLICE_ROWS:
        return None
    return SliceDifference(
        dimension=key[0], value=key[1], rows=rows, metric=Change(before=before, after=after), moved=round(after - before, 12)
    )


def _gates(one: Iterable[Judgement], other: Iterable[Judgement]) -> dict[str, GateDifference]:
    at = Clock().now()
    first, second = {found.gate: found for found in one}, {found.gate: found for found in other}
    found: dict[str, GateDifference] = {}
    for gate in dict.fromkeys([*first, *second]):
        pair = first.get(gate), second.get(gate)
        found[gate] = GateDifference(
            state=Change(before=pair[0].state(at) if pair[0] else "no gate", after=pair[1].state(at) if pair[1] else "no gate"),
            value=Change(before=_value(pair[0]), after=_value(pair[1])),
            reason=Change(before=pair[0].reason if pair[0] else "", after=pair[1].reason if pair[1] else ""),
        )
    return found


def _value(one: Judgement | None) -> float | None:
    return one.verdict.value if one is not None and one.verdict is not None else None


def _pairs(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Change[Any]]:
    return {name: Change[Any](before=first.get(name), after=second.get(name)) for name in dict.fromkeys([*first, *second])}


def _flat(value: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, inner in value.items():
        found |= _flat(inner, f"{above}{name}.") if isinstance(inner, Mapping) else {f"{above}{name}": inner}
    return found
