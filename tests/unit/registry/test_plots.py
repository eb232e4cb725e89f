"""Plots are drawn from a verdict's evidence and a version's row, say so what is absent, and are well-formed whatever people wrote."""

import datetime as dt
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
import pytest

from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.verdicts import Verdict
from tradewind_lifecycle.plots import draw
from tradewind_lifecycle.plots.axes import Scale, number
from tradewind_lifecycle.plots.days import by_day, error_by_day
from tradewind_lifecycle.plots.evidence import evidence_of
from tradewind_lifecycle.plots.versions import plots_of
from tradewind_registry import Version

AT = dt.datetime(2018, 4, 1, tzinfo=dt.UTC)
INTERVAL = {"plot": "interval", "value": -0.2, "low": -0.3, "high": -0.1, "threshold": 0.0, "unit": "days"}
BARS = {"plot": "bars", "labels": ["RJ", "SP"], "values": [1.2, 0.9], "threshold": 1.15, "unit": ""}
LEVELS = {"plot": "levels", "claimed": [0.1, 0.9], "observed": [0.12, 0.88], "low": [0.1, 0.85], "high": [0.14, 0.9], "threshold": 0.05}
COUNT = {"plot": "count", "failed": 3, "of": 214}


def words_of(svg: str) -> str:
    """All text of a drawing; it parses, or the test fails."""
    return " ".join("".join(part.itertext()) for part in ET.fromstring(svg).iter())


def _predictions(**columns: Any) -> pa.Table:
    given = {
        "ordered_at": pa.array([AT + dt.timedelta(hours=h) for h in range(120)], pa.timestamp("us", "UTC")),
        "p10_days": np.full(120, 5.0),
        "p50_days": np.full(120, 8.0),
        "p90_days": np.full(120, 14.0),
        "actual_days": np.linspace(4.0, 16.0, 120),
        "weight": np.ones(120),
    }
    return pa.table({**given, **columns})


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (INTERVAL, ["threshold 0", "-0.2, 95 % interval -0.3 to -0.1", "days"]),
        (BARS, ["RJ", "1.2", "SP", "threshold 1.15"]),
        (LEVELS, ["claimed 10%, observed 12.0%", "± 0.05 allowed"]),
        (COUNT, ["3 failed of 214"]),
        ({**COUNT, "failed": None}, ["not measured"]),
        ({**INTERVAL, "value": None, "low": None, "high": None}, ["not measured", "threshold 0"]),
        ({**BARS, "labels": [], "values": []}, ["nothing was measured"]),
        ({**LEVELS, "claimed": [], "observed": [], "low": [], "high": []}, ["nothing was measured"]),
        ({"plot": "interval", "value": 1e12, "threshold": 1e12}, ["1,000,000,000,000"]),
    ],
)
def test_each_form_of_evidence_says_its_numbers_and_what_was_not_measured(evidence: dict[str, Any], said: list[str]) -> None:
    words = words_of(draw(evidence, "a gate"))
    assert [part for part in said if part not in words] == []


def test_evidence_of_an_unknown_form_is_refused_by_name() -> None:
    with pytest.raises(IntegrityError, match="its form is 'pie'"):
        draw({"plot": "pie"}, "a gate")


def test_only_the_bars_beyond_the_threshold_are_marked_and_the_longest_of_many_are_drawn() -> None:
    assert draw(BARS).count('<rect class="fill-limit"') == draw(BARS).count('<rect class="fill-model"') == 1
    many = {"plot": "bars", "labels": [f"s{i}" for i in range(40)], "values": list(range(40)), "threshold": None, "unit": "days"}
    words = words_of(draw(many))
    assert "s39" in words
    assert "s23" not in words.split()
    assert "the first of 40" in words


def test_what_people_wrote_is_escaped_and_what_xml_has_no_form_for_is_replaced() -> None:
    svg = draw({**BARS, "labels": ["</text><script>x</script>", "a\0b&"]}, '"><b>')
    assert "<script" not in svg
    assert "</text><script>x</script>" in words_of(svg)
    assert "\0" not in svg


