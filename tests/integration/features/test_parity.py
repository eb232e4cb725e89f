"""What a service was given is what a training set has, and where it is not, parity fails and finds out why."""

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import feature_world
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from typer.testing import CliRunner

from tradewind_contracts.errors import IntegrityError, QualityError, StateError
from tradewind_contracts.instants import Clock
from tradewind_contracts.manifest import MANIFEST
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_features.online import assembly
from tradewind_features.online.backend import Backend, ViewSpec, open_backend
from tradewind_features.online.packing import FieldType, PackedSchema, pack_rows
from tradewind_features.online.reader import OnlineReader, ViewRows
from tradewind_lifecycle import feature_store, online_store, parity
from tradewind_lifecycle.parity import records
from tradewind_lifecycle.parity.reasons import Reason
from tradewind_lifecycle.parity.report import RECORDS_LEAST, VECTORS_LEAST
from tradewind_lifecycle.publishing import PREVIOUS

AS_OF = feature_world.AS_OF
DAY = dt.timedelta(days=1)
MODEL, VIEW, FEATURE = "ftr_merchant__pace_365d", "merchant_pace_365d", "handling_pace_60d"
PARCELS = 1_400


def set_clock(settings: Settings, at: dt.datetime) -> None:
    world = World.read(settings.paths.world_file)
    world.model_copy(update={"clock": Clock.frozen(at)}).write(settings.paths.world_file)


def fill(settings: Settings, at: dt.datetime) -> None:
    """Bring the online store to ``at`` and record what it serves."""
    set_clock(settings, at)
    online_store.materialize(settings)
    parity.record_served(settings, at)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, feature_manifest: dict[str, Any]) -> Settings:
    """A world with enough parcels, materialized to the day before the clock and then to the clock; read only."""
    settings = feature_world.land_world(tmp_path_factory.mktemp("parity") / "home")
    tables = feature_world.feature_tables(feature_manifest) | {"lbl_parcel__delivery": feature_world.labels(PARCELS)}
    feature_world.publish(settings, tables)
    feature_store.apply(settings)
    online_store.materialize(settings)
    return settings


@pytest.fixture
def world(recorded: Settings, tmp_path: Path) -> Settings:
    """A copy of it that a test may change."""
    shutil.copytree(recorded.paths.home, tmp_path / "home")
    settings = Settings(home=tmp_path / "home", source="olist", threads=2)
    feature_store.apply(settings)
    return settings


def publish_anew(settings: Settings, manifest: dict[str, Any], rows: pa.Table) -> None:
    """Publish other rows of MODEL; as publishing does, the datasets before stay until the publication after next."""
    folder = settings.paths.published / "features"
    shutil.copy(folder / MANIFEST, folder / PREVIOUS)
    feature_world.publish(
        settings, feature_world.feature_tables(manifest) | {"lbl_parcel__delivery": feature_world.labels(PARCELS), MODEL: rows}
    )
    feature_store.apply(settings)


@dataclass(frozen=True)
class Plant:
    """What is put into the store in the place of a view's rows: ``age`` older, with changed values, packed or living otherwise."""

    change: Callable[[dict[str, list[Any]]], None] = lambda _: None
    age: dt.timedelta = dt.timedelta()
    schema: Callable[[PackedSchema], PackedSchema] = lambda schema: schema
    ttl_us: Callable[[int], int] = lambda ttl_us: ttl_us


def plant(settings: Settings, at: dt.datetime, **views: Plant) -> None:
    """Put other rows of some views in the store, as no materialization would, and record what is served then."""
    reader = OnlineReader(settings.paths.online_store)
    specs = reader.views()
    with open_backend(settings.paths.online_store) as store:
        notes = store.read_materialized()
        for view, planted in views.items():
            found = reader.read(view, feature_world.KEYS[specs[view].key_name], at)
            with store.transaction():
                _write(store, specs[view], planted, found)
                store.note_materialized(view, notes[view])
    parity.record_served(settings, at)


