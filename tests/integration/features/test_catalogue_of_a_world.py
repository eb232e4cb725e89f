"""The catalogue of a world: what it measures, who uses what, and what it says where there is nothing yet."""

import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import feature_world
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feature_world import AS_OF, DAYS, KEYS, PLACES

from tradewind_contracts.digests import digest_bytes
from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_features.online.backend import Standing
from tradewind_lifecycle import feature_store, online_store
from tradewind_lifecycle.catalogue import read_catalogue
from tradewind_lifecycle.catalogue.measured import build_seconds, measured
from tradewind_lifecycle.catalogue.unused import removals, unused_features, unused_views
from tradewind_lifecycle.catalogue.worlds import look
from tradewind_registry import Registry, VersionDraft

VIEW = "merchant_pace_365d"
MODEL = "ftr_merchant__pace_365d"
NEWEST = AS_OF.replace(hour=0)


def test_a_view_is_measured_at_the_worlds_clock(ready: Settings) -> None:
    found = look(ready).measured[VIEW]
    merchants = len(PLACES)
    assert (found.rows, found.details.visible, found.details.entities) == (merchants * DAYS, merchants * DAYS, merchants)
    assert found.newest_at == found.last_at == NEWEST
    assert found.first_at == NEWEST - dt.timedelta(days=DAYS - 1)
    assert found.age_hours == pytest.approx(3)
    assert not found.is_expired
    assert found.bytes == sum(path.stat().st_size for path in ready.paths.published.glob(f"features/{MODEL}-*.parquet"))
    assert (found.online.rows, found.online_newest_at, found.is_behind) == (merchants, NEWEST, False)
    assert found.materialized.to_at == "2018-05-10T03:00:00Z"
    # Every seventh value of a column is null; of the newest day stand the rows 19, 39 and 59.
    assert found.details.null_all["transit_pace_30d"] == pytest.approx(8 / 60)
    assert found.details.null_newest["transit_pace_30d"] == 0


def test_rows_after_the_clock_are_published_and_not_yet_seen(
    own_world: Callable[[dict[str, Any]], Settings], feature_manifest: Any
) -> None:
    view = next(view for view in feature_manifest["views"] if view["name"] == VIEW)
    settings = own_world({MODEL: feature_world.daily_rows(view, newest=NEWEST + dt.timedelta(days=5))})
    found = look(settings).measured[VIEW]
    assert (found.rows, found.details.visible) == (3 * DAYS, 3 * (DAYS - 5))
    assert (found.newest_at, found.last_at) == (NEWEST, NEWEST + dt.timedelta(days=5))


def test_a_view_that_stalled_is_expired_and_one_that_was_never_brought_online_is_behind(
    own_world: Callable[[dict[str, Any]], Settings], feature_manifest: Any
) -> None:
    view = next(view for view in feature_manifest["views"] if view["name"] == VIEW)
    seen = look(own_world({MODEL: feature_world.daily_rows(view, newest=NEWEST - dt.timedelta(days=4))}))
    assert seen.measured[VIEW].is_expired
    assert seen.measured[VIEW].is_behind
    assert seen.measured[VIEW].online_newest_at is None
    assert not seen.measured["network_flow_7d"].is_expired


def test_rows_that_were_pushed_later_count(own_world: Callable[[dict[str, Any]], Settings], feature_manifest: Any) -> None:
    settings = own_world({})
    view = next(view for view in feature_manifest["views"] if view["name"] == VIEW)
    pushed = feature_world.daily_rows(view, days=1, newest=NEWEST + dt.timedelta(hours=1))
    folder = settings.paths.pushed / MODEL / "event_date=2018-05-10"
    folder.mkdir(parents=True)
    pq.write_table(pushed, folder / "1525917600000000-a.parquet")
    found = look(settings).measured[VIEW]
    assert (found.rows, found.newest_at) == (3 * DAYS + 3, NEWEST + dt.timedelta(hours=1))


