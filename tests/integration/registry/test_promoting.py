"""Aliases: moved only through the gates, with a history that says all."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tradewind_contracts.errors import IntegrityError, NotFoundError, SettingsError
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_registry import ConflictError, GateError, Registry, RegistryClient, VersionDraft

Verdicts = Callable[..., Verdict]


def test_a_promoted_version_is_what_the_alias_names(passed_versions: Registry, client: RegistryClient) -> None:
    move = passed_versions.promote("eta", 2, why="better", who="ann", run_id="run-2")
    assert move is not None
    assert (move.from_number, move.to_number, move.who, move.why, move.run_id) == (None, 2, "ann", "better", "run-2")
    assert client.resolve("eta@champion").number == client.resolve("eta").number == 2
    passed_versions.promote("eta", 3, why="better still", who="bob")
    assert client.resolve("eta").number == 3, "a client that resolved before sees the move"
    assert [(m.from_number, m.to_number) for m in client.history("eta")] == [(None, 2), (2, 3)]


def test_promoting_what_is_champion_moves_nothing(passed_versions: Registry) -> None:
    passed_versions.promote("eta", 2, why="better", who="ann")
    before = passed_versions.history("eta"), passed_versions.audit()
    assert passed_versions.promote("eta", 2, why="again", who="ann") is None
    assert (passed_versions.history("eta"), passed_versions.audit()) == before


@pytest.mark.parametrize(
    ("outcomes", "named"),
    [
        ({}, "beats_lane_median: no verdict; covers: no verdict"),
        ({"beats_lane_median": True}, "covers: no verdict"),
        ({"beats_lane_median": True, "covers": False}, "covers: 1.0 is not ≤ 1"),
        ({"beats_lane_median": True, "covers": True, "leaks": False}, "leaks: 1.0 is not ≤ 1"),
    ],
)
def test_a_version_without_all_verdicts_passed_is_never_promoted(
    registry: Registry,
    draft: Callable[..., VersionDraft],
    bundle: Callable[..., Path],
    verdict: Verdicts,
    outcomes: dict[str, bool],
    named: str,
) -> None:
    registry.register(draft(), bundle())
    registry.record_verdicts("eta", 1, [verdict(gate, passed) for gate, passed in outcomes.items()])
    with pytest.raises(GateError, match=f"eta@1 may not be served: {named}"):
        registry.promote("eta", 1, why="hope", who="ann")
    assert registry.aliases("eta") == {}
    assert registry.history("eta") == []
    refusal = registry.audit()[-1]
    assert (refusal.action, refusal.subject, refusal.who) == ("refused", "eta@champion", "ann")
    assert named in refusal.detail["reason"]


def test_the_last_verdict_of_a_gate_counts_and_the_earlier_ones_stay(passed_versions: Registry, verdict: Verdicts) -> None:
    passed_versions.record_verdicts("eta", 1, [verdict("covers", passed=False)])
    with pytest.raises(GateError, match="covers"):
        passed_versions.promote("eta", 1, why="hope", who="ann")
    passed_versions.record_verdicts("eta", 1, [verdict("covers", value=0.5)])
    assert passed_versions.promote("eta", 1, why="measured again", who="ann") is not None
    kept = [v.passed for v in passed_versions.verdicts(passed_versions.resolve("eta@1")) if v.gate == "covers"]
    assert kept == [True, False, True]


def test_a_verdict_that_says_the_same_is_recorded_once(passed_versions: Registry, verdict: Verdicts) -> None:
    version = passed_versions.resolve("eta@1")
    before = passed_versions.verdicts(version), passed_versions.audit()
    passed_versions.record_verdicts("eta", 1, [verdict(gate) for gate in version.gates])
    assert (passed_versions.verdicts(version), passed_versions.audit()) == before


def test_a_promotion_that_expects_another_champion_is_told(passed_versions: Registry) -> None:
    passed_versions.promote("eta", 1, why="first", who="ann", expected=None)
    with pytest.raises(ConflictError, match=r"points to eta@1 by now; ann moved it at 20.*Z \(promote\): first; nothing was changed"):
        passed_versions.promote("eta", 3, why="better", who="bob", expected=2)
    with pytest.raises(ConflictError, match="points to eta@1 by now; ann moved it"):
        passed_versions.promote("eta", 3, why="better", who="bob", expected=None)
    with pytest.raises(ConflictError, match="eta@challenger points to nothing by now"):
        passed_versions.promote("eta", 3, "challenger", why="better", who="bob", expected=2)
    assert passed_versions.promote("eta", 3, why="better", who="bob", expected=1) is not None


def test_rollbacks_go_back_one_promotion_each(passed_versions: Registry) -> None:
    for n in (1, 2, 3):
        passed_versions.promote("eta", n, why=f"step {n}", who="ann")
    assert passed_versions.rollback("eta", why="late parcels", who="bob").to_number == 2
    assert passed_versions.rollback("eta", why="still late", who="bob").to_number == 1
    with pytest.raises(NotFoundError, match="no earlier version"):
        passed_versions.rollback("eta", why="still late", who="bob")
    passed_versions.promote("eta", 3, why="mended", who="ann")
    assert passed_versions.rollback("eta", why="not mended", who="bob").to_number == 1
    moves = [(m.action, m.from_number, m.to_number) for m in passed_versions.history("eta")]
    assert moves == [
        ("promote", None, 1),
        ("promote", 1, 2),
        ("promote", 2, 3),
        ("rollback", 3, 2),
        ("rollback", 2, 1),
        ("promote", 1, 3),
        ("rollback", 3, 1),
    ]


def test_a_rollback_goes_through_the_gates_too(passed_versions: Registry, verdict: Verdicts) -> None:
    passed_versions.promote("eta", 1, why="first", who="ann")
    passed_versions.promote("eta", 2, why="second", who="ann")
    passed_versions.record_verdicts("eta", 1, [verdict("covers", passed=False)])
    with pytest.raises(GateError, match="eta@1 may not be served"):
        passed_versions.rollback("eta", why="late", who="bob")
    assert passed_versions.aliases("eta") == {"champion": 2}


def test_a_refused_rollback_says_what_can_be_served_instead(passed_versions: Registry, verdict: Verdicts) -> None:
    passed_versions.promote("eta", 1, why="first", who="ann")
    passed_versions.promote("eta", 2, why="second", who="ann")
    passed_versions.promote("eta", 3, why="third", who="ann")
    passed_versions.record_verdicts("eta", 2, [verdict("covers", passed=False)])
    with pytest.raises(
        GateError, match=r"eta@2 may not be served: covers: .*; nothing was moved; .*promote eta@1 --alias champion .*overrule eta@2"
    ):
        passed_versions.rollback("eta", why="late", who="bob")
    passed_versions.record_verdicts("eta", 1, [verdict("covers", passed=False)])
    with pytest.raises(GateError, match=r"nothing was moved; `tradewind models overrule eta@2"):
        passed_versions.rollback("eta", why="late", who="bob")
    assert passed_versions.aliases("eta") == {"champion": 3}


def test_a_version_whose_bundle_changed_is_never_promoted(passed_versions: Registry, registry_settings: Settings) -> None:
    passed_versions.promote("eta", 1, why="first", who="ann")
    digest = passed_versions.resolve("eta@2").bundle_digest
    (registry_settings.paths.bundles / digest / "model.txt").write_text("other")
    with pytest.raises(IntegrityError, match=r"model.txt"):
        passed_versions.promote("eta", 2, why="better", who="ann")
    assert passed_versions.resolve("eta").number == 1


@pytest.mark.parametrize(
    ("why", "who", "alias", "named"), [(" ", "ann", "champion", "why"), ("x", "", "champion", "who"), ("x", "ann", "7", "alias '7'")]
)
def test_a_move_without_a_reason_a_name_or_a_proper_alias_is_refused(
    passed_versions: Registry, why: str, who: str, alias: str, named: str
) -> None:
    with pytest.raises(SettingsError, match=named):
        passed_versions.promote("eta", 1, alias, why=why, who=who)


def test_aliases_of_one_model_move_apart(passed_versions: Registry) -> None:
    passed_versions.promote("eta", 1, why="first", who="ann")
    passed_versions.promote("eta", 3, "challenger", why="try", who="ann")
    assert passed_versions.aliases("eta") == {"challenger": 3, "champion": 1}
    assert [m.to_number for m in passed_versions.history("eta", "challenger")] == [3]
    with pytest.raises(NotFoundError, match="eta@canary is not set"):
        passed_versions.rollback("eta", "canary", why="x", who="ann")
