"""A world whose first version may not be served has no champion, and says why."""

from collections.abc import Callable

import pytest

from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_lifecycle.training import champion_after, promote_candidate
from tradewind_registry import GateError, Registry

Verdicts = Callable[..., Verdict]


def test_a_world_without_any_champion_says_which_gates_kept_the_first_version_from_it(
    passed_versions: Registry, registry_settings: Settings, verdict: Verdicts
) -> None:
    passed_versions.record_verdicts("eta", 1, [verdict("covers", passed=False)])
    version = passed_versions.resolve("eta@1")
    with pytest.raises(GateError, match=r"world olist has no champion yet, and eta@1 may not be served: covers: 1\.0 is not ≤ 1;"):
        champion_after(registry_settings, version)
    passed_versions.promote("eta", 2, why="better", who="ann")
    assert champion_after(registry_settings, version).number == 2


def test_training_does_not_serve_again_what_a_person_rolled_back_from(passed_versions: Registry, registry_settings: Settings) -> None:
    for number in (1, 2):
        assert promote_candidate(registry_settings, passed_versions.resolve(f"eta@{number}"))
    passed_versions.rollback("eta", why="answers are nonsense", who="ann")
    heard: list[str] = []
    assert not promote_candidate(registry_settings, passed_versions.resolve("eta@2"), say=heard.append)
    assert "ann took eta@champion from it to eta@1" in heard[0]
    assert "answers are nonsense" in heard[0]
    assert "tradewind models promote eta@2" in heard[0]
    assert passed_versions.resolve("eta@champion").number == 1
    assert promote_candidate(registry_settings, passed_versions.resolve("eta@3")), "another version is another matter"
    passed_versions.promote("eta", 2, why="it was the network", who="ann")
    passed_versions.promote("eta", 3, why="a run's own choice", who="training")
    assert promote_candidate(registry_settings, passed_versions.resolve("eta@2")), "ann promoted it since"
    passed_versions.promote("eta", 1, why="slow and steady", who="ann")
    assert not promote_candidate(registry_settings, passed_versions.resolve("eta@2")), "a promotion of another is a word too"


def test_training_serves_a_version_only_instead_of_the_champion_that_it_was_judged_beside(
    passed_versions: Registry, registry_settings: Settings, verdict: Verdicts
) -> None:
    passed_versions.promote("eta", 1, why="the first", who="ann")
    for number in (2, 3):
        beside = verdict("not_worse", value=0.5).model_copy(update={"evidence": {"beside": 1}})
        passed_versions.record_verdicts("eta", number, [beside])
    assert promote_candidate(registry_settings, passed_versions.resolve("eta@2"))
    heard: list[str] = []
    assert not promote_candidate(registry_settings, passed_versions.resolve("eta@3"), say=heard.append)
    assert "eta@champion points to eta@2 by now" in heard[0]
    assert passed_versions.resolve("eta@champion").number == 2
    again = verdict("not_worse", value=0.4).model_copy(update={"evidence": {"beside": 2}})
    passed_versions.record_verdicts("eta", 3, [again])
    assert promote_candidate(registry_settings, passed_versions.resolve("eta@3"))
