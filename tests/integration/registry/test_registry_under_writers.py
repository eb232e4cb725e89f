"""Several processes at once: opening, registering, promoting."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, inspect

from tradewind_contracts.instants import iso
from tradewind_contracts.settings import Settings
from tradewind_registry import ConflictError, Registry, VersionDraft

Together = Callable[..., list[Any]]


def test_first_openers_at_once_make_one_registry(registry_settings: Settings, together: Together) -> None:
    def open_it() -> list[str]:
        with Registry.open(registry_settings) as registry:
            return registry.models()

    assert together(*[open_it] * 8) == [[]] * 8
    engine = create_engine(registry_settings.database_url)
    assert set(inspect(engine).get_table_names()) >= {"alembic_version", "versions", "aliases", "alias_history"}
    engine.dispose()


def test_writers_at_once_get_dense_numbers_and_share_equal_inputs(
    registry_settings: Settings, together: Together, draft: Callable[..., VersionDraft], bundle: Callable[..., Path]
) -> None:
    folders = {key: bundle(f"tree {key}") for key in "abcdefgh"}

    def register(keys: str) -> dict[str, int]:
        with Registry.open(registry_settings) as registry:
            return {key: registry.register(draft(key), folders[key]).number for key in keys}

    first, second, third = together(lambda: register("abcdef"), lambda: register("ghabcd"), lambda: register("fedcba"))
    numbers = {**first, **second, **third}
    assert sorted(numbers.values()) == list(range(1, 9))
    assert all(answer[key] == numbers[key] for answer in (first, second, third) for key in answer)
    with Registry.open(registry_settings) as registry:
        assert [v.number for v in registry.versions("eta")] == list(range(1, 9))
        assert registry.orphans() == []
        for version in registry.versions("eta"):
            registry.open_bundle(version)


def test_promotions_at_once_come_one_after_another(passed_versions: Registry, registry_settings: Settings, together: Together) -> None:
    passed_versions.promote("eta", 1, why="first", who="ann")
    passed_versions.close()

    def promote(numbers: list[int]) -> list[int]:
        with Registry.open(registry_settings) as registry:
            moves = [registry.promote("eta", n, why="test", who="writer") for n in numbers]
        return [move.to_number for move in moves if move is not None]

    moved = together(lambda: promote([2, 1] * 5), lambda: promote([3, 2] * 5))
    history = passed_versions.history("eta")
    assert [later.from_number for later in history[1:]] == [earlier.to_number for earlier in history[:-1]]
    assert passed_versions.aliases("eta")["champion"] == history[-1].to_number
    assert len(history) == 1 + sum(len(numbers) for numbers in moved), "each move that a writer was told of stands in the history"


def test_of_two_that_expect_the_same_champion_one_wins_and_the_other_is_told(
    passed_versions: Registry, registry_settings: Settings, together: Together
) -> None:
    passed_versions.promote("eta", 1, why="first", who="ann")
    passed_versions.close()

    def promote(number: int) -> int:
        with Registry.open(registry_settings) as registry:
            move = registry.promote("eta", number, why="test", who="writer", expected=1)
        assert move is not None
        return move.to_number

    answers = together(lambda: promote(2), lambda: promote(3))
    assert "ConflictError" in answers
    (winner,) = [answer for answer in answers if answer != "ConflictError"]
    assert passed_versions.aliases("eta") == {"champion": winner}
    assert len(passed_versions.history("eta")) == 2


def test_rollbacks_at_once_go_back_one_step_for_each_that_succeeded(
    passed_versions: Registry, registry_settings: Settings, together: Together
) -> None:
    for n in (1, 2, 3):
        passed_versions.promote("eta", n, why=f"step {n}", who="ann")
    passed_versions.close()

    def roll_back() -> int:
        with Registry.open(registry_settings) as registry:
            return registry.rollback("eta", why="late", who="writer").to_number

    answers = [answer for answer in together(roll_back, roll_back) if answer != "ConflictError"]
    assert sorted(answers, reverse=True) == [2, 1][: len(answers)]
    assert passed_versions.aliases("eta")["champion"] == 3 - len(answers)


def test_champion_and_challenger_are_moved_at_once_and_neither_loses(
    passed_versions: Registry, registry_settings: Settings, together: Together
) -> None:
    passed_versions.promote("eta", 1, why="first", who="ann")
    passed_versions.close()

    def promote(alias: str, numbers: list[int]) -> int:
        with Registry.open(registry_settings) as registry:
            return sum(registry.promote("eta", n, alias, why="test", who=alias) is not None for n in numbers)

    together(lambda: promote("champion", [2, 1, 2]), lambda: promote("challenger", [3, 1, 3]), lambda: promote("challenger", [2, 3]))
    for alias in ("champion", "challenger"):
        history = passed_versions.history("eta", alias)
        assert [later.from_number for later in history[1:]] == [earlier.to_number for earlier in history[:-1]]
        assert passed_versions.aliases("eta")[alias] == history[-1].to_number
    assert [move.to_number for move in passed_versions.history("eta", "champion")] == [1, 2, 1, 2]


def test_who_comes_second_is_told_who_was_first_when_and_why(
    passed_versions: Registry, registry_settings: Settings, together: Together
) -> None:
    passed_versions.promote("eta", 1, why="first", who="ann")
    passed_versions.close()

    def promote(number: int, who: str) -> str:
        with Registry.open(registry_settings) as registry:
            try:
                registry.promote("eta", number, why=f"because of {number}", who=who, expected=1)
            except ConflictError as error:
                return str(error)
        return "moved"

    answers = together(lambda: promote(2, "bob"), lambda: promote(3, "eve"))
    assert sorted(answer == "moved" for answer in answers) == [False, True]
    (told,) = [answer for answer in answers if answer != "moved"]
    first = passed_versions.history("eta")[-1]
    assert f"eta@{first.to_number} by now; {first.who} moved it at {iso(first.moved_at)} (promote): because of {first.to_number}" in told


def test_rollbacks_and_promotions_at_once_leave_one_unbroken_history(
    passed_versions: Registry, registry_settings: Settings, together: Together
) -> None:
    for n in (1, 2, 3):
        passed_versions.promote("eta", n, why=f"step {n}", who="ann")
    passed_versions.close()

    def roll_back() -> int:
        with Registry.open(registry_settings) as registry:
            return registry.rollback("eta", why="late", who="bob").to_number

    def promote() -> int:
        with Registry.open(registry_settings) as registry:
            return int(registry.promote("eta", 1, why="old", who="eve") is not None)

    together(roll_back, promote, roll_back)
    history = passed_versions.history("eta")
    assert [later.from_number for later in history[1:]] == [earlier.to_number for earlier in history[:-1]]
    assert passed_versions.aliases("eta")["champion"] == history[-1].to_number
