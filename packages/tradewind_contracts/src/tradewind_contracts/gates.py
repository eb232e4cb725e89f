"""The kinds of gates that a family may declare, in a few lines each; what they are measured by is no concern of the family.

A family's ``gates.py`` holds a tuple ``GATES`` of what these functions make. They speak of the family's evaluation as JSON:

* ``overall``: by name (the family's own, then its baselines'): metrics by name.
* ``differences``: by baseline: ``low`` and ``high`` (95 %, paired bootstrap) beside the mean of one metric, by its name.
* ``intervals``: by metric of the family's own: ``low`` and ``high``.
* ``levels``: a list of ``claimed``, ``observed``, ``low`` and ``high`` shares (0 to 1): of outcomes at or below each quantile, or, for
  probabilities, of outcomes that came true where about ``claimed`` was answered.
* ``slices``: a list of ``dimension``, ``value``, ``n``, ``models`` (as ``overall``).

What a kind needs and the evaluation lacks is not measured, and what is not measured fails.
"""

from typing import Literal

from tradewind_contracts.verdicts import Gate

Better = Literal["lower", "higher"]
"""Which values of a metric are the better ones."""


class BaselineGate(Gate):
    """The bound of the 95 % interval of ``metric`` minus the baseline's that is the worse for the model: it stays on the good side."""

    baseline: str
    metric: str


class ChampionGate(Gate):
    """The same against the present champion, on this version's holdout."""

    metric: str


class RatioGate(Gate):
    """``metric`` divided by the baseline's."""

    baseline: str
    metric: str


class MetricGate(Gate):
    """``metric`` itself."""

    metric: str


class CalibrationGate(Gate):
    """The largest gap between a claimed level and the share that was observed there."""


class SliceGate(Gate):
    """The worst slice's ``metric`` divided by the baseline's there, of slices with ``least_rows`` known outcomes."""

    baseline: str
    metric: str
    least_rows: int


class ClaimsGate(Gate):
    """Critical claims that failed in ``checks`` (results of quality, parity and leak checks); ``counts`` them, or the rows that broke them."""

    checks: tuple[str, ...]
    counts: Literal["claims", "rows"] = "claims"


class GoldenRowsGate(Gate):
    """Bundles that did not answer their golden rows again: 0 or 1."""


class LatencyGate(Gate):
    """Median milliseconds of one row through the bundle's predictor, on the machine that trains."""


class SizeGate(Gate):
    """Megabytes (10^6 bytes) of the bundle's files together."""


def beats(baseline: str, metric: str = "mae_days", *, better: Better = "lower") -> BaselineGate:
    """``metric`` is better than that of ``baseline`` on the same rows, surely: the whole interval of the difference says so."""
    claim = f"{metric} {_beyond(better)} that of {baseline} on the same rows: {_end(better)} end of the 95 % interval of the difference"
    name = f"beats_the_{baseline}"
    return BaselineGate(name=name, claim=claim, direction=_bound(better), threshold=0.0, baseline=baseline, metric=metric)


def not_worse_than_champion(metric: str = "mae_days", *, margin: float, better: Better = "lower") -> ChampionGate:
    """``metric`` on the same holdout is worse than the champion's by ``margin`` at most, surely. ``margin`` is in the metric's unit."""
    claim = (
        f"{metric} no worse than the champion's on the same holdout by more than the margin: "
        f"{_end(better)} end of the 95 % interval of the difference"
    )
    threshold = margin if better == "lower" else -margin
    return ChampionGate(name="not_worse_than_the_champion", claim=claim, direction=_bound(better), threshold=threshold, metric=metric)


def sharper(name: str, metric: str, *, than: str) -> RatioGate:
    """``metric`` (a loss: lower is better, above 0) is at most that of the baseline ``than``."""
    claim = f"{metric} divided by that of {than}"
    return RatioGate(name=name, claim=claim, direction="at_most", threshold=1.0, baseline=than, metric=metric)


def covers(claimed: float, *, at_least: float, at_most: float, metric: str = "coverage") -> tuple[MetricGate, MetricGate]:
    """Two gates: the share of outcomes within an interval that claims ``claimed`` of them lies between the bounds (all 0 to 1)."""
    claim = f"share of outcomes within the interval, which claims {claimed:g}"
    return (
        MetricGate(name="covers_enough", claim=claim, direction="at_least", threshold=at_least, metric=metric),
        MetricGate(name="covers_no_more", claim=claim, direction="at_most", threshold=at_most, metric=metric),
    )


def calibrated(*, by: float) -> CalibrationGate:
    """At no claimed level is the observed share further from it than ``by`` (0 to 1)."""
    claim = "largest gap between a claimed level and the share of outcomes observed there"
    return CalibrationGate(name="calibrated", claim=claim, direction="at_most", threshold=by)


def no_slice_worse_than(baseline: str, metric: str = "mae_days", *, by: float, least_rows: int) -> SliceGate:
    """In no slice is ``metric`` (lower is better, above 0) more than ``by`` times the baseline's. Slices with fewer rows are shown only."""
    claim = f"worst slice's {metric} divided by that of {baseline} there"
    return SliceGate(
        name="no_slice_much_worse", claim=claim, direction="at_most", threshold=by, baseline=baseline, metric=metric, least_rows=least_rows
    )


def data_quality() -> ClaimsGate:
    """No critical claim about the landed tables, the marts, the features or the training set failed."""
    claim = "critical claims about the tables behind it that failed"
    checks = ("landing", "marts", "features", "training_set")
    return ClaimsGate(name="data_quality_passed", claim=claim, direction="at_most", threshold=0.0, checks=checks)


def parity() -> ClaimsGate:
    """Online vectors equal their offline derivation."""
    claim = "sampled online vectors that differ from their offline derivation"
    return ClaimsGate(name="online_equals_offline", claim=claim, direction="at_most", threshold=0.0, checks=("parity",), counts="rows")


def no_leak() -> ClaimsGate:
    """The canary kept silent, and no feature row that was visible has changed since."""
    claim = "claims of the leak checks that failed: a planted outcome reaches no training row, no visible feature row was rewritten"
    checks = ("leaks_in_features", "leaks_in_training_set")
    return ClaimsGate(name="sees_no_future", claim=claim, direction="at_most", threshold=0.0, checks=checks)


def golden_rows_hold() -> GoldenRowsGate:
    """The bundle answers its golden rows as when it was sealed."""
    claim = "bundles that did not answer their golden rows again"
    return GoldenRowsGate(name="golden_rows_hold", claim=claim, direction="at_most", threshold=0.0)


def answers_within(*, milliseconds: float) -> LatencyGate:
    """The bundle's predictor answers one row in ``milliseconds`` (median of several hundred calls)."""
    claim = "median milliseconds of one row through the bundle's predictor"
    return LatencyGate(name="answers_in_time", claim=claim, direction="at_most", threshold=milliseconds)


def bundle_within(*, megabytes: float) -> SizeGate:
    """The bundle's files take at most ``megabytes`` (10^6 bytes) together: every worker of a service loads them."""
    return SizeGate(name="bundle_is_small", claim="megabytes of the bundle's files", direction="at_most", threshold=megabytes)


def _bound(better: Better) -> Literal["at_most", "at_least"]:
    return "at_most" if better == "lower" else "at_least"


def _beyond(better: Better) -> str:
    return "below" if better == "lower" else "above"


def _end(better: Better) -> str:
    return "upper" if better == "lower" else "lower"