def test_without_a_world_the_catalogue_is_what_is_declared_and_says_so(own_settings: Settings) -> None:
    seen = look(own_settings)
    assert (seen.measured, list(seen.versions), seen.now) == ({}, [], None)
    assert "no such world has landed yet" in seen.why_unmeasured
    said = seen.to_json(seen.catalogue.view(VIEW))
    assert said["measured"] is None
    assert said["features"][0]["made_of"] == []
    assert said["features"][0]["counts_rows_of"] == ["parcels"]
    assert not own_settings.paths.home.exists(), "to look changes nothing"


def test_with_a_world_and_nothing_published_it_says_that(tmp_path: Path) -> None:
    seen = look(feature_world.land_world(tmp_path / "home"))
    assert "nothing is published yet" in seen.why_unmeasured


def test_an_online_store_that_can_not_be_read_is_told_and_hides_nothing_else(own_world: Callable[[dict[str, Any]], Settings]) -> None:
    settings = own_world({})
    settings.paths.online_store.parent.mkdir(parents=True, exist_ok=True)
    settings.paths.online_store.write_bytes(b"no database" * 500)
    seen = look(settings)
    assert "online.db" in seen.online_problem
    assert seen.measured[VIEW].rows == 3 * DAYS


def test_seconds_of_a_build_are_those_that_dbt_noted(tmp_path: Path) -> None:
    assert build_seconds(tmp_path) == {}
    results = [
        {"unique_id": f"model.tradewind.{MODEL}", "status": "success", "execution_time": 1.5},
        {"unique_id": "test.tradewind.x", "status": "success", "execution_time": 9},
        {"unique_id": "model.tradewind.ftr_broken", "status": "error", "execution_time": 9},
    ]
    (tmp_path / "run_results.json").write_text(json.dumps({"results": results}))
    assert build_seconds(tmp_path) == {MODEL: 1.5}
    (tmp_path / "run_results.json").write_text("{")
    with pytest.raises(IntegrityError, match="not what dbt notes of a build"):
        build_seconds(tmp_path)


@pytest.fixture
def registered(home: Path, root: Path, tmp_path: Path) -> Settings:
    """eta@1, champion of olist, which gives 0.6 to one view and 0.1 to another; eta@2 of the same world, which no alias names."""
    settings = Settings(home=home, source="olist")
    said = json.loads((root / "tests/fixtures/version_draft.json").read_text())
    digest = digest_bytes(b"spec")
    with Registry.open(settings) as registry:
        for number, importance in enumerate(
            ({f"{VIEW}__transit_pace_30d": 0.4, f"{VIEW}__transit_pace_365d": 0.2, "category_handling_90d__handling_pace_90d": 0.1}, {"network_flow_7d__late_share_7d": 1.0}), 1
        ):  # fmt: skip
            folder = tmp_path / str(number)
            folder.mkdir()
            (folder / "model.txt").write_text(str(number))
            fields = {
                "inputs_key": digest_bytes(str(number).encode()), "world": "olist", "importance": importance, "feature_service": "eta_v1",
                "view_specs": {VIEW: digest, "category_handling_90d": digest},
            }  # fmt: skip
            registry.register(VersionDraft.model_validate(said | fields), folder)
        passed = [
            Verdict(gate=gate, claim="holds", passed=True, value=1.0, threshold=0.0, reason="1 is ≥ 0", decided_at=AS_OF)
            for gate in said["gates"]
        ]
        registry.record_verdicts("eta", 1, passed)
        registry.promote("eta", 1, "champion", why="first", who="test")
    return settings


