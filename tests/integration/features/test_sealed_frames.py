"""A sealed training set in one line: of any instant up to the clock, cut there, made once."""

import datetime as dt
import json
import shutil
import subprocess
import sys
from pathlib import Path

import eta_world
import pyarrow.compute as pc
import pytest
from eta_world import AS_OF

import tradewind_lifecycle as tw
from tradewind_contracts.errors import IntegrityError, NotFoundError, SettingsError, StateError
from tradewind_contracts.settings import Settings
from tradewind_lifecycle import feature_store, labels, training, training_sets
from tradewind_lifecycle.sealed_frames import OUTCOME, sealed_frame

EARLIER = dt.datetime(2018, 4, 1, 3, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = eta_world.publish_world(tmp_path_factory.mktemp("sealed") / "home")
    eta_world.land_newest(settings)
    feature_store.apply(settings)
    return settings


@pytest.fixture(scope="module")
def earlier(published: Settings) -> tw.SealedFrame:
    return sealed_frame(published, "eta", "2018-04-01")


def test_it_holds_every_order_placed_before_the_instant_and_no_outcome_after_it(published: Settings, earlier: tw.SealedFrame) -> None:
    table, every = earlier.table(), labels.read_labels(published)
    assert earlier.as_of == EARLIER, "a date is the start of that local day"
    assert table["parcel_id"].to_pylist() == labels.placed_between(every, None, EARLIER)["parcel_id"].to_pylist()
    for name in ("outcome_at", "handed_over_at"):
        assert pc.max(table[name]).as_py() < EARLIER
    whole = dict(zip(every["parcel_id"].to_pylist(), every["outcome_at"].to_pylist(), strict=True))
    under_way = [parcel for parcel, at in zip(table["parcel_id"].to_pylist(), table["outcome_at"].to_pylist(), strict=True) if at is None]
    assert under_way
    assert all(whole[parcel] is None or whole[parcel] >= EARLIER for parcel in under_way)
    assert set(table["observed_until_at"].to_pylist()) == {EARLIER}


def test_its_columns_are_told_apart_and_together_they_are_all(earlier: tw.SealedFrame) -> None:
    assert earlier.outcome == list(OUTCOME)
    assert earlier.features[0] == "merchant_profile__postal_area_id"
    assert len(earlier.features) == 39
    assert len(earlier.ages) == 10
    ordered = [name for name in earlier.columns if name not in {*earlier.outcome, *earlier.features, *earlier.ages}]
    assert {"parcel_id", "ordered_at", "promised_at", "price"} <= set(ordered)
    assert earlier.frame()[earlier.features].shape == (earlier.sealed.rows, 39)


def test_the_world_stays_as_it_was_and_the_set_is_sealed_in_it(published: Settings, earlier: tw.SealedFrame) -> None:
    assert json.loads(published.paths.world_file.read_text())["clock"]["at"] == "2018-05-10T03:00:00Z"
    assert training_sets.read_sealed(earlier.digest, published).facts["as_of"] == "2018-04-01T03:00:00Z"
    assert earlier.sealed.facts["feature_service"] == "eta_v1"


def test_at_the_clock_it_is_what_a_training_run_seals(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    # The suites judge a run's set and change nothing in it; they cost seconds.
    monkeypatch.setattr(training, "check_training_set", lambda *_: [])
    run = training.seal_training_set(published)
    frame = sealed_frame(published, "eta")
    assert (frame.digest, frame.reused) == (run.digest, True)
    assert sealed_frame(published, "eta", AS_OF).digest == run.digest


def test_the_same_question_is_answered_without_a_join(
    published: Settings, earlier: tw.SealedFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("joined again")

    monkeypatch.setattr(training_sets, "build", refuse)
    again = sealed_frame(published, "eta", EARLIER)
    assert (again.digest, again.reused) == (earlier.digest, True)
    with pytest.raises(AssertionError, match="joined again"):
        sealed_frame(published, "eta", "2018-04-02")


def test_other_features_or_pushed_rows_are_another_question(
    published: Settings, earlier: tw.SealedFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined: list[str] = []
    build = training_sets.build
    monkeypatch.setattr(training_sets, "build", lambda *said: joined.append("joined") or build(*said))
    pushed = published.paths.pushed / "ftr_merchant__pace_365d" / "event_date=2018-01-01"
    pushed.mkdir(parents=True)
    try:
        (pushed / "1.parquet").write_bytes(b"")
        with pytest.raises(StateError):
            sealed_frame(published, "eta", EARLIER)
    finally:
        shutil.rmtree(published.paths.pushed)
    assert joined == ["joined"]
    assert sealed_frame(published, "eta", EARLIER).digest == earlier.digest


def test_a_set_that_was_changed_is_refused_and_one_that_was_lost_is_made_again(published: Settings) -> None:
    made = sealed_frame(published, "eta", "2018-03-01")
    frame = made.path.read_bytes()
    made.path.write_bytes(frame[:-1])
    with pytest.raises(IntegrityError, match="the frame was changed or lost"):
        sealed_frame(published, "eta", "2018-03-01")
    shutil.rmtree(made.sealed.path)
    again = sealed_frame(published, "eta", "2018-03-01")
    assert (again.digest, again.reused) == (made.digest, False)
    assert again.path.read_bytes() == frame


@pytest.mark.parametrize(
    ("family", "as_of", "kind", "says"),
    [
        ("etb", None, NotFoundError, "no model family 'etb'; there are: eta"),
        ("eta", "2018-05-11", SettingsError, r"lies after the clock of world olist \(2018-05-10T03:00:00Z\)"),
        ("eta", dt.datetime(2018, 5, 10, 3, 0, 0, 1, tzinfo=dt.UTC), SettingsError, "lies after the clock"),
        ("eta", "2017-01-01", SettingsError, "no order was placed before it"),
        ("eta", "tomorrow", SettingsError, "'tomorrow' is not an instant"),
    ],
)
def test_what_can_not_be_answered_is_refused_and_nothing_is_sealed(
    published: Settings, family: str, as_of: str | dt.date | None, kind: type[Exception], says: str
) -> None:
    before = sorted(published.paths.training_sets.rglob("*"))
    with pytest.raises(kind, match=says):
        sealed_frame(published, family, as_of)
    assert sorted(published.paths.training_sets.rglob("*")) == before


def test_the_one_line_asks_the_world_that_is_named_and_leaves_the_processes_settings(
    published: Settings, earlier: tw.SealedFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRADEWIND_HOME", str(tmp_path / "elsewhere"))
    frame = tw.training_set("eta", as_of=dt.date(2018, 4, 1), source="olist", home=published.home)
    assert (frame.digest, frame.reused) == (earlier.digest, True)
    with pytest.raises(StateError, match="no world has landed here yet"):
        tw.training_set("eta", source="olist")


def test_a_copy_is_written_whole(earlier: tw.SealedFrame, tmp_path: Path) -> None:
    out = earlier.write(tmp_path / "folder" / "frame.parquet")
    assert out.read_bytes() == earlier.path.read_bytes()


def test_importing_lifecycle_alone_is_light() -> None:
    heavy = "{'feast', 'pandas', 'lightgbm', 'duckdb', 'pyarrow', 'great_expectations'} & set(sys.modules)"
    code = f"import sys, tradewind_lifecycle as tw; print({heavy}); print(hasattr(tw, 'nothing'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["set()", "False"]
