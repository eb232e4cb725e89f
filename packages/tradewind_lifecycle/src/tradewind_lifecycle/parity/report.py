"""What parity found: feature by feature, with the reasons of what differs, and the same as claims of a suite."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tradewind_contracts.instants import iso
from tradewind_contracts.verdicts import CheckResult, Severity

SUITE = "parity"
TOLERANCE = 1e-6
"""Greatest difference, absolute below 1 and relative above, that rounding may make (design: Features)."""
RECORDS_LEAST = 2
"""Materializations that are compared at least."""
VECTORS_LEAST = 1_000
"""Vectors that are compared, unless fewer parcels were ever ordered."""


@dataclass(frozen=True)
class FeatureParity:
    """One feature over all vectors compared; ``samples``: at most five of the values that differ, with their reason."""

    view: str
    feature: str
    vectors: int
    differing: int
    greatest: float
    """Greatest difference of two numbers."""
    nulls_online: int
    nulls_offline: int
    reasons: dict[str, int] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Compared:
    """One record that was compared: its instant and vectors."""

    at: dt.datetime
    vectors: int
    published: dict[str, str]
    """Dataset by view."""


@dataclass(frozen=True)
class ParityReport:
    """What was compared and how it came out. ``dropped``: records that can't be judged any more, instant → why.

    ``stale``: views whose online rows are not of what is registered now, view → (online, registered). ``parcels``: how many there were
    to ask about.
    """

    service: str
    compared: list[Compared]
    dropped: dict[str, str]
    features: list[FeatureParity]
    stale: dict[str, tuple[dict[str, str] | None, dict[str, str]]]
    views: list[str]
    parcels: int

    @property
    def vectors(self) -> int:
        """Vectors compared."""
        return sum(record.vectors for record in self.compared)

    @property
    def is_enough(self) -> bool:
        """Whether it is a thousand vectors of two materializations, or all that there could be."""
        return len(self.compared) >= RECORDS_LEAST and self.vectors >= min(VECTORS_LEAST, RECORDS_LEAST * self.parcels)

    @property
    def passed(self) -> bool:
        """Whether nothing differs; too few vectors are said and no failure."""
        return not self.stale and not any(found.differing for found in self.features)


def results_of(report: ParityReport) -> list[CheckResult]:
    """The report as claims of the suite "parity"; the table of a claim is its view, or the feature service."""
    results = [_enough(report)]
    results += [_origin(view, report) for view in report.views]
    results += [_of_feature(found) for found in report.features]
    return results + [_null_share(view) for view in summary(report)]


def _enough(report: ParityReport) -> CheckResult:
    observed = {
        "vectors": report.vectors,
        "instants": [iso(record.at) for record in report.compared],
        "parcels_to_ask_about": report.parcels,
        "dropped": report.dropped,
    }
    return CheckResult(
        suite=SUITE,
        table=report.service,
        claim=f"at least {VECTORS_LEAST:,} served vectors of {RECORDS_LEAST} materializations or more are compared, or all that there are",
        severity=Severity.WARNING,
        passed=report.is_enough,
        rows=report.vectors,
        observed=observed,
    )


def _origin(view: str, report: ParityReport) -> CheckResult:
    online, registered = report.stale.get(view, (None, None))
    return CheckResult(
        suite=SUITE,
        table=view,
        claim="the online store holds what is published, as of the clock",
        severity=Severity.CRITICAL,
        passed=view not in report.stale,
        rows=1,
        failing_rows=int(view in report.stale),
        observed={"online": online, "registry": registered} if view in report.stale else None,
    )


def _of_feature(found: FeatureParity) -> CheckResult:
    return CheckResult(
        suite=SUITE,
        table=found.view,
        claim=f"{found.feature}: online equals offline within {TOLERANCE:g}, null where it is null",
        severity=Severity.CRITICAL,
        passed=found.differing == 0,
        rows=found.vectors,
        failing_rows=found.differing,
        observed={
            "greatest_difference": found.greatest,
            "nulls_online": found.nulls_online,
            "nulls_offline": found.nulls_offline,
            **({"reasons": found.reasons} if found.reasons else {}),
        },
        samples=found.samples,
    )


@dataclass(frozen=True)
class ViewParity:
    """One view over all vectors compared. ``differing``: values; null shares are of all its values; ``reasons``: the most frequent first."""

    view: str
    vectors: int
    features: int
    differing: int
    null_share_online: float
    null_share_offline: float
    null_gap: int
    """Nulls more on one side, feature by feature."""
    reasons: list[str]


def summary(report: ParityReport) -> list[ViewParity]:
    """The report by view, in the service's order."""
    return [_summed_view(view, report) for view in dict.fromkeys(found.view for found in report.features)]


def _summed_view(view: str, report: ParityReport) -> ViewParity:
    own = [found for found in report.features if found.view == view]
    values = sum(found.vectors for found in own)
    reasons = sum((Counter(found.reasons) for found in own), Counter[str]())
    return ViewParity(
        view=view,
        vectors=report.vectors,
        features=len(own),
        differing=sum(found.differing for found in own),
        null_share_online=sum(found.nulls_online for found in own) / values,
        null_share_offline=sum(found.nulls_offline for found in own) / values,
        null_gap=sum(abs(found.nulls_online - found.nulls_offline) for found in own),
        reasons=[f"{reason} ({count:,})" for reason, count in reasons.most_common()],
    )


def _null_share(view: ViewParity) -> CheckResult:
    return CheckResult(
        suite=SUITE,
        table=view.view,
        claim="the share of nulls online is that offline, feature by feature",
        severity=Severity.CRITICAL,
        passed=view.null_gap == 0,
        rows=view.vectors,
        failing_rows=view.null_gap,
        observed={"online": view.null_share_online, "offline": view.null_share_offline},
    )
