"""A person's word against a failed gate: with a reason, for a while, and for just that verdict."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import PrivateAttr

from tradewind_contracts.errors import NotFoundError, SettingsError
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_registry import LONGEST_OVERRULE, GateError, Registry, RegistryClient, VersionDraft

Verdicts = Callable[..., Verdict]
START = dt.datetime(2018, 4, 1, 3, tzinfo=dt.UTC)
WEEK = dt.timedelta(days=7)


class Hands(Clock):
    """A clock that the test sets: hours after START."""

    _hours: float = PrivateAttr(0.0)

    def now(self) -> dt.datetime:
        return START + dt.timedelta(hours=self._hours)

    def turn(self, hours: float) -> None:
        self._hours = hours


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def judged(
    registry: Registry,
    registry_settings: Settings,
    hands: Hands,
    draft: Callable[..., VersionDraft],
    bundle: Callable[..., Path],
    verdict: Verdicts,
) -> Any:
    """A registry whose clock the test sets: eta@1 passed, eta@2 failed `covers`, eta@3 was judged by one of its two gates."""
    with Registry.open(registry_settings, hands) as opened:
        for n, covers in ((1, True), (2, False), (3, None)):
            opened.register(draft(f"inputs {n}"), bundle(f"tree {n}"))
            found = [verdict("beats_lane_median")] + ([] if covers is None else [verdict("covers", covers)])
            opened.record_verdicts("eta", n, found)
        yield opened


def test_an_overruled_version_is_served_and_each_record_says_by_whose_word(judged: Registry, client: RegistryClient) -> None:
    with pytest.raises(GateError, match=r"covers: 1\.0 is not ≤ 1"):
        judged.promote("eta", 2, why="needed", who="ann")
    made = judged.overrule("eta", 2, "covers", why="the strike is over", who="bob", expires_at=START + WEEK)
    assert (made.gate, made.who, made.why, made.recorded_at, made.expires_at) == (
        "covers",
        "bob",
        "the strike is over",
        START,
        START + WEEK,
    )
    move = judged.promote("eta", 2, why="needed", who="ann")
    assert move is not None
    assert client.resolve("eta").number == 2
    assert client.overrules(client.resolve("eta@2")) == [made]
    assert client.overrules(client.resolve("eta@1")) == []
    word, moved = judged.audit()[-2:]
    assert (word.action, word.subject, word.who, word.at) == ("overrule", "eta@2", "bob", START)
    assert (word.detail["gate"], word.detail["why"]) == ("covers", "the strike is over")
    (stood_on,) = moved.detail["overrules"]
    assert (moved.action, stood_on["gate"], stood_on["who"], stood_on["why"]) == ("promote", "covers", "bob", "the strike is over")
    judged.promote("eta", 1, why="passed by itself", who="ann")
    assert "overrules" not in judged.audit()[-1].detail


def test_an_overrule_ends_at_its_instant_and_the_alias_that_stands_on_it_is_told_of(judged: Registry, hands: Hands) -> None:
    judged.promote("eta", 1, why="first", who="ann")
    judged.overrule("eta", 2, "covers", why="the strike is over", who="bob", expires_at=START + WEEK)
    judged.promote("eta", 2, why="needed", who="ann")
    judged.promote("eta", 2, "challenger", why="needed", who="ann")
    judged.promote("eta", 1, why="back", who="ann")
    hands.turn(7 * 24 - 0.001)
    assert judged.promote("eta", 2, why="the last minute", who="ann") is not None
    assert judged.expired_overrules(hands.now()) == []
    hands.turn(7 * 24)
    stale = judged.expired_overrules(hands.now())
    assert [(one.world, one.alias, one.overrule.gate) for one in stale] == [
        ("olist", "challenger", "covers"),
        ("olist", "champion", "covers"),
    ]
    assert judged.resolve("eta").number == 2, "what is served stays until somebody moves it"
    judged.promote("eta", 1, why="away from it", who="ann")
    said = r"covers: 1\.0 is not ≤ 1 \(the overrule by bob expired 2018-04-08T03:00:00Z\)"
    with pytest.raises(GateError, match=said):
        judged.promote("eta", 2, why="too late", who="ann")
    with pytest.raises(GateError, match=said):
        judged.rollback("eta", why="too late", who="ann")
    judged.overrule("eta", 2, "covers", why="once more", who="eve", expires_at=START + 2 * WEEK)
    assert judged.rollback("eta", why="in time", who="ann").to_number == 2
    assert judged.audit()[-1].detail["overrules"][0]["who"] == "eve"


def test_a_clock_that_jumps_back_brings_no_expired_overrule_to_life(judged: Registry, hands: Hands) -> None:
    judged.overrule("eta", 2, "covers", why="the strike is over", who="bob", expires_at=START + WEEK)
    hands.turn(8 * 24)
    judged.promote("eta", 1, why="first", who="ann")
    hands.turn(24)
    with pytest.raises(GateError, match="expired"):
        judged.promote("eta", 2, why="by yesterday's clock", who="ann")


def test_a_later_failed_verdict_of_the_gate_is_not_what_was_overruled(judged: Registry, verdict: Verdicts) -> None:
    judged.overrule("eta", 2, "covers", why="the strike is over", who="bob", expires_at=START + WEEK)
    judged.record_verdicts("eta", 2, [verdict("covers", passed=False)])
    assert judged.promote("eta", 2, "challenger", why="the same finding is no new one", who="ann") is not None
    judged.record_verdicts("eta", 2, [verdict("covers", passed=False, value=2.0)])
    with pytest.raises(GateError, match=r"covers: 2\.0 is not ≤ 1$"):
        judged.promote("eta", 2, why="hope", who="ann")
    judged.record_verdicts("eta", 2, [verdict("covers", passed=False, value=1.0)])
    with pytest.raises(GateError, match=r"covers: 1\.0 is not ≤ 1$"):
        judged.promote("eta", 2, why="the old finding, found anew", who="ann")


def test_a_gate_that_the_family_does_not_name_is_overruled_like_its_own(judged: Registry, verdict: Verdicts) -> None:
    judged.record_verdicts("eta", 1, [verdict("leaks", passed=False)])
    with pytest.raises(GateError, match="leaks"):
        judged.promote("eta", 1, why="hope", who="ann")
    judged.overrule("eta", 1, "leaks", why="a false alarm", who="bob", expires_at=START + WEEK)
    assert judged.promote("eta", 1, why="looked at", who="ann") is not None


def test_one_overruled_gate_does_not_open_another(judged: Registry, verdict: Verdicts) -> None:
    judged.record_verdicts("eta", 2, [verdict("beats_lane_median", passed=False)])
    judged.overrule("eta", 2, "covers", why="the strike is over", who="bob", expires_at=START + WEEK)
    with pytest.raises(GateError, match=r"eta@2 may not be served: beats_lane_median: 1\.0 is not ≤ 1$"):
        judged.promote("eta", 2, why="hope", who="ann")


def test_the_last_overrule_of_a_verdict_counts_so_one_can_be_shortened(judged: Registry, hands: Hands) -> None:
    judged.overrule("eta", 2, "covers", why="the strike is over", who="bob", expires_at=START + WEEK)
    judged.overrule("eta", 2, "covers", why="only until noon", who="eve", expires_at=START + dt.timedelta(hours=9))
    hands.turn(9)
    with pytest.raises(GateError, match="the overrule by eve expired 2018-04-01T12:00:00Z"):
        judged.promote("eta", 2, why="late", who="ann")
    assert [one.who for one in judged.overrules(judged.resolve("eta@2"))] == ["bob", "eve"], "both are kept"


@pytest.mark.parametrize(
    ("number", "gate", "error", "said"),
    [
        (1, "covers", SettingsError, r"eta@1: gate covers passed \(1\.0 is ≤ 1\); there is nothing to overrule \(failed: none\)"),
        (3, "covers", SettingsError, "eta@3: gate covers was never judged; only a failed verdict can be overruled"),
        (2, "cover", NotFoundError, "eta@2 has no gate 'cover'; its gates: beats_lane_median, covers; failed: covers"),
        (9, "covers", NotFoundError, "no version eta@9; there are eta@1 … eta@3"),
    ],
)
def test_only_a_failed_verdict_can_be_overruled(judged: Registry, number: int, gate: str, error: type[Exception], said: str) -> None:
    before = judged.audit()
    with pytest.raises(error, match=said):
        judged.overrule("eta", number, gate, why="hope", who="ann", expires_at=START + WEEK)
    assert judged.audit() == before


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"why": " "}, "why: empty"),
        ({"who": ""}, "who: empty"),
        ({"expires_at": START}, r"expires_at: expected an instant after now \(2018-04-01T03:00:00Z\) and at most 90 days ahead"),
        ({"expires_at": START - WEEK}, "expires_at: expected an instant after now"),
        ({"expires_at": START + LONGEST_OVERRULE + dt.timedelta(microseconds=1)}, r"until 2018-06-30T03:00:00Z\), found 2018-06-30T03:00"),
        ({"expires_at": dt.datetime(2018, 4, 2)}, "an instant carries its zone"),
    ],
)
def test_an_overrule_without_reason_name_or_proper_end_is_refused(judged: Registry, fields: dict[str, Any], said: str) -> None:
    given = {"why": "x", "who": "ann", "expires_at": START + WEEK, **fields}
    with pytest.raises(SettingsError, match=said):
        judged.overrule("eta", 2, "covers", **given)
    assert judged.overrules(judged.resolve("eta@2")) == []
    assert judged.overrule("eta", 2, "covers", why="x", who="ann", expires_at=START + LONGEST_OVERRULE).is_over(START + LONGEST_OVERRULE)


def test_overrules_of_writers_at_once_are_all_kept(
    judged: Registry, registry_settings: Settings, together: Callable[..., list[Any]]
) -> None:
    judged.close()

    def overrule(who: str) -> str:
        with Registry.open(registry_settings, Clock.frozen(START)) as registry:
            return registry.overrule("eta", 2, "covers", why="at once", who=who, expires_at=START + WEEK).who

    assert together(*[lambda who=who: overrule(who) for who in ("ann", "bob", "eve")]) == ["ann", "bob", "eve"]
    assert sorted(one.who for one in judged.overrules(judged.resolve("eta@2"))) == ["ann", "bob", "eve"]
    assert [entry.action for entry in judged.audit()].count("overrule") == 3


def test_a_promotion_races_an_unfavourable_verdict_and_never_ends_between(
    judged: Registry, registry_settings: Settings, together: Callable[..., list[Any]], verdict: Verdicts
) -> None:
    judged.overrule("eta", 2, "covers", why="the strike is over", who="bob", expires_at=START + WEEK)
    judged.close()

    def promote() -> int | None:
        with Registry.open(registry_settings, Clock.frozen(START)) as registry:
            move = registry.promote("eta", 2, why="needed", who="ann")
        return move.to_number if move else None

    def judge() -> str:
        with Registry.open(registry_settings, Clock.frozen(START)) as registry:
            registry.record_verdicts("eta", 2, [verdict("covers", passed=False, value=3.0)])
        return "judged"

    moved, _ = together(promote, judge)
    actions = [entry.action for entry in judged.audit()]
    first = "promote" if moved == 2 else "verdicts"
    assert actions[-2] == first, "the audit has the order in which both were decided"
    assert judged.aliases("eta") == ({"champion": 2} if moved == 2 else {})
