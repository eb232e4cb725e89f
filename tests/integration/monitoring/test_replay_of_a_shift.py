"""A replay of a frozen version over a shift that was planted: quiet before it, and one proposal once it goes on."""

import datetime as dt
from pathlib import Path

import eta_world
import pyarrow as pa
import pytest
from eta_world import FIRST

from tradewind_contracts.errors import SettingsError
from tradewind_contracts.settings import Settings
from tradewind_lifecycle import feature_store
from tradewind_lifecycle.monitoring.pages import write_pages
from tradewind_lifecycle.monitoring.proposing import proposals_over
from tradewind_lifecycle.monitoring.standing import read_standing
from tradewind_lifecycle.monitoring.watch import Watch, watch_replay
from tradewind_lifecycle.monitoring.watching import WindowReport
from tradewind_models.eta.monitors import LIVE_MONITORS

SHIFT = dt.datetime(2018, 4, 16, 3, tzinfo=dt.UTC)
FROZEN = dt.datetime(2018, 4, 2, 3, tzinfo=dt.UTC)
END = dt.datetime(2018, 5, 7, 3, tzinfo=dt.UTC)


def labels() -> pa.Table:
    """Parcels that take 1.8 times as long from SHIFT on; the truth of all is known by the end."""
    table = eta_world.parcels(6000)
    until = FIRST + dt.timedelta(days=eta_world.DAYS + 60)
    rows = []
    for row in table.to_pylist():
        if row["event_timestamp"] >= SHIFT and row["outcome_at"] is not None:
            row["duration_days"] *= 1.8
            row["outcome_at"] = row["event_timestamp"] + dt.timedelta(days=row["duration_days"])
        rows.append(row | {"observed_until_at": until})
    return pa.Table.from_pylist(rows, schema=table.schema)


def of_errors(found: Watch) -> list[WindowReport]:
    """The windows with the monitors of errors only: made-up features jump from day to day, which is drift."""
    live = {gate.name for gate in LIVE_MONITORS}
    return [report.model_copy(update={"findings": tuple(f for f in report.findings if f.monitor in live)}) for report in found.served]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Watch:
    settings = eta_world.publish_world(tmp_path_factory.mktemp("replay") / "home", labels())
    feature_store.apply(settings)
    with pytest.raises(SettingsError, match="it has not seen the span"):
        watch_replay(settings, FROZEN, END, SHIFT)
    return watch_replay(settings, FROZEN, END, FROZEN)


def test_the_weeks_before_the_shift_are_quiet_and_those_after_it_are_not(replayed: Watch) -> None:
    fired = {report.first: {finding.monitor for finding in report.fired} for report in of_errors(replayed)}
    assert [first for first, names in fired.items() if not names] == ["2018-04-02", "2018-04-09"]
    assert all({"is_not_biased", "is_seldom_overdue"} <= names for first, names in fired.items() if first >= "2018-04-16")


def test_one_retrain_would_have_been_proposed_and_each_week_was_judged_as_it_became_ripe(replayed: Watch) -> None:
    (shift,) = proposals_over(of_errors(replayed))
    assert shift.since == "2018-04-16"
    assert "too early" in shift.reason
    assert [report.live.known_at - END for report in replayed.served][-1] == dt.timedelta(days=28)


def test_a_replay_is_no_standing_of_the_world(replayed: Watch, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, source="olist")
    _, page = write_pages(replayed, settings)
    assert "retrain would have been proposed" in page.read_text(encoding="utf-8")
    assert read_standing(settings, "eta") is None
