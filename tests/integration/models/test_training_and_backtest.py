"""From a published world to a backtest, a version and scores: what may be seen, what is written, what happens twice."""

import datetime as dt
import json
import shutil
from pathlib import Path

import eta_world
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from eta_world import AS_OF

from tradewind_contracts import gates
from tradewind_contracts.errors import NotFoundError, SettingsError, StateError
from tradewind_contracts.instants import UTC, Clock
from tradewind_contracts.verdicts import CheckResult, Severity
from tradewind_contracts.world import World
from tradewind_lifecycle import feature_store, guards, labels, leaks, online_store, spans
from tradewind_lifecycle.backtest import backtest, metrics_lines
from tradewind_lifecycle.candidates import fit_candidate
from tradewind_lifecycle.gating import champion, running
from tradewind_lifecycle.scoring import score, score_last_day
from tradewind_lifecycle.training import promote_candidate, register_candidate, seal_training_set
from tradewind_models.eta import EtaConfig
from tradewind_models.eta import gates as eta_gates
from tradewind_models.eta.config import TreesConfig
from tradewind_models.eta.predictor import load
from tradewind_registry import Registry

QUICK = EtaConfig(trees=TreesConfig(rounds=40, min_data_in_leaf=20, learning_rate=0.12))
START = dt.datetime(2018, 4, 20, 3, tzinfo=UTC)
COLUMNS = [
    "order_id",
    "merchant_id",
    "event_timestamp",
    "p10_days",
    "p50_days",
    "p90_days",
    "actual_days",
    "promise_days",
    "lane_median_days",
]

GOOD = CheckResult(suite="s", table="t", claim="made up", severity=Severity.CRITICAL, passed=True, rows=1)


def run_gates(settings, candidate, version):
    """All gates, but for the build of features as of the clock: no dbt has built this world."""
    return running.run_gates(settings, candidate, version, known={guards.LEAKS_IN_FEATURES: [GOOD]})


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    made = eta_world.publish_world(tmp_path_factory.mktemp("eta") / "home")
    feature_store.apply(made)
    return made


@pytest.fixture(scope="module")
def report(settings, tmp_path_factory):
    return backtest(settings, "eta", START, 20, tmp_path_factory.mktemp("out") / "b.parquet", QUICK)


def test_a_backtest_writes_one_row_for_each_parcel_ordered_in_the_span(settings, report):
    table = pq.read_table(report.out)
    assert table.column_names == COLUMNS
    span = labels.placed_between(labels.read_labels(settings), START, START + dt.timedelta(days=20))
    assert sorted(table["order_id"].to_pylist()) == sorted(span["order_id"].to_pylist())
    assert table["actual_days"].null_count == span["duration_days"].null_count == report.rows - report.delivered > 0
    quantiles = np.column_stack([table[name].to_numpy() for name in COLUMNS[3:6]])
    assert (quantiles > 0).all()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert set(table["promise_days"].to_pylist()) == {30.0}


def test_a_backtest_reports_the_model_beside_its_baselines(report):
    table = pq.read_table(report.out).filter(pc.is_valid(pq.read_table(report.out)["actual_days"]))
    error = np.abs(table["actual_days"].to_numpy() - table["p50_days"].to_numpy()).mean()
    lane = np.abs(table["actual_days"].to_numpy() - table["lane_median_days"].to_numpy()).mean()
    assert report.metrics["eta"]["mae_days"] == pytest.approx(error)
    assert report.metrics["lane_median"]["mae_days"] == pytest.approx(lane)
    assert error < lane < report.metrics["promise"]["mae_days"]
    assert list(report.metrics) == ["eta", "lane_median", "promise", "plain_on_request", "plain_on_our_features"]
    assert [line.split()[0] for line in metrics_lines(report)] == ["n", *report.metrics]
    assert len({len(line) for line in metrics_lines(report)}) == 1


