"""`tradewind features materialize | push | erase | serve`, on a small world."""

import datetime as dt
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import feature_world
import pytest
from typer.testing import CliRunner

from tradewind_cli.main import app
from tradewind_contracts.errors import NotFoundError, QualityError, SettingsError
from tradewind_contracts.settings import Settings
from tradewind_features.online.reader import OnlineReader, Presence

AS_OF = feature_world.AS_OF
VIEW, MODEL = "merchant_pace_365d", "ftr_merchant__pace_365d"
FEATURES = ("transit_pace_30d", "transit_pace_365d", "handling_pace_14d", "handling_pace_60d", "handling_pace_365d")


@pytest.fixture
def world(own_world: Callable[[dict[str, Any]], Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A world of the test's own, applied; the environment names its home."""
    settings = own_world({})
    monkeypatch.setenv("TRADEWIND_HOME", str(settings.paths.home))
    monkeypatch.setenv("TRADEWIND_SOURCE", settings.source)
    monkeypatch.setenv("COLUMNS", "200")
    return settings


def features(*arguments: str) -> str:
    return CliRunner().invoke(app, ["features", *arguments], standalone_mode=False, catch_exceptions=False).stdout


def record(**changed: Any) -> str:
    """One record of a merchant as JSON, one hour before the clock."""
    event = AS_OF.replace(hour=AS_OF.hour - 1).isoformat()
    return json.dumps({"merchant_id": "m1", "event_timestamp": event, **dict.fromkeys(FEATURES, 0.25), **changed})


def read(settings: Settings, key: str) -> tuple[int, float]:
    rows = OnlineReader(settings.paths.online_store).read(VIEW, [key], AS_OF)
    return int(rows.presence[0]), float(rows.values["transit_pace_30d"][0])


def test_from_materialized_to_pushed_to_erased(world: Settings) -> None:
    shown = features("materialize")
    line = next(line for line in shown.splitlines() if line.strip().startswith(VIEW))
    assert line.split()[:5] == [VIEW, "incremental", "3", "3", "0"]

    assert features("push", VIEW, "--json", record()) == f"{VIEW}: 1 records stand in the log and are served from now on\n"
    assert read(world, "m1") == (Presence.PRESENT, 0.25)
    features("push", VIEW, "--json", f"[{record(merchant_id='m2')}, {record(merchant_id='m3')}]")
    assert len(list((world.paths.pushed / MODEL).rglob("*.parquet"))) == 2

    shown = features("erase", "merchant_id", "m1", "--why", "asked to be forgotten")
    (line,) = [line for line in shown.splitlines() if line.strip().startswith(VIEW)]
    assert line.split() == [VIEW, "1", "1"]
    assert "training sets find it, until they are built again without it" in shown
    (noted,) = (world.paths.materializations.parent / "erasures").glob("*-merchant_id.json")
    note = json.loads(noted.read_text())
    assert (note["why"], note["rows"]["online"][VIEW], note["rows"]["pushed"][VIEW]) == ("asked to be forgotten", 1, 1)
    assert "m1" not in noted.read_text()
    features("materialize")
    assert read(world, "m1")[0] == Presence.ABSENT
    assert read(world, "m2") == (Presence.PRESENT, 0.25)


def test_records_come_from_files_too(world: Settings, tmp_path: Path) -> None:
    import pandas as pd

    features("materialize")
    # The world's clock stands still: records of one event could not be told apart.
    events = [(AS_OF - dt.timedelta(minutes=30 - minute)).isoformat() for minute in range(3)]
    frame = pd.DataFrame([json.loads(record(transit_pace_30d=minute + 1.0, event_timestamp=event)) for minute, event in enumerate(events)])
    for pace, ending in ((1.0, "json"), (2.0, "csv"), (3.0, "parquet")):
        file = tmp_path / f"records.{ending}"
        one = frame[frame["transit_pace_30d"] == pace]
        if ending == "json":
            file.write_text(json.dumps({name: list(values) for name, values in one.items()}))
        else:
            getattr(one, f"to_{ending}")(file, index=False)
        features("push", VIEW, "--file", str(file))
        assert read(world, "m1") == (Presence.PRESENT, pace)


def test_a_materialization_fits_a_narrow_terminal(world: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = features("materialize").splitlines()
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    (line,) = [line for line in lines if line.strip().startswith(VIEW)]
    assert line.split()[:4] == [VIEW, "3", "3", "0"]


def test_what_can_not_be_pushed_is_refused(world: Settings, tmp_path: Path) -> None:
    features("materialize")
    with pytest.raises(NotFoundError, match="view 'nobody' is not registered"):
        features("push", "nobody", "--json", record())
    with pytest.raises(QualityError, match=f"view {VIEW}, column transit_pace_30d"):
        features("push", VIEW, "--json", record(transit_pace_30d="quick"))
    for records, said in (
        ("[]", "no records"),
        ('{"merchant_id": "m1"}', "columns missing transit_pace_30d, "),
        (record(**dict.fromkeys(FEATURES)), "no feature has a value"),
    ):
        with pytest.raises(QualityError, match=f"push to view {VIEW}: {said}.*; nothing was written"):
            features("push", VIEW, "--json", records)
    with pytest.raises(SettingsError, match="one of the two"):
        features("push", VIEW)
    (tmp_path / "records.txt").write_text("x")
    with pytest.raises(SettingsError, match=r"expected \.json, \.csv or \.parquet"):
        features("push", VIEW, "--file", str(tmp_path / "records.txt"))
    assert not world.paths.pushed.exists()


def test_it_is_not_served_without_a_key(world: Settings) -> None:
    assert world.api_key is None
    with pytest.raises(SettingsError, match=r"feature server: no key, and it binds 127.0.0.1.*TRADEWIND_API_KEY"):
        features("serve")


def test_a_port_that_is_taken_is_refused_before_feast_is_loaded(world: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_API_KEY", "a-key-of-this-test")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            SettingsError, match=rf"port {port} on 127\.0\.0\.1 is in use .*; stop what holds it, or choose another with --port"
        ):
            features("serve", "--port", str(port))
