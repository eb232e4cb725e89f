"""What the registry takes and gives: drafts, versions, moves of aliases. Frozen values, plain JSON inside."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from tradewind_contracts.digests import canonical_json
from tradewind_contracts.instants import iso
from tradewind_contracts.verdicts import CheckResult, Verdict

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Metrics = dict[str, float | None]
"""Metric by name, such as ``mae_days``; a value that could not be measured is None."""


def _plain(value: Mapping[str, Any]) -> Mapping[str, Any]:
    # PostgreSQL refuses NaN in JSON while SQLite keeps it: refuse it here, on both.
    try:
        canonical_json(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{error}; expected plain JSON, with null for what could not be measured") from error
    return value


class VersionDraft(BaseModel):
    """All that seals a version, but what the registry adds itself (number, bundle, instant)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    inputs_key: Digest
    """Digest of all that the bundle is a function of (data, code of the family, parameters, seed), and of the world. Unique per model."""
    world: str
    """The world that it was made in and may serve: aliases are per world."""
    purpose: str
    owner: str
    feature_service: str
    view_specs: dict[str, Digest]
    """Digest of the spec of each feature view in the service."""
    training_set_digest: Digest
    entity_rows_digest: Digest
    as_of: AwareDatetime
    commit: str
    """Commit of the code, empty outside of a repository."""
    tree_clean: bool
    lock_digest: Digest
    run_id: str
    """Dagster run that made it, empty when none did."""
    created_by: str = "tradewind"
    parameters: Annotated[dict[str, Any], AfterValidator(_plain)] = {}
    seed: int
    rows: int = Field(ge=0)
    """Rows of the holdout that the metrics were measured on."""
    metrics: Annotated[Metrics, AfterValidator(_plain)]
    """The first one but ``n`` is the main one: what ``list`` shows beside the baselines'."""
    baselines: Annotated[dict[str, Metrics], AfterValidator(_plain)] = {}
    """By name of the baseline: the same metrics on the same rows."""
    differences: Annotated[dict[str, Metrics], AfterValidator(_plain)] = {}
    """By baseline: the main metric of the model minus the baseline's, with ``low`` and ``high`` (95 %, paired)."""
    slices: Annotated[dict[str, dict[str, dict[str, Metrics]]], AfterValidator(_plain)] = {}
    """By dimension (``destination_state``), by value (``SP``), by name of the model and its baselines: metrics, with ``n``."""
    calibration: Annotated[Metrics, AfterValidator(_plain)] = {}
    """By nominal level (``0.9``): share of outcomes at or below that quantile, 0 to 1."""
    importance: Annotated[dict[str, float], AfterValidator(_plain)] = {}
    """By feature in the order of the vector: share of the total gain, 0 to 1."""
    quality: tuple[CheckResult, ...] = ()
    """Claims about the data that it was trained on."""
    gates: tuple[str, ...] = Field(min_length=1)
    """Names of the gates of its family: each needs a passed verdict before an alias may point here."""
    limits: tuple[str, ...] = ()
    """What it must not be used for, in sentences."""
    facts: Annotated[dict[str, Any], AfterValidator(_plain)] = {}
    """Further plain facts of its making (spans, counts); ``data_kind`` is ``real`` or ``simulated``."""
    intervals: Annotated[dict[str, Metrics], AfterValidator(_plain)] = {}
    """By metric of ``metrics``: its ``low`` and ``high`` (95 %, bootstrap over days). Empty in versions before revision r0003."""
    reference_shapes: Annotated[dict[str, Any], AfterValidator(_plain)] = {}
    """The distributions that drift is measured against, by feature and output (``tradewind_lifecycle.monitoring``). Empty before r0003."""


class Version(VersionDraft):
    """One sealed version, as its row says."""

    number: int = Field(ge=1)
    bundle_digest: Digest
    bundle_files: dict[str, Digest]
    """Each file of the bundle (relative POSIX path) and its digest."""
    created_at: AwareDatetime

    @property
    def reference(self) -> str:
        """Its name, such as ``eta@3``."""
        return f"{self.model}@{self.number}"


