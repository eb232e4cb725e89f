"""From what services logged to live errors per version, checks in the graph and one proposal: in the assets that the night runs."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pytest
import watched_world
from watched_world import RIPE, SHIFT, YOUNG

from tradewind_contracts.ids import pseudonym
from tradewind_contracts.settings import Settings, use
from tradewind_lifecycle.monitoring.judging import State
from tradewind_lifecycle.monitoring.live import Live
from tradewind_lifecycle.monitoring.pages import text_of
from tradewind_lifecycle.monitoring.watch import Watch, watch
from tradewind_lifecycle.predictions import land_rows
from tradewind_models.eta.monitors import DRIFT_MONITORS, LIVE_MONITORS

DRIFT_NAMES, LIVE_NAMES = ([gate.name for gate in gates] for gates in (DRIFT_MONITORS, LIVE_MONITORS))
KEY = "a key of the deployment"


@dataclass(frozen=True)
class Night:
    """What the assets of a night left: metadata of both, each check by name, and what the sensor then said."""

    metadata: dict[str, dict[str, Any]]
    checks: dict[str, dg.AssetCheckEvaluation]
    tick: dg.SensorResult


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    from dagster_project.execution import prepare_manifest

    prepare_manifest(use(source="olist"))
    from dagster_project.definitions import defs

    return defs


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, pa.Table]:
    return watched_world.publish_world(tmp_path_factory.mktemp("quiet") / "home")


@pytest.fixture(scope="module")
def shifted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, pa.Table]:
    return watched_world.publish_world(tmp_path_factory.mktemp("shifted") / "home", shift=1.7)


def night(defs: dg.Definitions, settings: Settings, now: dt.datetime, cursor: str | None = None) -> Night:
    """Land the log and watch it, as the job refresh does, with the world's clock at ``now``; then ask the sensor."""
    watched_world.set_clock(settings, now)
    use(**settings.model_dump())
    keys = [dg.AssetKey(name.split("/")) for name in ("landing/predictions", "monitoring/eta_drift", "monitoring/eta_live")]
    result = defs.resolve_job_def("refresh").execute_in_process(asset_selection=keys)
    made = {event.asset_key.to_user_string(): event.materialization for event in result.get_asset_materialization_events()}
    context = dg.build_sensor_context(cursor=cursor, resources={"settings": settings})
    tick = defs.resolve_sensor_def("shifts")(context)
    assert isinstance(tick, dg.SensorResult)
    return Night(
        metadata={name: {key: value.value for key, value in event.metadata.items()} for name, event in made.items()},
        checks={found.check_name: found for found in result.get_asset_check_evaluations()},
        tick=tick,
    )


def by_hand(labels: pa.Table, version: int | None, first: dt.datetime, now: dt.datetime) -> dict[str, float]:
    """The live numbers of a version's week (None: of all versions), parcel by parcel, from the labels alone."""
    until = first + dt.timedelta(days=7)
    every = labels.to_pylist()
    asked = [row for row in every if first <= row["event_timestamp"] < until and version in (None, watched_world.version_of(row))]
    lanes: dict[tuple[str, str], list[float]] = {}
    for row in every:
        if row["outcome_at"] is not None and row["outcome_at"] < first:
            lanes.setdefault((row["origin_state"], row["destination_state"]), []).append(row["duration_days"])
    known = [row for row in asked if row["outcome_at"] is not None and row["outcome_at"] < now]
    ages = [(now - row["event_timestamp"]).total_seconds() / 86_400 for row in asked]
    weight, wrong, lane, early, within = [], [], [], [], []
    for row in known:
        p10, p50, p90 = watched_world.answer(row, watched_world.version_of(row))
        took = row["duration_days"]
        seen = sum(age >= took for age in ages) / len(ages)
        weight.append(1 / max(seen, 0.05))
        wrong.append(abs(took - p50))
        lane.append(abs(took - float(np.median(lanes[row["origin_state"], row["destination_state"]]))))
        early.append(took <= p50)
        within.append(p10 <= took <= p90)
    passed = [row for row, age in zip(asked, ages, strict=True) if age >= p90_of(row)]
    late = [row for row in passed if row not in known or row["duration_days"] > p90_of(row)]
    mean = lambda values: sum(w * v for w, v in zip(weight, values, strict=True)) / sum(weight)  # noqa: E731 (one line, used four times)
    return {
        "parcels": len(asked),
        "delivered": len(known),
        "mae_days": mean(wrong),
        "lane_mae_days": mean(lane),
        "below_p50": mean(early),
        "coverage": mean(within),
        "overdue": len(late) / len(passed),
    }


