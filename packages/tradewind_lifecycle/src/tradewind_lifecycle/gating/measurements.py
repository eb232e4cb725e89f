"""What gates are measured by, gathered before the first is judged; and what measuring one gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tradewind_contracts.verdicts import CheckResult

Json = dict[str, Any]


@dataclass(frozen=True)
class Paired:
    """A mean difference of two models on the same rows and its 95 % interval; NaN where it can't be told."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class BundleMeasured:
    """What opening a bundle gave. ``broken``: why its golden rows did not hold; empty where they did.

    ``call_ms`` are the milliseconds of single-row calls after the warm-up, ``load_ms`` those of loading it, golden rows included.
    """

    broken: str = ""
    megabytes: float | None = None
    load_ms: float | None = None
    call_ms: tuple[float, ...] = ()


@dataclass(frozen=True)
class Measurements:
    """Everything that the gates of one version look at.

    ``model`` is its own name in ``evaluation`` (the form of ``tradewind_contracts.gates``). ``champion``: by metric, this version
    minus the champion on this version's holdout; or why there is nothing to compare with, which passes. ``beside``: the number that the
    champion had then, None without one. ``claims``: by check its results, or why it was not made, which fails. ``bundle``: what was
    measured of it, or why nothing was.
    """

    model: str
    evaluation: Mapping[str, Any]
    champion: Mapping[str, Paired] | str
    claims: Mapping[str, Sequence[CheckResult] | str] = field(default_factory=dict)
    bundle: BundleMeasured | str = "no bundle was opened"
    beside: int | None = None


@dataclass(frozen=True)
class Outcome:
    """One gate measured: ``value`` (None: it was not), a detail for the reason, an interval, and what its plot is drawn from.

    ``spared``: why it passes with nothing to measure.
    """

    value: float | None
    detail: str = ""
    interval: tuple[float, float] | None = None
    evidence: Json = field(default_factory=dict)
    spared: str = ""
