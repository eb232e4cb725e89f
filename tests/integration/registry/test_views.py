"""What a person reads in a terminal."""

import pytest

from tradewind_contracts.errors import NotFoundError
from tradewind_registry import Registry
from tradewind_registry.views import history_text, list_text, show_text


def test_the_list_shows_gates_aliases_and_the_main_metric_beside_the_baselines(passed_versions: Registry) -> None:
    passed_versions.promote("eta", 2, why="better", who="ann")
    lines = list_text(passed_versions).splitlines()
    assert [line.split()[:4] for line in lines[1:]] == [
        ["eta@3", "olist", "real", "–"],
        ["eta@2", "olist", "real", "champion"],
        ["eta@1", "olist", "real", "–"],
    ]
    assert all("2 of 2 passed  mae_days 4.21 (promise 12.4, lane_median_days 4.39)" in line for line in lines[1:])


def test_showing_a_version_tells_each_seal_and_each_gate(passed_versions: Registry) -> None:
    version = passed_versions.resolve("eta@3")
    text = show_text(passed_versions, "eta@3")
    seals = [
        version.bundle_digest,
        version.training_set_digest,
        version.entity_rows_digest,
        version.lock_digest,
        version.commit,
        version.run_id,
    ]
    assert all(seal in text for seal in [*seals, *version.view_specs.values()])
    assert all(f"{gate} " in text for gate in version.gates)


def test_the_history_tells_who_moved_what_and_why_the_newest_first(passed_versions: Registry) -> None:
    assert history_text(passed_versions, "eta") == "no alias of eta has been set yet in world olist"
    passed_versions.promote("eta", 1, why="the first", who="ann", run_id="run-1")
    passed_versions.promote("eta", 2, why="better", who="bob")
    passed_versions.rollback("eta", why="late in the north", who="eve")
    lines = history_text(passed_versions, "eta").splitlines()
    assert [line.split("  ")[-1].strip() for line in lines[1:]] == ["late in the north", "better", "the first"]
    assert "2 → 1  rollback  eve  –" in lines[1]
    assert "– → 1  promote   ann  run-1" in lines[3]


def test_an_empty_registry_and_an_unknown_model_say_so(registry: Registry) -> None:
    assert list_text(registry) == "no versions yet; `make run` registers one"
    for view in (list_text, history_text):
        with pytest.raises(NotFoundError, match="no model risk"):
            view(registry, "risk")