def _write(store: Backend, spec: ViewSpec, planted: Plant, found: ViewRows) -> None:
    keys = feature_world.KEYS[spec.key_name]
    values: dict[str, list[Any]] = {name: np.asarray(column).tolist() for name, column in found.values.items()}
    planted.change(values)
    kept = planted.schema(spec.schema)
    packed = pack_rows(kept, [{name: _plain(values[name][place]) for name in kept.names} for place in range(len(keys))])
    shift = planted.age // dt.timedelta(microseconds=1)
    stamps = [(event - shift, created - shift) for event, created in zip(_us(found.event_at), _us(found.created_at), strict=True)]
    store.drop(spec.view)
    store.declare(ViewSpec(spec.view, spec.key_name, planted.ttl_us(spec.ttl_us), kept, spec.spec_digest))
    store.write(spec.view, [(key, *stamp, row) for key, stamp, row in zip(keys, stamps, packed, strict=True)])


def _us(instants: Any) -> list[int]:
    return [int(instant) for instant in instants.astype("datetime64[us]").astype(np.int64)]


def _plain(value: Any) -> Any:
    return None if value is None or value != value else value


def differing(report: parity.ParityReport) -> dict[tuple[str, str], dict[str, int]]:
    return {(found.view, found.feature): found.reasons for found in report.features if found.differing}


def test_a_thousand_vectors_of_two_materializations_are_equal(recorded: Settings) -> None:
    report = parity.compare(recorded)
    assert differing(report) == {}
    assert report.passed
    assert report.is_enough
    assert [record.at for record in report.compared] == [AS_OF, AS_OF - DAY]
    assert len(report.compared) >= RECORDS_LEAST
    assert report.vectors >= VECTORS_LEAST
    assert {found.vectors for found in report.features} == {report.vectors}
    service = next(service for service in feature_store.feature_manifest()["services"] if service["name"] == "eta_v1")
    compared = {f"{found.view}:{found.feature}" for found in report.features}
    assert set(service["features"]) <= compared
    assert f"{VIEW}:age_hours" in compared


def test_what_nobody_knows_is_null_on_both_sides(recorded: Settings) -> None:
    nulls = {f"{found.view}:{found.feature}": (found.nulls_online, found.nulls_offline) for found in parity.compare(recorded).features}
    unknown_merchants = 2 * records.COLD_ROWS // 2
    assert nulls[f"{VIEW}:transit_pace_30d"] == (unknown_merchants, unknown_merchants)
    assert nulls["parcel_request:distance_km"][0] > unknown_merchants
    assert nulls["parcel_request:ordered_local_hour"] == (0, 0)
    assert all(online == offline for online, offline in nulls.values())


def test_every_claim_of_the_suite_holds_on_an_honest_world(recorded: Settings) -> None:
    results = parity.check_parity(recorded)
    assert [result for result in results if not result.passed] == []
    assert {result.suite for result in results} == {"parity"}
    shares = {result.table: result.observed for result in results if "share of nulls" in result.claim}
    assert shares[VIEW]["online"] == shares[VIEW]["offline"] > 0


def test_a_planted_skew_of_one_view_fails_that_view_alone_and_is_known_for_a_rewritten_row(world: Settings) -> None:
    plant(world, AS_OF, **{VIEW: Plant(lambda values: values.update({FEATURE: [value * 1.001 for value in values[FEATURE]]}))})
    report = parity.compare(world)
    assert set(differing(report)) == {(VIEW, FEATURE)}
    (reasons,) = differing(report).values()
    assert set(reasons) == {str(Reason.REWRITTEN)}
    failed = [result for result in parity.results_of(report) if not result.passed]
    assert [(result.table, result.claim.split(":")[0]) for result in failed] == [(VIEW, FEATURE)]
    assert failed[0].failing_rows == sum(reasons.values()) > 500
    assert failed[0].samples[0]["online"] == pytest.approx(failed[0].samples[0]["offline"] * 1.001)