def test_what_happens_after_as_of_changes_no_answer_of_the_first_day(settings, report, tmp_path):
    every = labels.read_labels(settings)
    late = pc.greater_equal(every["outcome_at"], pa.scalar(START, every["outcome_at"].type))
    changed = every.set_column(
        every.column_names.index("outcome_at"),
        "outcome_at",
        pc.if_else(late, pa.scalar(dt.datetime(2018, 5, 30, tzinfo=UTC), every["outcome_at"].type), every["outcome_at"]),
    )
    other = eta_world.publish_world(tmp_path / "home", changed)
    feature_store.apply(other)
    again = pq.read_table(backtest(other, "eta", START, 20, tmp_path / "b.parquet", QUICK).out)
    table = pq.read_table(report.out)
    first = np.array([at < START + dt.timedelta(hours=20) for at in table["event_timestamp"].to_pylist()])
    assert first.sum() > 3
    for name in ("p10_days", "p50_days", "p90_days", "lane_median_days"):
        np.testing.assert_array_equal(again[name].to_numpy()[first], table[name].to_numpy()[first])
    assert not np.array_equal(again["p50_days"].to_numpy()[~first], table["p50_days"].to_numpy()[~first])


@pytest.mark.parametrize(
    ("as_of", "reason"),
    [
        (dt.datetime(2017, 1, 1, tzinfo=UTC), "no order was placed"),
        (dt.datetime(2018, 1, 2, tzinfo=UTC), "choose a later as_of"),
        (dt.datetime(2019, 1, 1, tzinfo=UTC), "choose an earlier as_of"),
    ],
)
def test_an_as_of_outside_of_the_data_is_refused_and_nothing_written(settings, tmp_path, as_of, reason):
    with pytest.raises(SettingsError, match=reason):
        backtest(settings, "eta", as_of, 10, tmp_path / "b.parquet", QUICK)
    assert list(tmp_path.iterdir()) == []


def test_another_family_is_refused_by_name(settings, tmp_path):
    with pytest.raises(SettingsError, match="risk"):
        backtest(settings, "risk", START, 10, tmp_path / "b.parquet", QUICK)


def test_an_unwritable_place_is_refused_and_named(settings, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="file"):
        backtest(settings, "eta", START, 1, tmp_path / "file" / "b.parquet", QUICK)


@pytest.fixture(scope="module")
def own(settings, tmp_path_factory):
    """A copy of the world that versions are made in, materialized, its data found good."""
    home = tmp_path_factory.mktemp("own") / "home"
    shutil.copytree(settings.home, home)
    copied = settings.model_copy(update={"home": home})
    eta_world.land_newest(copied)
    feature_store.apply(copied)
    online_store.materialize(copied)
    copied.paths.quality.mkdir(parents=True)
    for stage in ("landing", "marts", "features"):
        (copied.paths.quality / f"{stage}.json").write_text(json.dumps([GOOD.model_dump(mode="json")]))
    return copied


@pytest.fixture(scope="module")
def first(own):
    sealed = seal_training_set(own)
    candidate = fit_candidate(own, sealed.digest, QUICK)
    version, reused = register_candidate(own, candidate, "run-1")
    assert not reused
    return sealed, candidate, version


def test_a_sealed_training_set_holds_no_outcome_from_after_the_clock(first):
    table = first[0].table()
    assert max(at for at in table["outcome_at"].to_pylist() if at) < AS_OF
    assert max(table["event_timestamp"].to_pylist()) < AS_OF
    assert table["outcome_at"].null_count > 20


def test_a_version_knows_what_was_known_at_its_cut_and_is_calibrated_at_as_of(first):
    contract = load(first[1].bundle).contract
    assert contract.as_of == AS_OF - dt.timedelta(days=45)
    assert load(first[1].bundle).calibrated_at == AS_OF.replace(hour=0)
    version = first[2]
    assert version.facts["trees_know_until"] == "2018-03-26T03:00:00Z"
    assert next(iter(version.metrics)) == "mae_days"
    assert version.metrics["mae_days"] < version.baselines["lane_median"]["mae_days"]
    predictions = first[1].predictions
    assert (predictions["weight"].to_numpy() > 1).any()
    assert predictions.num_rows == version.rows


