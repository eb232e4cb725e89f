"""From windows to a proposal: retrain, why, and under which name, so that one shift is proposed once."""

from collections.abc import Sequence

from tradewind_lifecycle.monitoring.standing import Proposal
from tradewind_lifecycle.monitoring.watching import WindowReport

WINDOWS_IN_A_ROW = 2
"""Windows in which the same monitor fires before a retrain is proposed. Chosen: a week may be a holiday; a shift stays."""


def proposal_of(reports: Sequence[WindowReport]) -> Proposal | None:
    """The proposal of a version's windows (oldest first), or None: no monitor fires in the newest ``WINDOWS_IN_A_ROW`` that it could judge.

    A monitor is looked at in the windows that it had anything to judge in: drift is known at once, errors once the truth is. Of them only
    those count that end after what the version knows: its predecessor's errors, still ripening, would call for a retrain again and again.
    """
    reports = [report for report in reports if report.is_news]
    since, reasons = [], {}
    for monitor in dict.fromkeys(finding.monitor for report in reports for finding in report.findings):
        judged = [(report, f) for report in reports for f in report.findings if f.monitor == monitor and f.value is not None]
        run = _run_of_firing(judged)
        if run >= WINDOWS_IN_A_ROW:
            since.append(judged[-run][0].first)
            newest, finding = judged[-1]
            reasons[monitor] = f"{monitor} since {judged[-run][0].first} (week of {newest.first}: {finding.reason})"
    if not reasons:
        return None
    network = next((report.network for report in reversed(reports) if report.network), "")
    text = "; ".join(reasons.values()) + (f". Beside it: {network}" if network else "")
    return Proposal(version=reports[-1].version, since=min(since), monitors=tuple(reasons), reason=text)


def _run_of_firing(judged: Sequence[tuple[WindowReport, object]]) -> int:
    """How many of the newest windows fire without a break."""
    run = 0
    for report, finding in reversed(judged):
        if finding not in report.fired:
            break
        run += 1
    return run


def proposals_over(reports: Sequence[WindowReport]) -> tuple[Proposal, ...]:
    """What would have been proposed as the windows came in, each shift once: at the first window at which it was proposed."""
    found: list[Proposal] = []
    before: Proposal | None = None
    for count in range(1, len(reports) + 1):
        now = proposal_of(reports[:count])
        if now is not None and before is None:
            found.append(now)
        before = now
    return tuple(found)
