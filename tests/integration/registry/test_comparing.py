"""How two versions differ: each subject, from what their rows seal."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradewind_contracts.errors import NotFoundError, SettingsError
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_registry import Registry, VersionDraft
from tradewind_registry.comparing import Difference, diff
from tradewind_registry.differences import diff_text


@pytest.fixture
def compared(
    own_settings: Settings, draft: Callable[..., VersionDraft], bundle: Callable[..., Path], verdict: Callable[..., Verdict], root: Path
) -> Any:
    """eta@1 and eta@2, which differ in one thing of each subject; eta@3 is eta@1 made anew; risk@1."""
    sample = json.loads((root / "tests/fixtures/version_draft.json").read_text())
    fields = copy.deepcopy({name: sample[name] for name in ("parameters", "metrics", "slices", "importance", "view_specs", "facts")})
    fields["parameters"]["num_leaves"] = 15
    fields["parameters"]["level"] = {"window_days": 14}
    fields["metrics"]["mae_days"] = 4.0
    fields["slices"]["destination_state"]["SP"]["eta"]["mae_days"] = 3.2
    fields["slices"]["destination_state"]["RJ"]["eta"]["n"] = 99
    fields["slices"]["distance"]["far"] = fields["slices"]["distance"].pop("under 300 km")
    fields["importance"] = {
        "merchant_handling_30d:handling_hours_mean_30d": 0.11,
        "state_lane_transit_90d:transit_hours_mean_90d": 0.4,
        "request:weight_g": 0.49,
    }
    fields["view_specs"]["merchant_handling_30d"] = "0" * 64
    fields["facts"]["training_rows"] = 60_000
    fields["intervals"] = {"mae_days": {"low": 3.9, "high": 4.1}}
    with Registry.open(own_settings) as registry:
        registry.register(draft("a"), bundle("a"))
        registry.register(draft("b", **fields), bundle("b"))
        registry.register(draft("c"), bundle("a"))
        registry.register(draft("a", model="risk"), bundle("a"))
        registry.record_verdicts("eta", 1, [verdict("beats_lane_median"), verdict("covers")])
        registry.record_verdicts("eta", 2, [verdict("beats_lane_median", passed=False), verdict("leaks")])
        yield registry


def test_each_subject_says_what_changed(compared: Registry) -> None:
    found = diff(compared, "eta@1", "eta@2")
    assert (found.features.added, found.features.removed, found.features.kept) == (["request:weight_g"], ["request:distance_km"], 2)
    assert next(iter(found.features.importance)) == "request:weight_g", "what moved most is first"
    assert list(found.features.views_changed) == ["merchant_handling_30d"]
    assert {name for name, pair in (found.data | found.code).items() if not pair.is_one} == {"training_rows", "bundle_digest"}
    assert {path: (pair.before, pair.after) for path, pair in found.parameters.items()} == {
        "num_leaves": (31, 15),
        "level.window_days": (None, 14),
    }
    mae = found.metrics["mae_days"]
    assert (mae.value.before, mae.value.after, mae.interval.after) == (4.21, 4.0, (3.9, 4.1))
    assert mae.baselines["lane_median_days"].before == 4.39
    assert found.slices is not None
    assert [(one.value, one.moved) for one in found.slices.compared] == [("SP", 0.1)]
    assert (found.slices.too_few_rows, found.slices.only_before, found.slices.only_after) == (1, 1, 1)
    states = {gate: (one.state.before, one.state.after) for gate, one in found.gates.items()}
    assert states == {"beats_lane_median": ("passed", "failed"), "covers": ("passed", "not judged"), "leaks": ("no gate", "passed")}
    assert found.same_holdout


def test_a_difference_taken_the_other_way_is_its_mirror(compared: Registry) -> None:
    there, back = diff(compared, "eta@1", "eta@2"), diff(compared, "eta@2", "eta@1")
    assert (there.features.added, there.features.removed) == (back.features.removed, back.features.added)
    assert {path: (pair.before, pair.after) for path, pair in there.parameters.items()} == {
        path: (pair.after, pair.before) for path, pair in back.parameters.items()
    }
    assert there.slices is not None
    assert back.slices is not None
    assert [one.moved for one in there.slices.compared] == [-one.moved for one in back.slices.compared]


def test_versions_of_equal_content_differ_in_nothing_but_their_gates(compared: Registry) -> None:
    found = diff(compared, "eta@1", "eta@3")
    assert not found.parameters
    assert not found.features.added + found.features.removed
    assert all(pair.is_one for pair in [*found.data.values(), *found.code.values(), *found.features.importance.values()])
    text = diff_text(found)
    assert "Parameters: the same" in text
    assert "Views: the same specs" in text
    assert "differs" not in text


def test_the_text_says_each_change_in_a_line_of_its_own(compared: Registry) -> None:
    found = diff(compared, "eta@1", "eta@2")
    lines = [" ".join(line.split()) for line in diff_text(found).splitlines()]
    assert lines[0] == "eta@1 → eta@2"
    for expected in (
        "Features: 2 in both; added: request:weight_g; removed: request:distance_km",
        "merchant_handling_30d 62c66a7a5dd7 → 000000000000",
        "num_leaves 31 15",
        "level.window_days – 14",
        "training rows 50,000 60,000",
        "mae_days 4.21 4 [3.9, 4.1] -0.21 12.4 4.39",
        "minus lane_median_days -0.18 [-0.31, -0.05] -0.18 [-0.31, -0.05]",
        "destination_state SP 2,600 3.1 3.2 +0.1",
        "(1 with fewer than 100 rows; 1 only in eta@1; 1 only in eta@2)",
        "beats_lane_median passed failed 1.0 is not ≤ 1",
    ):
        assert expected in lines, expected
    assert "Measured on different rows" not in diff_text(found)


def test_metrics_of_other_rows_are_said_to_be_so(
    compared: Registry, draft: Callable[..., VersionDraft], bundle: Callable[..., Path]
) -> None:
    compared.register(draft("d", training_set_digest="1" * 64), bundle("d"))
    found = diff(compared, "eta@1", "eta@4")
    assert not found.same_holdout
    assert "Measured on different rows" in diff_text(found)


def test_json_gives_the_difference_back(compared: Registry) -> None:
    found = diff(compared, "eta@1", "eta@2")
    assert Difference.model_validate_json(found.model_dump_json()) == found


def test_versions_of_two_models_or_one_that_is_not_there_are_refused(compared: Registry) -> None:
    with pytest.raises(SettingsError, match="eta@1 and risk@1: expected two versions of one model"):
        diff(compared, "eta@1", "risk@1")
    with pytest.raises(NotFoundError, match="no version eta@9"):
        diff(compared, "eta@1", "eta@9")