def test_the_same_inputs_fit_nothing_and_register_nothing(own, first):
    sealed = seal_training_set(own)
    assert sealed.digest == first[0].digest
    again = fit_candidate(own, sealed.digest, QUICK)
    assert again.reused
    assert again.inputs_key == first[1].inputs_key
    version, reused = register_candidate(own, again, "run-2")
    assert reused
    assert version.number == first[2].number
    assert len(Registry.open(own).versions("eta")) == 1


def test_a_version_serves_only_after_its_gates_and_the_second_is_compared_with_the_first(own, first):
    _, candidate, version = first
    assert promote_candidate(own, version) is False
    verdicts = run_gates(own, candidate, version)
    assert {v.gate: v.reason for v in verdicts if not v.passed} == {}
    assert promote_candidate(own, version) is True
    assert promote_candidate(own, version) is False
    worse = fit_candidate(own, first[0].digest, EtaConfig(trees=TreesConfig(rounds=1, min_data_in_leaf=20)))
    second, _ = register_candidate(own, worse)
    found = {v.gate: v for v in run_gates(own, worse, second)}
    assert found["not_worse_than_the_champion"].interval is not None
    assert not found["not_worse_than_the_champion"].passed
    assert promote_candidate(own, second) is False
    assert Registry.open(own).resolve("eta@champion").number == version.number
    before = {v.gate: v for v in verdicts}
    again = {v.gate: v for v in run_gates(own, candidate, version)}
    assert again["answers_in_time"] == before["answers_in_time"], "a busy machine does not unmake a champion"
    assert again["not_worse_than_the_champion"].reason == champion.NO_CHAMPION, "the champion keeps the verdict of its time"


def test_a_version_seals_the_intervals_of_its_metrics_and_what_drift_is_measured_against(first):
    version = first[2]
    assert set(version.intervals) == set(version.metrics) - {"n"}
    for name, ends in version.intervals.items():
        assert ends["low"] < version.metrics[name] < ends["high"], name
    assert version.reference_shapes
    levels = {str(level["claimed"]): level["observed"] for level in first[1].evaluation["levels"]}
    assert levels == pytest.approx(version.calibration)
    state = next(iter(version.slices["destination_state"].values()))["eta"]
    assert state["mae_days_low"] < state["mae_days"] < state["mae_days_high"]


def test_a_slow_or_large_bundle_is_kept_listed_as_failed_and_never_promoted(own, first, monkeypatch):
    run_gates(own, first[1], first[2])
    promote_candidate(own, first[2])
    usual = [gate for gate in eta_gates.GATES if gate.name not in ("answers_in_time", "bundle_is_small", "not_worse_than_the_champion")]
    strict = (*usual, gates.answers_within(milliseconds=1e-6), gates.bundle_within(megabytes=1e-6))
    monkeypatch.setattr(eta_gates, "GATES", strict)
    candidate = fit_candidate(own, first[0].digest, QUICK.model_copy(update={"seed": 77}))
    version, _ = register_candidate(own, candidate)
    found = {v.gate: v for v in run_gates(own, candidate, version)}
    assert {name for name, verdict in found.items() if not verdict.passed} == {"answers_in_time", "bundle_is_small"}
    assert found["answers_in_time"].value > 1e-6
    assert found["answers_in_time"].evidence["unit"] == "ms"
    assert found["bundle_is_small"].value > 0.01
    assert promote_candidate(own, version) is False
    with Registry.open(own) as registry:
        assert registry.resolve("eta@champion").number == first[2].number
        (listed,) = [line for line in registry.summaries("eta") if line.number == version.number]
        assert (listed.gates_passed, listed.gates_total) == (len(strict) - 2, len(strict))
        assert load(registry.open_bundle(version)).contract.family == "eta"
        recorded = len(registry.verdicts(version))
        run_gates(own, candidate, version)
        assert len(registry.verdicts(version)) == recorded, "other milliseconds are no news"


