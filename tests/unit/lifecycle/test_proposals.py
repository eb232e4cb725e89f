"""A shift is proposed when it goes on for two windows, once, and again only after it was over."""

import datetime as dt

from tradewind_lifecycle.monitoring.drift import Drift
from tradewind_lifecycle.monitoring.judging import Finding, State
from tradewind_lifecycle.monitoring.live import Live
from tradewind_lifecycle.monitoring.proposing import proposal_of, proposals_over
from tradewind_lifecycle.monitoring.watching import WindowReport

NOW = dt.datetime(2018, 6, 4, tzinfo=dt.UTC)


def weeks(states: str) -> list[WindowReport]:
    """A week per letter: f fires, q is quiet, n has nothing to judge."""
    reports = []
    for number, letter in enumerate(states):
        state = {"f": State.FIRES, "q": State.QUIET, "n": State.NOTHING}[letter]
        value = None if letter == "n" else 0.2
        finding = Finding(monitor="is_not_biased", claim="c", state=state, value=value, threshold=0.1, reason=f"reason {number}")
        day = dt.date(2018, 1, 1) + dt.timedelta(days=7 * number)
        reports.append(
            WindowReport(
                version="eta@3",
                first=day.isoformat(),
                last=(day + dt.timedelta(days=6)).isoformat(),
                drift=Drift(rows=500, inputs=(), unknown=(), stale=(), outputs=()),
                live=Live(known_at=NOW, asked=500, parcels=500, delivered=500, under_way=0),
                network="no harder than when the version was judged",
                findings=(finding,),
            )
        )
    return reports


def test_one_bad_week_or_one_that_is_over_proposes_nothing() -> None:
    assert [proposal_of(weeks(states)) for states in ("qqqf", "fqf", "ffq", "nnn", "")] == [None] * 5


def test_two_weeks_running_propose_a_retrain_that_names_the_monitor_the_onset_and_what_stands_beside_it() -> None:
    found = proposal_of(weeks("qffnn"))
    assert found is not None
    assert (found.key, found.monitors) == ("eta@3, since 2018-01-08", ("is_not_biased",))
    assert "reason 2" in found.reason
    assert "no harder than" in found.reason


def test_each_shift_of_a_replay_is_proposed_once() -> None:
    assert [shift.since for shift in proposals_over(weeks("qfffqfffq"))] == ["2018-01-08", "2018-02-05"]


def test_weeks_that_the_champion_knows_already_do_not_call_for_the_next_one() -> None:
    seen, news = {"is_news": False}, {"is_news": True}
    reports = [report.model_copy(update=known) for report, known in zip(weeks("ffff"), (seen, seen, seen, news), strict=True)]
    assert proposal_of(reports) is None, "its predecessor's errors ripen after the retrain; the first week of its own says nothing yet"
    reports[2] = reports[2].model_copy(update=news)
    found = proposal_of(reports)
    assert found is not None
    assert found.since == "2018-01-15"