def test_each_way_of_going_wrong_is_known_for_what_it_is(world: Settings) -> None:
    def whole(values: dict[str, list[Any]]) -> None:
        values[FEATURE] = [int(value) for value in values[FEATURE]]

    def narrow(schema: PackedSchema) -> PackedSchema:
        return PackedSchema(tuple((name, FieldType.INT64 if name == FEATURE else kind) for name, kind in schema.fields))

    def lacking(schema: PackedSchema) -> PackedSchema:
        return PackedSchema(tuple(field for field in schema.fields if field[0] != "handling_pace_90d"))

    def within_the_tolerance(values: dict[str, list[Any]]) -> None:
        values["transit_pace_90d"] = [value * (1 + 5e-7) for value in values["transit_pace_90d"]]

    planted = {
        "merchant_handling_90d": (Plant(age=DAY), Reason.LATE),
        "destination_state_pace_60d": (Plant(age=-DAY), Reason.FUTURE),
        VIEW: (Plant(whole, schema=narrow), Reason.TYPE),
        "category_handling_90d": (Plant(schema=lacking), Reason.NOT_ONLINE),
    }
    plant(world, AS_OF, **{view: how for view, (how, _) in planted.items()}, state_lane_pace_365d=Plant(within_the_tolerance))
    found = differing(parity.compare(world))
    reasons = {view: {reason for (of, _), given in found.items() if of == view for reason in given} for view, _ in found}
    assert reasons == {view: {str(reason)} for view, (_, reason) in planted.items()}
    assert ("merchant_handling_90d", "age_hours") in found
    assert {feature for view, feature in found if view == VIEW} == {FEATURE}
    assert {feature for view, feature in found if view == "category_handling_90d"} == {"handling_pace_90d"}


def test_a_time_to_live_that_one_side_does_not_keep_is_known_for_expiry(world: Settings) -> None:
    """Online keeps rows for ever, and its newest are past what the view says."""
    late = AS_OF + 4 * DAY
    set_clock(world, late)
    plant(world, late, **{VIEW: Plant(ttl_us=lambda _: 0)})
    found = differing(parity.compare(world))
    assert {view for view, _ in found} == {VIEW}
    assert {reason for reasons in found.values() for reason in reasons} == {str(Reason.EXPIRY)}


def test_a_row_that_was_withdrawn_is_known_for_another_publication(world: Settings, feature_manifest: dict[str, Any]) -> None:
    (view,) = [view for view in feature_manifest["views"] if view["model"] == MODEL]
    rows = feature_world.daily_rows(view)
    publish_anew(world, feature_manifest, rows.filter(pc.not_equal(rows["merchant_id"], "m2")))
    fill(world, AS_OF)
    found = differing(parity.compare(world))
    assert {view for view, _ in found} == {VIEW}
    assert {reason for reasons in found.values() for reason in reasons} == {str(Reason.WITHDRAWN)}