def test_a_leak_that_was_found_stops_a_version_and_so_does_a_check_that_can_not_be_made(own, first):
    leak = GOOD.model_copy(update={"passed": False, "failing_rows": 4, "claim": "no row that was visible has changed or vanished"})
    found = {v.gate: v for v in running.run_gates(own, first[1], first[2], known={guards.LEAKS_IN_FEATURES: [leak]})}
    assert not found["sees_no_future"].passed
    assert leak.claim in found["sees_no_future"].reason
    unmade = {v.gate: v for v in running.run_gates(own, first[1], first[2])}["sees_no_future"]
    assert (unmade.passed, unmade.value) == (False, None)
    assert "dbt has not built this world" in unmade.reason
    assert all(v.passed for v in run_gates(own, first[1], first[2]))


def test_a_check_that_gates_stand_on_is_made_once_for_its_inputs_and_anew_for_others(settings, monkeypatch):
    made = []
    monkeypatch.setattr(leaks, "check_training_set", lambda _, digest: made.append(digest) or [GOOD])
    for digest in ("a" * 64, "a" * 64, "b" * 64, "a" * 64):
        assert guards.leaks_in_training_set(settings, digest) == [GOOD]
    assert [digest[0] for digest in made] == ["a", "b", "a"]
    monkeypatch.setattr(guards, "code_digest", lambda _: "other code")
    guards.leaks_in_training_set(settings, "a" * 64)
    assert len(made) == 4


def test_a_champion_that_has_seen_the_holdout_is_not_compared_with(own, first, monkeypatch):
    _, candidate, version = first
    run_gates(own, candidate, version)
    promote_candidate(own, version)
    earlier = version.model_copy(update={"number": version.number + 1})
    with Registry.open(own) as registry:
        assert not isinstance(champion.champion_difference(own, candidate, earlier, registry, version.number), str)
        cut = spans.cut_of
        monkeypatch.setattr(spans, "cut_of", lambda as_of: cut(as_of) - dt.timedelta(days=1))
        assert "eta@1 knows until 2018-03-26T03:00:00Z" in champion.champion_difference(own, candidate, earlier, registry, version.number)


def test_the_champion_scores_any_span_and_the_nightly_table_knows_nothing_later(own, first, tmp_path):
    run_gates(own, first[1], first[2])
    promote_candidate(own, first[2])
    end = AS_OF + dt.timedelta(days=5)
    report = score(own, START, end, tmp_path / "s.parquet")
    table = pq.read_table(report.out)
    assert table.column_names == COLUMNS
    assert report.rows == table.num_rows == labels.placed_between(labels.read_labels(own), START, end).num_rows
    night = score_last_day(own)
    assert night.out.parent == own.paths.scores
    assert pq.read_table(night.out)["actual_days"].null_count == night.rows > 0
    with pytest.raises(SettingsError, match="ends before"):
        score(own, end, START, tmp_path / "x.parquet")


def test_without_a_champion_nothing_is_scored(settings, tmp_path):
    with pytest.raises(StateError, match="make run"):
        score(settings, START, AS_OF, tmp_path / "s.parquet")
    Registry.open(settings)
    with pytest.raises(NotFoundError, match="eta"):
        score(settings, START, AS_OF, tmp_path / "s.parquet")


def test_questions_are_orders_of_the_day_after_with_their_later_truth(settings):
    found = labels.questions(settings, 5)
    instants = found["event_timestamp"].to_pylist()
    assert 0 < len(instants) <= 5
    assert all(AS_OF <= at < AS_OF + dt.timedelta(days=1) for at in instants)


def test_a_clock_too_early_for_a_holdout_is_refused(settings, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(settings.home, home)
    early = settings.model_copy(update={"home": home})
    world = World.read(early.paths.world_file)
    world.model_copy(update={"clock": Clock.frozen(dt.datetime(2018, 1, 20, tzinfo=UTC))}).write(early.paths.world_file)
    with pytest.raises(SettingsError, match="choose a later as_of"):
        seal_training_set(early)
    assert not Path(early.paths.training_sets).exists()