def test_a_verdict_without_evidence_is_drawn_from_its_numbers() -> None:
    verdict = Verdict(gate="g", claim="c", passed=True, value=0.9, threshold=1.0, reason="", decided_at=AT, interval=(0.8, 0.95))
    assert evidence_of(verdict) == {"plot": "interval", "value": 0.9, "low": 0.8, "high": 0.95, "threshold": 1.0, "unit": ""}
    assert evidence_of(verdict.model_copy(update={"evidence": COUNT})) == COUNT
    assert evidence_of(verdict.model_copy(update={"evidence": {"plot": "of a later release"}}))["plot"] == "interval"


def test_a_scale_shows_all_values_with_round_numbers_between() -> None:
    scale = Scale.over([3.0, 47.0], 0, 100, zero=True)
    assert scale(0) == 0
    assert 0 < scale(3.0) < scale(47.0) < 100
    assert scale.ticks() == [0, 20, 40]
    assert Scale.over([], 0, 1).low < Scale.over([], 0, 1).high
    assert Scale.over([5.0, 5.0], 0, 1)(5.0) == pytest.approx(0.5)
    assert [number(value) for value in (0, 0.12345, 1234.5, 2e9, 1e-7)] == ["0", "0.1235", "1,234", "2,000,000,000", "1e-07"]


def test_days_are_kept_as_a_few_numbers_and_those_largely_under_way_have_no_mean() -> None:
    actual = [10.0] * 24 + [9.0, *[5.0] * 95]
    under_way = np.arange(120) >= 96 + 20
    weight = np.where(np.arange(120) == 24, 20.0, 1.0)
    predictions = _predictions(actual_days=pa.array(actual, mask=under_way), weight=weight, promise_days=np.full(120, 30.0))
    found = by_day(predictions)
    assert found["days"][0] == "2018-04-01"
    assert (found["delivered"], found["under_way"]) == ([24, 24, 24, 24, 20], [0, 0, 0, 0, 4])
    assert found["mae"]["p50"] == pytest.approx([2.0, (1.0 + 23 * 3.0) / 24, 3.0, 3.0, None], abs=1e-4)
    assert found["bias"][0] == -2.0
    assert found["coverage"] == [1.0] * 4 + [None]
    assert min(value for value in found["mae"]["promise"] if value is not None) > 19
    assert len(json.dumps(found, allow_nan=False)) < 1000
    words = words_of(error_by_day(found, "eta@7"))
    assert "2018-04-01: 2 days" in words
    assert "promise" in words
    assert "2018-04-05: 20 delivered, 4 under way" in words


def test_days_without_any_outcome_and_no_days_at_all_are_still_drawn() -> None:
    nothing = _predictions(actual_days=pa.nulls(120, pa.float64()))
    assert set(by_day(nothing)["mae"]["p50"]) == {None}
    for table in (nothing, nothing.slice(0, 0)):
        assert words_of(error_by_day(by_day(table), "eta@7"))


def test_a_version_has_a_plot_of_all_that_its_row_measured_and_none_of_what_it_did_not(root: Path) -> None:
    sample = json.loads((root / "tests/fixtures/version_draft.json").read_text())
    sealed = {"number": 7, "bundle_digest": "b" * 64, "bundle_files": {"model.txt": "c" * 64}, "created_at": AT}
    version = Version.model_validate({**sample, **sealed, "intervals": {"mae_days": {"low": 4.0, "high": 4.4}}})
    plots = plots_of(version)
    assert sorted(plots) == ["calibration", "error_by_destination_state", "error_by_distance", "importance", "metrics"]
    assert "SP (2,600)" in words_of(plots["error_by_destination_state"])
    assert "observed 89.5%" in words_of(plots["calibration"])
    assert "<style>" not in plots["metrics"]
    assert "<style>" in plots_of(version, alone=True)["metrics"]
    assert "error_by_day" in plots_of(version.model_copy(update={"facts": {"by_day": by_day(_predictions())}}))
    bare = {"metrics": {}, "slices": {}, "calibration": {}, "importance": {}, "baselines": {}}
    assert plots_of(version.model_copy(update=bare)) == {}
