"""Watching: the windows of a log, version by version, judged by the family's monitors with the truth as known at an instant."""

import datetime as dt
from collections.abc import Iterable, Sequence

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from tradewind_contracts.settings import Settings
from tradewind_lifecycle import labels
from tradewind_lifecycle.holdouts import LaneQuantiles, frame_of, lane_quantiles
from tradewind_lifecycle.monitoring.drift import Drift, drift_of
from tradewind_lifecycle.monitoring.judging import Finding, Sealed, State, findings_of_drift, findings_of_live, nothing
from tradewind_lifecycle.monitoring.live import Live, live_of
from tradewind_lifecycle.monitoring.shapes import between
from tradewind_lifecycle.monitoring.watched import Watched
from tradewind_lifecycle.monitoring.windows import Window, flat
from tradewind_models.eta import EtaConfig, TooFewRowsError, monitors

RIPE = dt.timedelta(days=monitors.RIPE_DAYS)
HARDER = 1.1
"""From this ratio of the lane median's errors a window is called bad for everybody. Chosen: beyond its wobble in the quiet weeks of 2017."""
CLAIMED = {"coverage": monitors.CLAIMED_COVERAGE, "overdue": monitors.CLAIMED_OVERDUE, "median": 0.5}


class WindowReport(BaseModel):
    """One version in one window: what was measured and what its monitors say. ``network``: what the naive baseline says of the same rows. ``first`` and ``last`` are local dates, both in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    first: str
    last: str
    drift: Drift
    live: Live
    network: str
    findings: tuple[Finding, ...]
    is_news: bool = True
    """Whether any of it is later than what the version knows: what a version has seen already is no reason to make the next one."""

    @property
    def fired(self) -> tuple[Finding, ...]:
        """The monitors that fire."""
        return tuple(finding for finding in self.findings if finding.state is State.FIRES)

    @property
    def judged(self) -> bool:
        """Whether there was anything to judge."""
        return any(finding.state is not State.NOTHING for finding in self.findings)


class Truth:
    """The labels of a world as they were known at any instant, and the lane medians of then."""

    def __init__(self, every: pa.Table) -> None:
        self._every = every
        self._lanes: dict[dt.datetime, LaneQuantiles | None] = {}

    @classmethod
    def read(cls, settings: Settings) -> "Truth":
        """The published labels.

        Raises:
            StateError: none are published.
        """
        return cls(labels.read_labels(settings))

    @property
    def until(self) -> dt.datetime | None:
        """The instant up to which the labels show anything; None without any."""
        return self._every["observed_until_at"][0].as_py() if self._every.num_rows else None

    def known_at(self, instant: dt.datetime) -> pa.Table:
        """The label rows as known at ``instant``."""
        return labels.known_at(self._every, instant)

    def lanes_at(self, instant: dt.datetime) -> LaneQuantiles | None:
        """The lane quantiles of what had been delivered by ``instant``; None where nothing had."""
        if instant not in self._lanes:
            known = self.known_at(instant)
            try:
                frame = frame_of(known, EtaConfig().model_copy(update={"features": ()}), instant)
                self._lanes[instant] = lane_quantiles(known, frame, instant)
            except TooFewRowsError:
                self._lanes[instant] = None
        return self._lanes[instant]


def judge_windows(
    log: pa.Table, watched: Watched, windows: Iterable[Window], truth: Truth, now: dt.datetime, zone: str, *, as_it_went: bool = False
) -> list[WindowReport]:
    """Judge each window of a version's log rows.

    The truth is what was known at ``now``; with ``as_it_went``, for a replay, at the instant at which the window had just become ripe. Never
    later than what the labels show: where landing lags, a parcel is not called overdue because nobody has landed its delivery.
    """
    if truth.until is not None:
        now = min(now, truth.until)
    rows = flat(log, watched.inputs, watched.views)
    reports = []
    for window in windows:
        known_at = min(now, window.end + RIPE) if as_it_went else now
        found = between(rows, window.start, window.end)
        reports.append(_report(found, watched, window, truth, known_at, zone))
    return reports


def beside_the_lane_median(live: Live, sealed: Sealed) -> str:
    """Whether the window was harder for everybody: the lane median's live error beside its sealed one; empty where that can't be said."""
    if live.lane_mae_days is None or live.mae_days is None or not sealed.lane_mae_days:
        return ""
    harder = live.lane_mae_days / sealed.lane_mae_days
    beaten = "the model still errs less" if live.mae_days < live.lane_mae_days else "the model errs more"
    if harder >= HARDER:
        return f"a bad window for everybody: the lane median errs {harder:.2f} times as much as when the version was judged; {beaten}"
    return f"no harder than when the version was judged: the lane median errs {harder:.2f} times as much; {beaten}"


def newest_state(reports: Sequence[WindowReport], monitor: str) -> Finding | None:
    """What ``monitor`` says of the newest window in which it had anything to judge; None where it never had."""
    for report in reversed(reports):
        for finding in report.findings:
            if finding.monitor == monitor and finding.state is not State.NOTHING:
                return finding
    return None


def _sealed(watched: Watched) -> Sealed:
    mean_days = watched.shapes.get("outcomes", {}).get("mean_days")
    return Sealed(mae_days=watched.mae_days, lane_mae_days=watched.lane_mae_days, mean_days=mean_days)


def _report(rows: pa.Table, watched: Watched, window: Window, truth: Truth, known_at: dt.datetime, zone: str) -> WindowReport:
    live = live_of(rows, truth.known_at(known_at), truth.lanes_at(window.start), known_at)
    ripe = known_at >= window.end + RIPE
    if watched.unreadable:
        drift = Drift(rows=rows.num_rows, inputs=(), unknown=(), stale=(), outputs=())
        drifted = nothing(monitors.DRIFT_MONITORS, watched.unreadable)
    else:
        drift = drift_of(rows, watched.shapes)
        drifted = findings_of_drift(monitors.DRIFT_MONITORS, drift, monitors.LEAST_ROWS)
    lived = findings_of_live(monitors.LIVE_MONITORS, live, _sealed(watched), CLAIMED, monitors.LEAST_ROWS, ripe)
    first, last = window.dates(zone)
    return WindowReport(
        version=watched.name,
        first=first,
        last=last,
        drift=drift,
        live=live,
        network=beside_the_lane_median(live, _sealed(watched)),
        findings=(*drifted, *lived),
        is_news=window.end > watched.as_of,
    )
