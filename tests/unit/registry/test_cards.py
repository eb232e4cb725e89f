"""Cards say what the row says, and nothing else."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tradewind_contracts.verdicts import Gate, Verdict, judge
from tradewind_lifecycle.cards import markdown_table, render
from tradewind_lifecycle.sealing import evaluation_fields, observed_levels
from tradewind_registry import AliasMove, Version

AT = dt.datetime(2018, 4, 1, tzinfo=dt.UTC)


@pytest.fixture
def version(root: Path) -> Version:
    sample: dict[str, Any] = json.loads((root / "tests/fixtures/version_draft.json").read_text())
    return Version.model_validate(
        {**sample, "number": 7, "bundle_digest": "b" * 64, "bundle_files": {"model.txt": "c" * 64}, "created_at": AT}
    )


def _verdict(gate: str, value: float) -> Verdict:
    return judge(Gate(name=gate, claim=f"{gate} | claimed", direction="at_most", threshold=1.0), value, AT, interval=(0.5, 1.5))


def test_a_card_holds_every_digest_number_and_baseline_of_the_row(version: Version) -> None:
    card = render(version, [_verdict(gate, 1.0) for gate in version.gates], [], {"champion": 7}, {})
    digests = [
        version.bundle_digest,
        version.training_set_digest,
        version.entity_rows_digest,
        version.lock_digest,
        *version.view_specs.values(),
    ]
    assert all(digest in card for digest in digests)
    assert "Passed all its gates. Now `champion`." in card
    assert "| **mae_days** | 4.21 | 12.4 | 4.39 |" in card
    assert "| SP | 2,600 | 3.1 | – | 0.79 | – | 7.75 | 3.3 |" in card
    assert "mae_days of eta minus lane_median_days: -0.18 (95 % interval -0.31 to -0.05; below 0 is better)" in card
    assert "| 90% | 89.5% |" in card
    assert card.index("transit_hours_mean_90d") < card.index("handling_hours_mean_30d"), "features stand in order of importance"
    assert "![" not in card, "no plot was given"


@pytest.mark.parametrize(
    ("kind", "said"), [("real", "measured on **real** data"), ("simulated", "measured on **simulated** data"), (None, "was not stated")]
)
def test_a_card_says_whether_its_numbers_come_from_real_data(version: Version, kind: str | None, said: str) -> None:
    card = render(version.model_copy(update={"facts": {"data_kind": kind} if kind else {}}), [], [], {}, {})
    title, _, first, *_ = card.splitlines()
    assert title == "# Model card: eta@7 of world olist"
    assert said in first, "it stands before any number"


def test_a_card_says_what_its_metrics_mean_and_that_some_parcels_had_no_outcome_yet(version: Version) -> None:
    card = render(version.model_copy(update={"rows": 7944, "facts": {"holdout_under_way": 1672}}), [], [], {}, {})
    assert "`mae_days`: mean absolute error of p50" in card
    assert "1,672 of 7,944 judged parcels had no outcome yet" in card
    assert "no outcome yet" not in render(version.model_copy(update={"facts": {"holdout_under_way": 0}}), [], [], {}, {})


def test_a_card_names_the_gates_that_keep_a_version_from_being_served(version: Version) -> None:
    card = render(version, [_verdict("covers", 1.0), _verdict("covers", 2.0)], [], {}, {})
    assert "Has not passed: beats_lane_median, covers; it may not be served. No alias of its world points to it now." in card
    assert "| beats_lane_median |  | **not judged** |" in card
    assert "**failed** | 2 is not ≤ 1 (95 % interval 0.5 to 1.5)" in card


def test_a_card_shows_only_the_moves_of_its_own_version_and_the_plots_it_is_given(version: Version) -> None:
    moves = [
        AliasMove(
            model="eta",
            world="olist",
            alias="champion",
            action="promote",
            from_number=start,
            to_number=end,
            who="ann",
            why=why,
            run_id="",
            moved_at=AT,
        )
        for start, end, why in ((None, 5, "first"), (5, 7, "better"), (7, 8, "better still"), (8, 9, "another"))
    ]
    card = render(version, [], moves, {}, {"calibration": "calibration.png"})
    assert [why in card for why in ("| first |", "| better |", "| better still |", "| another |")] == [False, True, True, False]
    assert card.count("![") == 1
    assert "](calibration.png)" in card


def test_a_bar_in_a_cell_stays_inside_of_it() -> None:
    assert markdown_table(("a", "b"), [("x|y", "1\n2")], numbers=True) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 2 |"


def test_an_evaluation_is_sealed_with_its_baselines_and_nulls() -> None:
    nan = float("nan")
    fields = evaluation_fields(
        {
            "rows": 10,
            "overall": {"eta": {"n": 9, "mae_days": 1.5}, "promise": {"n": 9, "mae_days": nan}},
            "differences": {"promise": {"mae_days": -1.0, "low": -2.0, "high": None}},
            "slices": [
                {
                    "dimension": "state",
                    "value": "SP",
                    "n": 4,
                    "models": {"eta": {"n": 4, "mae_days": 1.0}, "promise": {"n": 4, "mae_days": 3}},
                }
            ],
        },
        "eta",
    )
    assert fields == {
        "rows": 10,
        "metrics": {"n": 9.0, "mae_days": 1.5},
        "baselines": {"promise": {"n": 9.0, "mae_days": None}},
        "differences": {"promise": {"mae_days": -1.0, "low": -2.0, "high": None}},
        "slices": {"state": {"SP": {"eta": {"n": 4.0, "mae_days": 1.0}, "promise": {"n": 4.0, "mae_days": 3.0}}}},
    }


def test_observed_levels_are_weighted_shares_of_known_outcomes() -> None:
    table = pa.table(
        {
            "p10_days": [1.0, 1.0, 1.0, 1.0],
            "p50_days": [2.0, 2.0, 2.0, 2.0],
            "p90_days": [3.0, 3.0, 3.0, 3.0],
            "actual_days": [0.5, 2.5, 9.0, None],
            "weight": [1.0, 2.0, 1.0, 5.0],
        }
    )
    assert observed_levels(table) == {"0.1": 0.25, "0.5": 0.25, "0.9": 0.75}
    assert observed_levels(table.slice(3)) == {"0.1": None, "0.5": None, "0.9": None}
