"""Between rows and records: the only place that knows both forms."""

import datetime as dt
from typing import Any

from tradewind_contracts.verdicts import Verdict
from tradewind_registry.records import AliasMove, AuditEntry, Overrule, Version, VersionDraft
from tradewind_registry.schema import AliasHistoryRow, AuditRow, OverruleRow, VerdictRow, VersionRow


def version_row(draft: VersionDraft, number: int, bundle_digest: str, bundle_files: dict[str, str], at: dt.datetime) -> VersionRow:
    """The row that seals ``draft`` as version ``number``."""
    plain: dict[str, Any] = draft.model_dump(mode="json", exclude={"as_of"})
    return VersionRow(**plain, as_of=draft.as_of, number=number, bundle_digest=bundle_digest, bundle_files=bundle_files, created_at=at)


def version_record(row: VersionRow) -> Version:
    """The version that ``row`` seals."""
    return Version.model_validate({name: getattr(row, name) for name in Version.model_fields})


def verdict_row(model: str, number: int, verdict: Verdict, run_id: str, at: dt.datetime) -> VerdictRow:
    """The row of a gate's outcome."""
    return VerdictRow(
        model=model,
        number=number,
        gate=verdict.gate,
        passed=verdict.passed,
        run_id=run_id,
        recorded_at=at,
        verdict=verdict.model_dump(mode="json"),
    )


def verdict_record(row: VerdictRow) -> Verdict:
    """The gate's outcome in ``row``."""
    return Verdict.model_validate(row.verdict)


def overrule_record(row: OverruleRow) -> Overrule:
    """The overrule in ``row``."""
    return Overrule.model_validate({name: getattr(row, name) for name in Overrule.model_fields})


def move_record(row: AliasHistoryRow) -> AliasMove:
    """The move in ``row``."""
    return AliasMove.model_validate({name: getattr(row, name) for name in AliasMove.model_fields})


def audit_record(row: AuditRow) -> AuditEntry:
    """The entry in ``row``."""
    return AuditEntry.model_validate({name: getattr(row, name) for name in AuditEntry.model_fields})
