"""What was claimed and how it turned out: quality checks and gates share one form."""

import datetime as dt
import enum
import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Severity(enum.StrEnum):
    """What a failure does: ``critical`` stops the stage, ``warning`` is shown and kept."""

    CRITICAL = "critical"
    WARNING = "warning"


class CheckResult(BaseModel):
    """One claim about a table: whether it held, on how many rows, and samples of the rows that broke it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: str
    table: str
    claim: str
    severity: Severity
    passed: bool
    rows: int
    failing_rows: int = 0
    observed: Any = None
    samples: list[dict[str, Any]] = []
    """At most five failing rows or values; columns of personal-data class ``direct`` are left out."""


class Gate(BaseModel):
    """A condition for a version to be served: ``value`` must be at most / at least ``threshold``.

    What is measured is said by the kinds of gates (``tradewind_contracts.gates``); this one alone is measured by nobody.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    claim: str
    direction: Literal["at_most", "at_least"]
    threshold: float


class Verdict(BaseModel):
    """A gate's outcome for one version, with the reason in words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gate: str
    claim: str
    passed: bool
    value: float | None
    threshold: float
    reason: str
    decided_at: dt.datetime
    interval: tuple[float, float] | None = None
    """95 % paired bootstrap interval of ``value``, where the gate compares two models."""
    evidence: dict[str, Any] = {}
    """What the verdict's plot is drawn from: plain JSON, a few kilobytes at most, so that a card needs nothing but the registry's rows."""


def judge(
    gate: Gate,
    value: float | None,
    decided_at: dt.datetime,
    detail: str = "",
    interval: tuple[float, float] | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> Verdict:
    """The verdict of ``gate`` on ``value``; a value that is absent, NaN or infinite fails."""
    found = value if value is not None and math.isfinite(value) else None
    passed = found is not None and (found <= gate.threshold if gate.direction == "at_most" else found >= gate.threshold)
    sign = "≤" if gate.direction == "at_most" else "≥"
    measured = "not measured" if found is None else f"{found:.4g}"
    reason = f"{measured} {'is' if passed else 'is not'} {sign} {gate.threshold:.4g}" + (f"; {detail}" if detail else "")
    return Verdict(
        gate=gate.name,
        claim=gate.claim,
        passed=passed,
        value=found,
        threshold=gate.threshold,
        reason=reason,
        decided_at=decided_at,
        interval=interval,
        evidence=dict(evidence or {}),
    )
