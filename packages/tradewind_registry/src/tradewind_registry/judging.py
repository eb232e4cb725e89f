"""Judging: verdicts of gates are recorded, and a person may overrule one that failed, for a while."""

import datetime as dt
from collections.abc import Iterable

from tradewind_contracts.errors import NotFoundError, SettingsError
from tradewind_contracts.instants import iso
from tradewind_contracts.verdicts import Verdict
from tradewind_registry import moves, queries
from tradewind_registry.records import Judgement, Overrule, Version, as_utc
from tradewind_registry.rows import overrule_record, verdict_row
from tradewind_registry.schema import OverruleRow
from tradewind_registry.writing import RegistryWriter

LONGEST_OVERRULE = dt.timedelta(days=90)
"""How far ahead an overrule may expire. Chosen: a season; what is wrong for longer is the gate, and that is changed in the family's code."""


class RegistryJudge(RegistryWriter):
    """The writes that say whether a version may be served."""

    def record_verdicts(self, model: str, number: int, verdicts: Iterable[Verdict], *, who: str = "tradewind", run_id: str = "") -> None:
        """Add outcomes of gates to a version; of each gate the last counts, and earlier ones stay.

        A verdict that says the same as the last one of its gate is not recorded again.

        Raises:
            NotFoundError: there is no such version.
        """
        with self._database.writing() as session:
            self._lock(session, model)
            version = queries.version_named(session, model, number)
            known = {one.gate: one.verdict for one in queries.judgements_of(session, version)}
            fresh = [verdict for verdict in verdicts if not _same(known.get(verdict.gate), verdict)]
            for verdict in fresh:
                session.add(verdict_row(model, number, verdict, run_id, self._clock.now()))
                session.flush()
            if fresh:
                self._audit(session, "verdicts", f"{model}@{number}", who, run_id, {v.gate: v.passed for v in fresh})
        if fresh:
            self._journal.note_version(self._database, model, number)

    def overrule(self, model: str, number: int, gate: str, *, why: str, who: str, expires_at: dt.datetime) -> Overrule:
        """Let a version be served until ``expires_at`` (zoned) although ``gate`` failed; meant is the gate's last verdict, and no later one.

        Of several overrules of one verdict the last counts, so what was granted can be shortened too.

        Raises:
            SettingsError: no reason, nobody's name, a gate that passed, was never judged or does not exist, or an instant that is not
                within ``LONGEST_OVERRULE`` from now.
            NotFoundError: there is no such version.
        """
        moves.check_reason(why, who)
        with self._database.writing() as session:
            self._lock(session, model)
            version = queries.version_named(session, model, number)
            verdict_id = _failed_verdict(version, queries.judgements_of(session, version), gate)
            now = self._not_before(session)
            row = OverruleRow(
                model=model,
                number=number,
                gate=gate,
                verdict_id=verdict_id,
                who=who,
                why=why,
                recorded_at=now,
                expires_at=_within(now, expires_at),
            )
            session.add(row)
            session.flush()
            made = overrule_record(row)
            self._audit(session, "overrule", version.reference, who, "", moves.told(made))
        self._journal.note_version(self._database, model, number)
        return made


def _same(known: Verdict | None, verdict: Verdict) -> bool:
    return known is not None and moves.said(known) == moves.said(verdict)


def _failed_verdict(version: Version, judgements: list[Judgement], gate: str) -> int:
    found = next((one for one in judgements if one.gate == gate), None)
    failed = ", ".join(one.gate for one in judgements if one.verdict is not None and not one.verdict.passed) or "none"
    if found is None:
        raise NotFoundError(
            f"{version.reference} has no gate {gate!r}; its gates: {', '.join(one.gate for one in judgements)}; failed: {failed}"
        )
    if found.verdict is None or found.verdict_id is None:
        raise SettingsError(f"{version.reference}: gate {gate} was never judged; only a failed verdict can be overruled (failed: {failed})")
    if found.verdict.passed:
        raise SettingsError(
            f"{version.reference}: gate {gate} passed ({found.verdict.reason}); there is nothing to overrule (failed: {failed})"
        )
    return found.verdict_id


def _within(now: dt.datetime, expires_at: dt.datetime) -> dt.datetime:
    try:
        instant = as_utc(expires_at)
    except ValueError as error:
        raise SettingsError(f"expires_at: {error}") from error
    latest = now + LONGEST_OVERRULE
    if not now < instant <= latest:
        raise SettingsError(
            f"expires_at: expected an instant after now ({iso(now)}) and at most {LONGEST_OVERRULE.days} days ahead "
            f"(until {iso(latest)}), found {iso(instant)}"
        )
    return instant
