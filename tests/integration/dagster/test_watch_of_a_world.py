"""The watch in the graph: a log that drifted proposes a retrain once, with the reason; a quiet or an unserved world says why it does not."""

import datetime as dt
import json
from pathlib import Path

import dagster as dg
import pytest

from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.settings import Settings, use
from tradewind_lifecycle.monitoring.standing import Proposal, Standing, read_standing, standing_path, write_standing

MADE = dt.datetime(2018, 6, 4, tzinfo=dt.UTC)
SHIFT = Proposal(version="eta@3", since="2018-05-07", monitors=("is_not_biased",), reason="is_not_biased since 2018-05-07: too early")


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    from dagster_project.execution import prepare_manifest

    prepare_manifest(use(source="olist"))
    from dagster_project.definitions import defs

    return defs


def tick(defs: dg.Definitions, settings: Settings, cursor: str | None) -> dg.SensorResult:
    context = dg.build_sensor_context(cursor=cursor, resources={"settings": settings})
    found = defs.resolve_sensor_def("shifts")(context)
    assert isinstance(found, dg.SensorResult)
    return found


def test_a_shift_proposes_one_retrain_with_its_reason_and_the_next_shift_another(defs: dg.Definitions, own_settings: Settings) -> None:
    write_standing(Standing(champion="eta@3", made_at=MADE, proposal=SHIFT), own_settings, "eta")
    first = tick(defs, own_settings, None)
    (request,) = first.run_requests or ()
    assert request.run_key == "olist: eta@3, since 2018-05-07"
    assert request.tags["tradewind/reason"] == SHIFT.reason
    assert request.tags["tradewind/version"] == "eta@3"
    again = tick(defs, own_settings, first.cursor)
    assert not again.run_requests
    assert "already" in str(again.skip_reason)
    write_standing(Standing(champion="eta@3", made_at=MADE), own_settings, "eta")
    quiet = tick(defs, own_settings, first.cursor)
    assert not quiet.run_requests
    assert "eta@3 is quiet as of 2018-06-04" in str(quiet.skip_reason)
    write_standing(Standing(champion="eta@3", made_at=MADE, proposal=SHIFT.model_copy(update={"since": "2018-07-02"})), own_settings, "eta")
    assert len(tick(defs, own_settings, quiet.cursor).run_requests or ()) == 1


def test_a_world_that_was_never_watched_or_has_no_log_says_so(defs: dg.Definitions, own_settings: Settings) -> None:
    assert "never watched" in str(tick(defs, own_settings, None).skip_reason)
    write_standing(Standing(champion="eta@1", made_at=MADE, skipped="world olist has no landed answer"), own_settings, "eta")
    assert "no landed answer" in str(tick(defs, own_settings, None).skip_reason)


def test_a_damaged_standing_is_refused_and_says_what_writes_it_anew(own_settings: Settings) -> None:
    path = write_standing(Standing(champion="eta@1", made_at=MADE), own_settings, "eta")
    path.write_text(path.read_text()[:20], encoding="utf-8")
    with pytest.raises(IntegrityError, match="tradewind monitor eta"):
        read_standing(own_settings, "eta")
    assert path == standing_path(own_settings, "eta")


def test_each_monitor_is_a_check_of_its_asset_and_the_generated_file_is_fresh(defs: dg.Definitions, root: Path) -> None:
    from dagster_project.generate import MONITORS, monitors_text
    from tradewind_models.eta.monitors import DRIFT_MONITORS, LIVE_MONITORS

    assert MONITORS.read_text(encoding="utf-8") == monitors_text()
    keys = {key.to_user_string() for key in defs.resolve_asset_graph().asset_check_keys}
    expected = {
        f"monitoring/eta_{kind}:{gate.name}" for kind, gates in (("drift", DRIFT_MONITORS), ("live", LIVE_MONITORS)) for gate in gates
    }
    assert expected <= keys
    assert json.loads(MONITORS.read_text())["eta"][0]["of"] == "drift"