class VersionSummary(BaseModel):
    """A line of ``list``: what a person compares versions by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    number: int
    world: str
    data_kind: str
    """``real``, ``simulated``, or empty where nobody stated it."""
    created_at: AwareDatetime
    as_of: AwareDatetime
    metrics: Metrics
    baselines: dict[str, Metrics]
    bundle_digest: Digest
    run_id: str
    gates_passed: int
    gates_total: int
    aliases: tuple[str, ...] = ()
    """Aliases of its world that point to it."""

    @property
    def reference(self) -> str:
        """Its name, such as ``eta@3``."""
        return f"{self.model}@{self.number}"


class AliasMove(BaseModel):
    """One line of an alias's history; ``from_number`` is None for the first. ``world`` is the one that the alias belongs to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    world: str
    alias: str
    action: str
    """``promote`` or ``rollback``."""
    from_number: int | None
    to_number: int
    who: str
    why: str
    run_id: str
    moved_at: AwareDatetime

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if self.from_number == self.to_number:
            raise ValueError("a move goes from one version to another")
        return self


class Overrule(BaseModel):
    """A person's word against one failed verdict: until ``expires_at`` the version may be served in spite of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    number: int
    gate: str
    verdict_id: int
    """The row of the verdict that it answers. A later verdict of the gate is another one, and is not meant."""
    who: str
    why: str
    recorded_at: AwareDatetime
    expires_at: AwareDatetime

    def is_over(self, at: dt.datetime) -> bool:
        """Whether it has expired at ``at`` (zoned)."""
        return at >= self.expires_at


@dataclass(frozen=True)
class Judgement:
    """Where a version stands with one gate: the gate's last verdict, if any, and the last overrule of just that verdict, if any."""

    gate: str
    verdict: Verdict | None = None
    verdict_id: int | None = None
    overrule: Overrule | None = None

    def holds(self, at: dt.datetime) -> bool:
        """Whether the gate lets the version be served at ``at``: it passed, or a person overruled it and that has not expired."""
        return self.verdict is not None and (self.verdict.passed or (self.overrule is not None and not self.overrule.is_over(at)))

    def stands_on(self, at: dt.datetime) -> Overrule | None:
        """The overrule without which the gate would not hold at ``at``."""
        return self.overrule if self.verdict is not None and not self.verdict.passed and self.holds(at) else None

    def state(self, at: dt.datetime) -> str:
        """In a word: ``passed``, ``failed``, ``overruled``, ``overrule expired`` or ``not judged``."""
        if self.verdict is None:
            return "not judged"
        if self.verdict.passed:
            return "passed"
        if self.overrule is None:
            return "failed"
        return "overruled" if self.holds(at) else "overrule expired"

    @property
    def reason(self) -> str:
        """Why the gate is as it is, in words; of a failed gate also that its overrule expired."""
        if self.verdict is None:
            return "no verdict"
        if self.overrule is None:
            return self.verdict.reason
        return f"{self.verdict.reason} (overruled by {self.overrule.who} until {iso(self.overrule.expires_at)}: {self.overrule.why})"


class ExpiredOverrule(BaseModel):
    """An alias that points to a version which only an expired overrule let through: still served, and no longer allowed to be moved to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    world: str
    alias: str
    overrule: Overrule


class AuditEntry(BaseModel):
    """Something that was done, or refused: kept for ever."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    who: str
    action: str
    subject: str
    run_id: str
    detail: dict[str, Any] = {}


def main_metric(metrics: Metrics) -> str | None:
    """The name of the metric that versions are compared by: the first one that is not the count ``n``."""
    return next((name for name in metrics if name != "n"), None)


def latest_verdicts(verdicts: list[Verdict]) -> dict[str, Verdict]:
    """The verdict that counts for each gate: the last one recorded. ``verdicts`` in the order of recording."""
    return {verdict.gate: verdict for verdict in verdicts}


def as_utc(instant: dt.datetime) -> dt.datetime:
    """The same instant in UTC.

    Raises:
        ValueError: it carries no zone.
    """
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()}: an instant carries its zone")
    return instant.astimezone(dt.UTC)
