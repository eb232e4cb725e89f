"""`tradewind features` of a world whose features are published and registered: what is measured there, and its training sets."""

import json
from pathlib import Path

import eta_world
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from tradewind_cli.main import app
from tradewind_contracts.errors import SettingsError
from tradewind_contracts.settings import Settings
from tradewind_lifecycle import feature_store


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = eta_world.publish_world(tmp_path_factory.mktemp("features_cli") / "home")
    feature_store.apply(settings)
    return settings


@pytest.fixture(autouse=True)
def _home(world: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_HOME", str(world.home))
    monkeypatch.setenv("TRADEWIND_SOURCE", "olist")


def features(*arguments: str, width: int = 120) -> str:
    return (
        CliRunner(env={"COLUMNS": str(width)}).invoke(app, ["features", *arguments], standalone_mode=False, catch_exceptions=False).output
    )


@pytest.mark.parametrize("width", [80, 120])
def test_the_list_says_how_fresh_and_how_large_views_are_and_that_nothing_is_online(width: int) -> None:
    text = features("list", width=width)
    line = next(line for line in text.splitlines() if line.startswith(" merchant_pace_365d"))
    assert line.split()[-5:] == ["eta_v1", "–", "0.0", "450", "5"] if width == 120 else ["h", "eta_v1", "–", "0.0"]
    assert "3 h" in line
    assert "as of 2018-05-10 03:00 UTC" in text
    assert "online: no view" in text
    assert max(map(len, text.splitlines())) <= width


def test_a_view_shows_its_newest_row_its_nulls_and_its_cost() -> None:
    text = " ".join(features("show", "merchant_pace_365d").split())
    assert (
        "newest row 2018-05-10 00:00 UTC, 3 h old at the clock (2018-05-10 03:00 UTC), 3 entities; published up to 2018-05-31 00:00 UTC"
        in text
    )
    assert "online nothing" in text
    assert "450 rows; not known to build" in text


def test_a_training_set_is_made_once_says_what_it_holds_and_is_copied(tmp_path: Path) -> None:
    out = tmp_path / "frame.parquet"
    made = " ".join(features("training-set", "eta", "--as-of", "2018-04-01", "--out", str(out)).split())
    again = json.loads(features("training-set", "eta", "--as-of", "2018-04-01", "--json"))
    assert f"training set {again['digest'][:16]} of eta, made" in made
    assert "as of 2018-04-01 03:00 UTC: nothing known later is in it" in made
    assert f"{again['rows']:,} parcels, ordered 2018-01-01" in made
    assert "39 features of eta_v1" in made
    assert again["reused"]
    assert again["outcome"] == ["handed_over_at", "outcome_at", "duration_days", "observed_until_at"]
    table = pq.read_table(out)
    assert (table.num_rows, table.column_names) == (again["rows"], again["columns"])
    assert out.read_bytes() == Path(again["path"]).read_bytes()


def test_what_is_not_known_yet_is_refused() -> None:
    with pytest.raises(SettingsError, match="lies after the clock of world olist"):
        features("training-set", "eta", "--as-of", "2018-06-01")