def test_a_request_time_formula_that_differs_is_known_for_it(world: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    names, compute = assembly.ON_DEMAND["parcel_request"]

    def skewed(columns: Any) -> Any:
        computed = dict(compute(columns))
        return computed | {"distance_km": computed["distance_km"] * 1.01}

    monkeypatch.setitem(assembly.ON_DEMAND, "parcel_request", (names, skewed))
    parity.record_served(world, AS_OF)
    found = differing(parity.compare(world))
    assert set(found) == {("parcel_request", "distance_km")}
    assert set(found["parcel_request", "distance_km"]) == {str(Reason.FORMULA)}


def test_places_that_differ_are_the_reason_of_keys_and_distances_that_follow(world: Settings, feature_manifest: dict[str, Any]) -> None:
    """m1 is said to be elsewhere in what is published; its online row is as before."""
    (path,) = world.paths.served_vectors.glob(f"{records._compact(AS_OF)}-*.parquet")
    published = records.read_records(world, AS_OF)[0].facts.views["merchant_profile"].published
    (view,) = [view for view in feature_manifest["views"] if view["name"] == "merchant_profile"]
    rows = feature_world.static_rows(view)
    moved = [23.0 if key == "m1" else lat for key, lat in zip(rows["merchant_id"].to_pylist(), rows["lat"].to_pylist(), strict=True)]
    states = ["BA" if key == "m1" else state for key, state in zip(rows["merchant_id"].to_pylist(), rows["state"].to_pylist(), strict=True)]
    rows = rows.set_column(rows.column_names.index("lat"), "lat", pa.array(moved, pa.float64()))
    rows = rows.set_column(rows.column_names.index("state"), "state", pa.array(states, pa.string()))
    pa.parquet.write_table(rows, world.paths.published / "features" / published)
    found = differing(parity.compare(world))
    assert set(found["merchant_profile", "lat"]) == {str(Reason.REWRITTEN)}
    assert set(found["parcel_request", "distance_km"]) == {str(Reason.INPUT)}
    assert set(found["state_lane_pace_365d", "transit_pace_90d"]) == {str(Reason.KEY)}
    assert path.exists()


def test_vectors_are_judged_by_what_was_published_then(world: Settings, feature_manifest: dict[str, Any]) -> None:
    (view,) = [view for view in feature_manifest["views"] if view["model"] == MODEL]
    rows = feature_world.daily_rows(view)
    other = pa.array([None if value is None else value + 1 for value in rows[FEATURE].to_pylist()], pa.float64())
    publish_anew(world, feature_manifest, rows.set_column(rows.column_names.index(FEATURE), FEATURE, other))
    report = parity.compare(world)
    assert differing(report) == {}
    assert set(report.stale) == {VIEW}
    failed = [result for result in parity.results_of(report) if not result.passed]
    assert [(result.table, result.claim) for result in failed] == [(VIEW, "the online store holds what is published, as of the clock")]
    fill(world, AS_OF)
    assert parity.compare(world).passed


def test_a_record_whose_dataset_is_gone_is_dropped_and_said(world: Settings, feature_manifest: dict[str, Any]) -> None:
    before = records.read_records(world, AS_OF)[0].facts.views[VIEW].published
    (view,) = [view for view in feature_manifest["views"] if view["model"] == MODEL]
    rows = feature_world.daily_rows(view)
    publish_anew(world, feature_manifest, pa.concat_tables([rows, rows.slice(0, 1)]))
    fill(world, AS_OF)
    (world.paths.published / "features" / before).unlink()
    report = parity.compare(world)
    assert report.passed
    assert [record.at for record in report.compared] == [AS_OF]
    assert report.dropped == {"2018-05-09T03:00:00Z": f"no longer published: {before}"}
    assert not report.is_enough


def test_recording_twice_keeps_one_record_and_a_clock_set_back_forgets_the_later(world: Settings) -> None:
    folder = world.paths.served_vectors
    before = sorted(path.name for path in folder.iterdir())
    assert len(before) == 2
    assert parity.has_served(world, AS_OF)
    assert parity.has_served_before(world, AS_OF)
    parity.record_served(world, AS_OF)
    assert sorted(path.name for path in folder.iterdir()) == before
    fill(world, AS_OF - 7 * DAY)
    assert not parity.has_served(world, AS_OF)
    assert parity.has_served(world, AS_OF - 7 * DAY)
    assert parity.compare(world).passed


def test_a_store_that_was_never_recorded_is_recorded_when_parity_is_asked(world: Settings) -> None:
    shutil.rmtree(world.paths.served_vectors)
    report = parity.compare(world)
    assert report.passed
    assert [record.at for record in report.compared] == [AS_OF]


def test_a_damaged_record_and_an_empty_store_are_refused(world: Settings) -> None:
    (first, _) = sorted(world.paths.served_vectors.iterdir())
    first.write_bytes(b"PAR1")
    with pytest.raises(IntegrityError, match="not a record of served vectors"):
        parity.compare(world)
    shutil.rmtree(world.paths.online_store.parent)
    with pytest.raises(StateError, match="nothing is materialized"):
        parity.compare(world)


def test_the_command_shows_each_view_writes_the_report_and_exits_with_4_where_one_differs(
    world: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradewind_cli.main import app

    monkeypatch.setenv("TRADEWIND_HOME", str(world.paths.home))
    report = tmp_path / "parity.html"
    good = CliRunner().invoke(app, ["features", "parity", "--source", "olist"])
    assert good.exit_code == 0, good.output
    assert VIEW in good.output
    plant(world, AS_OF, **{VIEW: Plant(lambda values: values.update({FEATURE: [value + 1 for value in values[FEATURE]]}))})
    bad = CliRunner().invoke(app, ["features", "parity", "--source", "olist", "--report", str(report)])
    assert isinstance(bad.exception, QualityError)
    assert bad.exception.exit_code == 4
    assert VIEW in str(bad.exception)
    assert f"{VIEW}: {Reason.REWRITTEN}" in " ".join(bad.output.split())
    assert str(Reason.REWRITTEN) in report.read_text(encoding="utf-8")
