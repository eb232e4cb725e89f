"""A process that dies at any step of registering or promoting: each step enumerated, each death real."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tradewind_contracts.digests import digest_folder
from tradewind_contracts.settings import Settings
from tradewind_registry import Registry, VersionDraft

KILLED, FINISHED, FAILED = 9, 0, 1


def _dies_at(step: int, deed: Callable[[], object]) -> int:
    """Run ``deed`` in a forked process that exits, with no clean-up, before its ``step``-th write; its exit status."""
    child = os.fork()
    if child == 0:
        status = FAILED
        try:
            _count_down(step)
            deed()
            status = FINISHED
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _count_down(step: int) -> None:
    left = [step]

    def tick(*_: object, **__: object) -> None:
        if left[0] == 0:
            os._exit(KILLED)
        left[0] -= 1

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            tick()
            return function(*args, **kwargs)

        return run

    for owner, name in (
        (os, "fsync"),
        (shutil, "copyfile"),
        (shutil, "rmtree"),
        (tempfile, "mkdtemp"),
        (Path, "rename"),
        (Path, "replace"),
    ):
        setattr(owner, name, counted(getattr(owner, name)))
    for name in ("before_cursor_execute", "commit"):
        event.listen(Engine, name, tick)


def test_a_death_at_any_step_of_registering_leaves_a_whole_version_or_garbage(
    registry_settings: Settings, draft: Callable[..., VersionDraft], bundle: Callable[..., Path]
) -> None:
    Registry.open(registry_settings).close()
    statuses = []
    for step in range(200):
        model, folder = f"m{step}", bundle(f"tree {step}")

        def register(model: str = model, folder: Path = folder) -> int:
            with Registry.open(registry_settings) as registry:
                return registry.register(draft(model=model), folder).number

        statuses.append(_dies_at(step, register))
        with Registry.open(registry_settings) as registry:
            before = registry.versions(model)
            assert [v.number for v in before] in ([], [1])
            for version in before:
                registry.open_bundle(version)
        for kept in registry_settings.paths.bundles.glob("[!.j]*"):  # neither temporary nor the journal
            assert digest_folder(kept) == kept.name, "a bundle has its name only when it is whole"
        assert register() == 1, "asking again finishes what was begun"
        if statuses[-1] != KILLED:
            break
    assert statuses == [KILLED] * (len(statuses) - 1) + [FINISHED]
    assert len(statuses) > 20, "the steps were really counted"
    with Registry.open(registry_settings) as registry:
        assert all(name.endswith(".partial") or name.startswith("..") for name in registry.orphans()), "whole bundles all found their rows"


def test_a_death_at_any_step_of_promoting_moves_the_alias_with_its_history_or_not_at_all(
    passed_versions: Registry, registry_settings: Settings
) -> None:
    passed_versions.promote("eta", 1, why="first", who="ann")
    statuses = []
    for step in range(200):
        target = 2 if passed_versions.aliases("eta")["champion"] == 1 else 1
        passed_versions.close()

        def promote(target: int = target) -> None:
            with Registry.open(registry_settings) as registry:
                registry.promote("eta", target, why=f"step {target}", who="writer")

        statuses.append(_dies_at(step, promote))
        history = passed_versions.history("eta")
        assert passed_versions.aliases("eta") == {"champion": history[-1].to_number}
        moved = [entry for entry in passed_versions.audit() if entry.action == "promote"]
        assert len(moved) == len(history)
        if statuses[-1] != KILLED:
            break
    assert statuses == [KILLED] * (len(statuses) - 1) + [FINISHED]
    assert passed_versions.history("eta")[-1].to_number == target
    assert len(statuses) > 8, "the steps were really counted"


def test_a_bundle_whose_row_was_never_written_is_listed_as_an_orphan(
    registry: Registry, draft: Callable[..., VersionDraft], bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Registry, "_audit", dies)
    with pytest.raises(KeyboardInterrupt):
        registry.register(draft(), bundle())
    (orphan,) = registry.orphans()
    monkeypatch.undo()
    assert registry.models() == []
    assert registry.register(draft(), bundle()).bundle_digest == orphan
    assert registry.orphans() == []