def p90_of(row: dict[str, Any]) -> float:
    return watched_world.answer(row, watched_world.version_of(row))[2]


def hashed_in(*columns: str) -> watched_world.Form:
    return lambda column, value: pseudonym(KEY, column, value) if column in columns else value


def said(live: Live) -> dict[str, Any]:
    return {name: getattr(live, name) for name in ("parcels", "delivered", "mae_days", "lane_mae_days", "below_p50", "coverage", "overdue")}


def monday(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(hour=3, tzinfo=dt.UTC)


def states(found: Watch, monitor: str) -> dict[str, State]:
    return {report.first: next(f.state for f in report.findings if f.monitor == monitor) for report in found.served}


def test_a_world_without_a_log_is_skipped_with_one_line_and_fails_no_check(
    defs: dg.Definitions, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings, _ = watched_world.publish_world(tmp_path_factory.mktemp("silent") / "home")
    found = night(defs, settings, YOUNG)
    line = "world olist has no landed answer from 2018-01-08"
    assert found.metadata["landing/predictions"]["dagster/row_count"] == 0
    for name in ("monitoring/eta_drift", "monitoring/eta_live"):
        assert line in found.metadata[name]["skipped"]
    monitors = [found.checks[name] for name in (*DRIFT_NAMES, *LIVE_NAMES)]
    assert all(check.passed and not check.metadata["judged"].value and line in str(check.description) for check in monitors)
    assert line in str(found.tick.skip_reason)
    told = text_of(watch(settings)).splitlines()
    assert [text for text in told if line in text] == told[1:]


def test_truth_that_arrives_later_becomes_live_errors_per_version_and_one_proposal(
    defs: dg.Definitions, shifted: tuple[Settings, pa.Table]
) -> None:
    settings, labels = shifted
    watched_world.write_segment(settings, watched_world.logged(labels, YOUNG))
    young = night(defs, settings, YOUNG)
    assert young.metadata["landing/predictions"]["dagster/row_count"] > 1000
    assert set(young.checks) >= {*DRIFT_NAMES, *LIVE_NAMES}
    assert all(young.checks[name].metadata["judged"].value for name in DRIFT_NAMES)
    for name in LIVE_NAMES[:-1]:
        assert not young.checks[name].metadata["judged"].value
        assert "still under way; the window is too young" in str(young.checks[name].description)
    assert not young.tick.run_requests

    watched_world.write_segment(settings, watched_world.logged(labels, RIPE))
    ripe = night(defs, settings, RIPE)
    assert ripe.metadata["landing/predictions"]["landed"] < ripe.metadata["monitoring/eta_live"]["dagster/row_count"], "each lands once"
    fired = {name for name, check in ripe.checks.items() if not check.passed}
    assert fired == {"errs_as_little_as_judged", "covers_what_it_claims", "is_not_biased", "is_seldom_overdue"}
    assert all(ripe.checks[name].severity is dg.AssetCheckSeverity.WARN for name in fired)
    (request,) = ripe.tick.run_requests or ()
    assert request.tags["tradewind/since"] == f"{SHIFT:%Y-%m-%d}"
    assert "too early" in ripe.metadata["monitoring/eta_live"]["proposal"]
    again = night(defs, settings, RIPE + dt.timedelta(days=1), ripe.tick.cursor)
    assert not again.tick.run_requests
    assert "already" in str(again.tick.skip_reason)


def test_live_errors_of_each_version_are_those_counted_by_hand_also_while_parcels_are_under_way(
    shifted: tuple[Settings, pa.Table],
) -> None:
    settings, labels = shifted
    land_rows(settings, watched_world.logged(labels, RIPE))
    watched_world.set_clock(settings, RIPE)
    found = watch(settings)
    assert list(found.versions) == ["eta@1", "eta@2"]
    for first in ("2018-03-12", "2018-03-26", "2018-04-23"):
        of = {name: next(r for r in reports if r.first == first).live for name, reports in found.versions.items()}
        served = next(report for report in found.served if report.first == first).live
        for live, version in ((of["eta@1"], 1), (of["eta@2"], 2), (served, None)):
            assert said(live) == pytest.approx(by_hand(labels, version, monday(first), RIPE), rel=1e-9), (first, version)
    assert of["eta@1"].under_way > 10
    assert of["eta@1"].mae_days != pytest.approx(of["eta@2"].mae_days, rel=0.05)


def test_a_world_in_which_nothing_moved_is_judged_and_stays_quiet(defs: dg.Definitions, quiet: tuple[Settings, pa.Table]) -> None:
    settings, labels = quiet
    land_rows(settings, watched_world.logged(labels, RIPE))
    found = night(defs, settings, RIPE)
    checks = {name: found.checks[name] for name in (*DRIFT_NAMES, *LIVE_NAMES)}
    assert {name for name, check in checks.items() if not check.metadata["judged"].value} == set()
    assert {name: check.description for name, check in checks.items() if not check.passed} == {}
    assert not found.tick.run_requests
    assert "eta@1 is quiet as of 2018-05-28" in str(found.tick.skip_reason)
    ripe = states(watch(settings), "is_not_biased")
    assert set(ripe.values()) == {State.QUIET, State.NOTHING}
    assert [first for first, state in ripe.items() if state is State.QUIET][-1] == "2018-04-23"


def test_a_hashed_log_has_the_same_errors_for_whoever_has_its_key_and_says_why_it_has_none_for_others(
    quiet: tuple[Settings, pa.Table], tmp_path: Path
) -> None:
    _, labels = quiet
    settings, _ = watched_world.publish_world(tmp_path / "home", log_key=KEY)
    watched_world.set_clock(settings, RIPE)
    # The policy was changed twice on the way: the first answers are plain, then merchants are hashed, then orders too.
    plain, merchants, both = (
        watched_world.logged(labels, RIPE, hashed)
        for hashed in (lambda _, value: value, hashed_in("merchant_id"), hashed_in("merchant_id", "order_id"))
    )
    land_rows(settings, pa.concat_tables([plain.slice(0, 700), merchants.slice(700, 700), both.slice(1400)]))
    found = watch(settings)
    for report in found.served[:8]:
        expected = by_hand(labels, None, monday(report.first), RIPE)
        assert said(report.live) == pytest.approx(expected, rel=1e-9), report.first
    for key in (None, "another key"):
        stranger = watch(Settings(home=settings.home, source="olist", threads=1, log_key=key))
        week = next(report for report in stranger.served if report.first == "2018-04-23")
        assert week.live.parcels == 0
        reasons = {f.reason for f in week.findings if f.monitor in LIVE_NAMES}
        assert len(reasons) == 1
        assert "hashed under another key than TRADEWIND_LOG_KEY; no live error can be computed" in reasons.pop()
        assert any(f.state is State.QUIET for f in week.findings if f.monitor in DRIFT_NAMES)


def test_a_log_without_order_or_merchant_has_drift_and_says_that_no_error_can_be_computed(
    quiet: tuple[Settings, pa.Table], tmp_path: Path
) -> None:
    _, labels = quiet
    settings, _ = watched_world.publish_world(tmp_path / "home")
    watched_world.set_clock(settings, RIPE)
    orders, merchants = (
        watched_world.logged(labels, RIPE, lambda column, value, dropped=dropped: None if column == dropped else value)
        for dropped in ("order_id", "merchant_id")
    )
    land_rows(settings, pa.concat_tables([orders.slice(0, 1600), merchants.slice(1600)]))
    weeks = watch(settings).served
    assert [week.live.unnamed for week in weeks] == [week.live.asked for week in weeks]
    assert weeks[7].live.asked > 200
    for finding in (*weeks[0].findings, *weeks[7].findings):
        if finding.monitor in LIVE_NAMES:
            assert finding.state is State.NOTHING
            assert "logged without order or merchant" in finding.reason
            assert "no live error can be computed" in finding.reason
        else:
            assert finding.state is State.QUIET
