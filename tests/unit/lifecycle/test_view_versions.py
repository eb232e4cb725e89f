"""Versions of a view: what living models need stays under a name of its own, whatever is declared, promoted or cut off between."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_contracts.errors import IntegrityError
from tradewind_lifecycle.views.living import Need
from tradewind_lifecycle.views.versions import VersionPlan, ViewVersion, plan_versions

CHAMPION, CHALLENGER = Need("eta@7", "champion"), Need("eta@9", "challenger")


def needed(*digests: str, view: str = "pace") -> dict[str, dict[str, tuple[Need, ...]]]:
    return {view: {digest: (CHAMPION,) for digest in digests}}


def test_a_redefined_view_that_a_champion_needs_stays_beside_under_its_number() -> None:
    plan = plan_versions({"pace": "b"}, [ViewVersion("pace", "pace", "a")], {"pace": "a"}, needed("a"))
    assert plan.numbers == {"pace": (2, 2)}
    assert {name: (kept.version.digest, kept.needs) for name, kept in plan.kept.items()} == {"pace_v1": ("a", (CHAMPION,))}
    assert (plan.drops, plan.moves, plan.retired, plan.lost) == ((), (("pace", "pace_v1", "a"),), (), ())


def test_a_redefined_view_that_nobody_needs_leaves_no_rows_of_another_meaning_behind() -> None:
    plan = plan_versions({"pace": "b"}, [ViewVersion("pace", "pace", "a")], {"pace": "a"}, {})
    assert (plan.kept, plan.drops, plan.moves) == ({}, ("pace",), ())
    assert [version.digest for version in plan.retired] == ["a"]


def test_a_store_that_does_not_say_what_its_rows_are_has_those_of_what_is_registered() -> None:
    plan = plan_versions({"pace": "b"}, [ViewVersion("pace", "pace", "a")], {"pace": ""}, needed("a"))
    assert plan.moves == (("pace", "pace_v1", "a"),)


def test_two_versions_stand_beside_the_third() -> None:
    registered = [ViewVersion("pace", "pace", "b", 2, 2), ViewVersion("pace_v1", "pace", "a", 1, 1)]
    plan = plan_versions({"pace": "c"}, registered, {"pace": "b", "pace_v1": "a"}, needed("a", "b"))
    assert {name: kept.version.digest for name, kept in plan.kept.items()} == {"pace_v1": "a", "pace_v2": "b"}
    assert (plan.numbers["pace"], plan.moves) == ((3, 3), (("pace", "pace_v2", "b"),))


def test_a_definition_that_is_declared_again_takes_its_name_and_number_back() -> None:
    registered = [ViewVersion("pace", "pace", "b", 2, 2), ViewVersion("pace_v1", "pace", "a", 1, 1)]
    plan = plan_versions({"pace": "a"}, registered, {"pace": "b", "pace_v1": "a"}, needed("a", "b"))
    assert plan.numbers == {"pace": (1, 2)}
    assert plan.moves == (("pace", "pace_v2", "b"), ("pace_v1", "pace", "a")), "the name is free before it is taken"
    later = plan_versions({"pace": "c"}, [ViewVersion("pace", "pace", "a", 1, 2)], {"pace": "a"}, needed("a"))
    assert later.numbers == {"pace": (3, 3)}, "a number is never given twice"


def test_a_view_that_left_the_repository_stays_while_it_is_needed_and_no_longer() -> None:
    registered = [ViewVersion("pace", "pace", "a")]
    kept = plan_versions({}, registered, {"pace": "a"}, needed("a"))
    assert (list(kept.kept), kept.moves) == (["pace_v1"], (("pace", "pace_v1", "a"),))
    gone = plan_versions({}, [ViewVersion("pace_v1", "pace", "a")], {"pace_v1": "a"}, {})
    assert (gone.kept, [version.name for version in gone.retired]) == ({}, ["pace_v1"])


def test_rows_that_outlived_the_registry_are_kept_for_whom_they_serve() -> None:
    plan = plan_versions({"pace": "b"}, [], {"pace": "a"}, needed("a"))
    assert plan.moves == (("pace", "pace_v1", "a"),)
    assert not plan.kept["pace_v1"].version.is_registered
    assert plan_versions({"pace": "b"}, [], {"pace": "b", "pace_v1": "a"}, needed("a")).moves == ()
    assert plan_versions({"pace": "b"}, [], {"pace": "b", "pace_v1": "a"}, {}).drops == ("pace_v1",)


def test_a_needed_definition_that_is_nowhere_is_told() -> None:
    assert plan_versions({"pace": "b"}, [], {}, needed("a")).lost == (("pace", "a", (CHAMPION,)),)


def test_a_declared_view_can_not_take_the_name_of_a_kept_version() -> None:
    with pytest.raises(IntegrityError, match="pace_v1, the name of a version that a living model needs"):
        plan_versions({"pace": "b", "pace_v1": "z"}, [ViewVersion("pace", "pace", "a")], {}, needed("a"))


@dataclass
class World:
    """What an apply reads and writes, without Feast: it can be cut off between the online store and the registry."""

    registered: dict[str, ViewVersion] = field(default_factory=dict)
    online: dict[str, str] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    declared: str = "a"

    def plan(self) -> VersionPlan:
        return plan_versions({"pace": self.declared}, self.registered.values(), self.online, needed(*self.needs))

    def apply(self, cut: bool = False) -> None:
        plan = self.plan()
        for name in plan.drops:
            del self.online[name]
        for name, place, digest in plan.moves:
            assert place not in self.online, "a name is taken only when it is free"
            self.online[place] = self.online.pop(name)
            assert self.online[place] == digest
        if cut:
            return
        number, count = plan.numbers["pace"]
        kept = {name: replace(kept.version, name=name) for name, kept in plan.kept.items() if kept.version.is_registered}
        self.registered = {"pace": ViewVersion("pace", "pace", self.declared, number, count), **kept}

    def materialize(self) -> None:
        self.online |= {name: version.digest for name, version in self.registered.items()}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("declare"), st.sampled_from("abcd")),
        st.tuples(st.just("need"), st.frozensets(st.sampled_from("abcd"), max_size=3)),
        st.tuples(st.just("apply"), st.booleans()),
        st.tuples(st.just("materialize"), st.none()),
    ),
    max_size=25,
)


@given(STEPS)
def test_whatever_is_cut_off_applying_again_ends_well_and_once_more_changes_nothing(steps: list[tuple[str, object]]) -> None:
    world = World()
    world.apply()
    world.materialize()
    for step, what in steps:
        if step == "declare":
            world.declared = str(what)
        elif step == "need":
            # Only what is there can be promoted.
            world.needs = frozenset(what) & {version.digest for version in world.registered.values()}  # type: ignore[call-overload]  # what a step holds goes by its name
        elif step == "apply":
            rows = set(world.online.values())
            world.apply(cut=bool(what))
            assert world.needs & rows <= set(world.online.values()), "rows that a living model reads are never lost, not even for a moment"
        else:
            world.materialize()
    world.apply()
    standing = {name: version.digest for name, version in world.registered.items()}
    assert standing["pace"] == world.declared
    assert set(standing.values()) == world.needs | {world.declared}
    assert all(standing.get(name) == digest for name, digest in world.online.items()), "rows stand under what they mean"
    before = (dict(world.registered), dict(world.online))
    again = world.plan()
    assert (again.drops, again.moves, again.retired, again.lost) == ((), (), (), ())
    world.apply()
    assert (world.registered, world.online) == before
