"""The third detector: no feature alone tells what nobody knew.

On a sealed training set each feature's single-handed power over the outcome is measured: the share of the variance of the outcome's ranks
that the feature explains, cut into equally frequent bins (a regression tree of one feature; nulls are a bin of their own). Ranks, so that a
few slow parcels don't decide; bins, so that no shape is asked for. And it is measured again with the feature as it was a day before: what is
known of a merchant or a lane hardly changes from day to day, what was made from this parcel's own outcome loses its power.

It sees a feature that holds the outcome, through noise up to about that of the outcome itself, and one that owes much of its power to the day of
the order. It can't see a leak that is weaker than that, and it proves nothing: what it finds a person must look at.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tradewind_contracts.errors import StateError
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import CheckResult, Severity
from tradewind_lifecycle import training_sets
from tradewind_lifecycle.training_sets import SealedSet

SUITE = "is_not_too_good_to_be_true"
OUTCOME = "duration_days"
BINS = 32
"""Equally frequent bins of a feature. Chosen: a tree of depth five; its chance gain on 4,000 rows is below one percent and taken off."""
MOST = 0.5
"""Power that no feature may have alone. Chosen: half of what decides a delivery lies after its order (carriers, weather, strikes), so that
who explains more than half of it has seen some of that."""
LOST = 0.1
"""Power that no feature may lose when it is a day older. Chosen: eight standard errors of a power of 0.3 on 4,000 rows, 2 √0.3 (1 − 0.3) / √4000."""
LAG = dt.timedelta(days=1)
ROWS = 4_000
"""Rows that are joined again for the day before, spread over the set; a join of a second."""


@dataclass(frozen=True)
class Power:
    """A feature's power over the outcome, 0 to 1, on ``rows`` rows; ``sampled`` and ``lagged`` on the same sample, None where not joined."""

    column: str
    rows: int
    power: float
    sampled: float | None = None
    lagged: float | None = None

    @property
    def lost(self) -> float:
        """Power that it owes to the last day; 0 where that was not measured."""
        return 0.0 if self.sampled is None or self.lagged is None else self.sampled - self.lagged

    @property
    def is_too_good(self) -> bool:
        """Whether a person must look at it."""
        return self.power > MOST or self.lost > LOST


def check_power(sealed: SealedSet, settings: Settings) -> list[CheckResult]:
    """Two claims for each feature of a sealed set, warnings both: it does not tell the outcome alone, nor owes its power to the last day.

    Raises:
        StateError: no outcome is known in the set.
    """
    return [result for found in powers(sealed, settings) for result in _claims(found)]


def powers(sealed: SealedSet, settings: Settings, build: Callable[..., pa.Table] = training_sets.build) -> list[Power]:
    """The power of each feature of a sealed set, the greatest first. ``build`` joins the sample as of a day before.

    Raises:
        StateError: no outcome is known in the set.
    """
    table = sealed.table()
    known = table.filter(pc.is_valid(table[OUTCOME]))
    if known.num_rows == 0:
        raise StateError(f"{sealed.path}: no outcome is known in this training set, so no feature can be too good")
    features = [name for name in table.column_names if "__" in name]
    sample = known.take(np.unique(np.linspace(0, known.num_rows - 1, min(ROWS, known.num_rows)).astype(np.int64)))
    service = str(sealed.facts["feature_service"])
    lagged = build(service, _a_day_before(sample.select([name for name in table.column_names if name not in features])), settings)
    whole, part = ranks(_numbers(known[OUTCOME])), ranks(_numbers(sample[OUTCOME]))
    found = []
    for name in features:
        power = power_of(_values(known[name]), whole)
        # What is computed from the request is of the order's instant by its nature, and has no day before.
        dated = f"{name.split('__', 1)[0]}{training_sets.AGE_SUFFIX}" in features and name in lagged.column_names
        before = power_of(_values(lagged[name]), part) if dated else None
        found.append(Power(name, known.num_rows, power, power_of(_values(sample[name]), part) if dated else None, before))
    return sorted(found, key=lambda one: (-one.power, one.column))


def power_of(feature: NDArray[Any], outcome_ranks: NDArray[np.float64]) -> float:
    """The share of the variance of ``outcome_ranks`` [n] that ``feature`` [n] explains (float64 with NaN, or text with None), 0 to 1.

    The correlation ratio over bins, less what as many bins explain by chance (Kelley, "An unbiased correlation ratio measure", 1935).
    """
    codes = _coded(feature)
    counts = np.bincount(codes)
    filled = int((counts > 0).sum())
    n, centred = len(codes), outcome_ranks - outcome_ranks.mean()
    total = float(centred @ centred)
    if total == 0 or n <= filled:
        return 0.0
    sums = np.bincount(codes, centred)
    explained = float((sums[counts > 0] ** 2 / counts[counts > 0]).sum()) / total
    return max(0.0, 1 - (1 - explained) * (n - 1) / (n - filled))


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0, ties share their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    mean: NDArray[np.float64] = (2 * ends - counts - 1) / 2
    return mean[place]


def _coded(feature: NDArray[Any]) -> NDArray[np.int64]:
    """The bin of each row; 0 is of nulls."""
    if feature.dtype == object:
        return np.asarray(
            np.unique(["" if value is None else f"={value}" for value in feature.tolist()], return_inverse=True)[1], dtype=np.int64
        )
    codes = np.zeros(len(feature), dtype=np.int64)
    there = ~np.isnan(feature)
    if there.any():
        share = ranks(feature[there]) / there.sum()
        codes[there] = 1 + np.minimum((share * BINS).astype(np.int64), BINS - 1)
    return codes


def _a_day_before(rows: pa.Table) -> pa.Table:
    place = rows.column_names.index(training_sets.EVENT)
    before = pc.subtract(rows[training_sets.EVENT], pa.scalar(LAG, pa.duration("us")))
    return rows.set_column(place, training_sets.EVENT, before)


def _values(column: Any) -> NDArray[Any]:
    return np.array(column.to_pylist(), dtype=object) if pa.types.is_string(column.type) else _numbers(column)


def _numbers(column: Any) -> NDArray[np.float64]:
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _claims(found: Power) -> list[CheckResult]:
    view, feature = found.column.split("__", 1)
    observed: Mapping[str, Any] = {"power": round(found.power, 4), "most": MOST}
    results = [_result(view, f"{feature}: does not tell the outcome alone", found, found.power <= MOST, observed)]
    if found.sampled is not None and found.lagged is not None:
        observed = {"power": round(found.sampled, 4), "a_day_before": round(found.lagged, 4), "most_lost": LOST}
        results.append(_result(view, f"{feature}: does not owe its power to the last day", found, found.lost <= LOST, observed))
    return results


def _result(view: str, claim: str, found: Power, passed: bool, observed: Mapping[str, Any]) -> CheckResult:
    return CheckResult(
        suite=SUITE, table=view, claim=claim, severity=Severity.WARNING, passed=passed, rows=found.rows,
        failing_rows=0 if passed else found.rows, observed=dict(observed),
    )  # fmt: skip
