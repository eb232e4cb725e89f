"""One visit: every check in its order, and what each found."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tradewind_contracts.errors import TradewindError
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.doctor.aliases import check_champions, check_gates, check_history
from tradewind_lifecycle.doctor.bundles import check_bundles, check_orphans
from tradewind_lifecycle.doctor.database import check_database, check_journal
from tradewind_lifecycle.doctor.examination import Examination
from tradewind_lifecycle.doctor.findings import Finding, Severity
from tradewind_lifecycle.doctor.leftovers import check_disk, check_leftovers, check_run
from tradewind_lifecycle.doctor.logged import check_prediction_log
from tradewind_lifecycle.doctor.sealed import check_training_sets
from tradewind_lifecycle.doctor.served import check_bento, check_features, check_service

Check = Callable[[Examination], Iterable[Finding]]

CHECKS: tuple[Check, ...] = (
    check_database,
    check_journal,
    check_bundles,
    check_orphans,
    check_gates,
    check_champions,
    check_history,
    check_training_sets,
    check_features,
    check_bento,
    check_service,
    check_prediction_log,
    check_leftovers,
    check_run,
    check_disk,
)
"""In the order in which they are made and mended: the database first, as the others ask it."""


@dataclass(frozen=True)
class Diagnosis:
    """What was looked at, and what was found."""

    world: str
    home: str
    looked: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong; notes are no faults."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)


def diagnose(settings: Settings, *, who: str, deep: bool = False, clock: Clock | None = None) -> Diagnosis:
    """Look at the world of ``settings`` and the registry; changes nothing.

    ``who`` is kept in the audit by a mend. ``deep`` reads every bundle and every entry of the journal, and asks Feast. A check that can't
    look says so in a finding and keeps none of the others from looking.
    """
    exam = Examination(settings, who, deep, clock or Clock())
    findings: list[Finding] = []
    try:
        for check in CHECKS:
            findings += _found(check, exam)
    finally:
        if exam.registry is not None:
            exam.registry.close()
    return Diagnosis(settings.world_name, str(settings.paths.home), tuple(exam.looked), tuple(findings))


def _found(check: Check, exam: Examination) -> list[Finding]:
    name = check.__name__.removeprefix("check_").replace("_", " ")
    try:
        return list(check(exam))
    except (TradewindError, OSError, ValueError) as error:
        return [
            Finding(
                name,
                Severity.CRITICAL,
                f"this can't be looked at: {error}",
                name,
                "what can't be read can't be relied on",
                "mend what it says, then look again",
            )
        ]
