"""`tradewind features` in a fresh clone: what is declared is shown, whatever the terminal's width, and names that are not there are refused."""

import json
import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tradewind_cli.features.words import age, grouped, places, share
from tradewind_cli.main import app
from tradewind_contracts.errors import IntegrityError, NotFoundError, SettingsError


@pytest.fixture(autouse=True)
def _fresh_clone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_HOME", str(home))


def features(*arguments: str, width: int = 120) -> str:
    return (
        CliRunner(env={"COLUMNS": str(width)}).invoke(app, ["features", *arguments], standalone_mode=False, catch_exceptions=False).output
    )


@pytest.mark.parametrize("width", [80, 120])
def test_the_list_has_every_view_on_a_line_of_its_own_and_says_that_nothing_is_measured(width: int) -> None:
    lines = features("list", width=width).splitlines()
    rows = {line.split()[0]: line for line in lines if line.startswith(" ") and line.strip()}
    assert {"merchant_handling_90d", "destination_prefix_pace_365d", "parcel_request"} <= set(rows)
    assert "nobody" in rows["network_flow_7d"]
    assert "eta_v1" in rows["merchant_handling_90d"]
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    assert "nothing is measured; `make run` fills it" in " ".join(" ".join(lines).split())


@pytest.mark.parametrize("width", [80, 120])
def test_a_view_is_shown_on_one_screen_with_where_each_feature_comes_from(width: int) -> None:
    lines = features("show", "merchant_reviews_180d", width=width).splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    assert "feature_repo/merchants.py:" in text
    assert "dbt/models/features/ftr_merchant__reviews_180d.sql" in text
    assert "review_score_mean_180d reviews.score" in text
    assert "reviews_count_180d rows of parcels, reviews" in text


def test_a_feature_is_shown_by_its_name_alone_with_what_chooses_it(home: Path) -> None:
    text = " ".join(features("show", "review_score_mean_180d").split())
    assert text.startswith("merchant_reviews_180d:review_score_mean_180d: ")
    assert "made of reviews.score" in text
    assert "chosen by parcels (merchant_id, order_id, ordered_at), reviews (answered_at, order_id)" in text
    assert "column merchant_reviews_180d__review_score_mean_180d" in text
    assert not home.exists(), "to look changes nothing"


def test_a_view_is_found_by_its_table_too() -> None:
    assert features("show", "ftr_merchant__reviews_180d") == features("show", "merchant_reviews_180d")


def test_plain_json_has_the_same(home: Path) -> None:
    said = json.loads(features("list", "--json"))
    assert {view["view"] for view in said} >= {"merchant_profile", "parcel_request"}
    assert {view["measured"] for view in said} == {None}
    one = json.loads(features("show", "merchant_profile:lat", "--json"))
    assert (one["name"], one["made_of"], one["null_share"]) == ("lat", ["postal_areas.lat"], None)
    found = json.loads(features("search", "review", "score", "--json"))
    assert found[0]["name"] == "merchant_reviews_180d:review_score_mean_180d"
    unused = json.loads(features("list", "--unused", "--json"))
    assert "network_flow_7d" in {each["name"] for each in unused}


def test_what_nobody_uses_is_listed_with_the_steps_that_remove_it() -> None:
    text = features("list", "--unused", width=80)
    assert "network_flow_7d: no feature service takes it" in " ".join(text.split())
    assert "feature_repo/network.py:" in text
    assert "dbt/models/features/ftr_network__flow_7d.sql" in text


def test_a_search_says_where_the_words_were_found_and_that_there_is_more() -> None:
    lines = features("search", "promised_at").splitlines()
    assert lines[0].startswith("destination_state_flow_7d:late_share_7d  found in its ")
    assert "made of" in lines[0]
    assert re.fullmatch(r"\d+ more, with --limit \d+", features("search", "handling", "--limit", "1").splitlines()[-1])
    assert "nothing has all of 'unheard of'" in features("search", "unheard", "of")


def test_unknown_names_are_refused_with_what_is_near() -> None:
    with pytest.raises(NotFoundError, match="did you mean merchant_handling_90d"):
        features("show", "merchant_hnadling")
    with pytest.raises(NotFoundError, match="no model family 'etb'; there are: eta"):
        features("training-set", "etb")


def test_quantities_are_said_as_a_person_does() -> None:
    assert [age(hours) for hours in (None, 0, 3.4, -1, 71.9, 72, 20_000)] == ["–", "0 h", "3 h", "-1 h", "72 h", "3 days", "833 days"]
    assert [share(value) for value in (None, 0.0, 0.0004, 0.364, 1.0)] == ["–", "0", "< 0.1 %", "36.4 %", "100.0 %"]
    assert grouped(["a.x", "b.y", "a.z"]) == "a (x, z), b.y"
    assert places(["a.py:3", "b.sql", "a.py:7-9"]) == ["a.py:3, 7-9", "b.sql"]


def test_the_set_sealed_last_is_no_folder_of_something_else(home: Path) -> None:
    folder = home / "worlds" / "olist" / "training_sets"
    (folder / "asked").mkdir(parents=True)
    with pytest.raises(NotFoundError, match="no training set is sealed; `make run` seals one"):
        features("leaks", "--source", "olist")
    with pytest.raises(NotFoundError, match="no training set nobody… is sealed here"):
        features("leaks", "--source", "olist", "--training-set", "nobody")
    (folder / "abc").mkdir()
    (folder / "abc" / "manifest.json").write_text("{")
    os.utime(folder / "abc", (1, 1))
    with pytest.raises(IntegrityError, match=r"abc/manifest\.json: not the manifest of a sealed set"):
        features("leaks", "--source", "olist")


def test_days_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(SettingsError, match="days from 2018-05-02 to 2018-05-01: the last comes before the first"):
        features("backfill", "merchant_profile", "--from", "2018-05-02", "--to", "2018-05-01")