def test_what_a_view_means_is_the_sum_over_its_features_in_living_models_of_the_world(registered: Settings) -> None:
    seen = look(registered)
    assert [version.title for version in seen.versions] == ["eta@2 (no alias of olist)", "eta@1 (champion of olist)"]
    assert seen.importance(seen.catalogue.view(VIEW)) == pytest.approx(0.6)
    assert seen.importance(seen.catalogue.view("network_flow_7d")) is None, "eta@2 is named by no alias"
    elsewhere = dataclasses.replace(seen, world="simulator")
    assert elsewhere.importance(seen.catalogue.view(VIEW)) is None


def test_what_no_living_model_takes_is_unused_unless_something_is_made_of_it_or_code_names_it(registered: Settings) -> None:
    seen = look(registered)
    assert [found.name for found in unused_views(seen.catalogue, seen.versions)] == [
        "destination_state_flow_7d", "network_flow_7d", "state_lane_transit_90d",
    ]  # fmt: skip
    unused = {found.name: found for found in removals(seen.catalogue, seen.versions) if ":" in found.name}
    assert "merchant_pace_365d:handling_pace_14d" in unused
    assert unused["merchant_pace_365d:handling_pace_14d"].needed_by == ("eta@1 (champion of olist)",)
    # The distance is made of it; the keys of a parcel are built from it; the slices of an evaluation read it.
    assert not {"merchant_profile:lat", "merchant_profile:postal_area_id", "merchant_handling_90d:parcels_count_90d"} & set(unused)
    assert unused_features(seen.catalogue, []) == [], "while no model lives, nobody has chosen"


def test_views_measured_alone_are_as_among_all(ready: Settings) -> None:
    view = read_catalogue().view(VIEW)
    alone, all_ = look(ready, view).measured, look(ready).measured
    assert set(alone) == {VIEW}
    assert alone[VIEW] == all_[VIEW]
    brief = measured(ready, [view], {"merchant_pace_365d_v1": Standing(1, 0), "merchant_pace_365d_x": Standing(1, 0)}, details=False)[VIEW]
    assert dataclasses.replace(brief, details=alone[VIEW].details, online=alone[VIEW].online, older=()) == alone[VIEW]
    assert brief.older == ("merchant_pace_365d_v1",)
    assert KEYS.keys() <= {view.join_key for view in read_catalogue().views}


def test_a_feature_that_is_null_everywhere_and_a_view_without_rows_are_told(
    own_world: Callable[[dict[str, Any]], Settings], feature_manifest: Any
) -> None:
    view = next(view for view in feature_manifest["views"] if view["name"] == VIEW)
    rows = feature_world.daily_rows(view)
    rows = rows.set_column(rows.column_names.index("transit_pace_30d"), "transit_pace_30d", pa.nulls(rows.num_rows, pa.float64()))
    reviews = next(view for view in feature_manifest["views"] if view["name"] == "merchant_reviews_180d")
    seen = look(own_world({MODEL: rows, "ftr_merchant__reviews_180d": feature_world.daily_rows(reviews).slice(0, 0)}))
    assert seen.measured[VIEW].details.null_newest["transit_pace_30d"] == seen.measured[VIEW].details.null_all["transit_pace_30d"] == 1
    empty = seen.measured["merchant_reviews_180d"]
    assert (empty.rows, empty.newest_at, empty.age_hours, empty.is_expired, empty.is_behind, empty.details.null_all) == (
        0,
        None,
        None,
        False,
        False,
        {},
    )


def test_the_store_is_behind_once_the_clock_went_on(tmp_path: Path, feature_manifest: Any) -> None:
    settings = feature_world.land_world(tmp_path / "home", AS_OF - dt.timedelta(days=2))
    feature_world.publish(settings, feature_world.feature_tables(feature_manifest))
    feature_store.apply(settings)
    online_store.materialize(settings)
    assert not look(settings).measured[VIEW].is_behind
    later = look(feature_world.land_world(tmp_path / "home", AS_OF)).measured[VIEW]
    assert later.is_behind
    assert (later.age_hours, later.online_age_hours) == (pytest.approx(3), pytest.approx(51))
