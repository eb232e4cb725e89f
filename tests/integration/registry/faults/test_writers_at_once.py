"""Three trainers register and promote, two services follow, a disk is full, a database is read-only: nothing is lost or half done."""

import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tradewind_contracts.errors import StateError
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_lifecycle.doctor import diagnose
from tradewind_registry import Registry, RegistryClient, VersionDraft

WORLD_CHECKS = {"features", "training sets", "bento"}
"""What a registry without a world around it always lacks."""


def _whats(settings: Settings) -> list[str]:
    return [finding.what for finding in diagnose(settings, who="ann", deep=True).findings if finding.check not in WORLD_CHECKS]


def test_two_services_and_three_trainers_at_once(
    registry_settings: Settings,
    draft: Callable[..., VersionDraft],
    bundle: Callable[..., Path],
    verdict: Callable[..., Verdict],
    together: Callable[..., list[Any]],
) -> None:
    with Registry.open(registry_settings) as registry:
        first = registry.register(draft("first"), bundle("first"))
        registry.record_verdicts("eta", 1, [verdict(gate) for gate in first.gates])
        registry.promote("eta", 1, why="first", who="ann")
    folders = {(trainer, n): bundle(f"tree {trainer} {n}") for trainer in range(3) for n in range(4)}

    def trains(trainer: int) -> list[int]:
        made = []
        with Registry.open(registry_settings) as registry:
            for n in range(4):
                version = registry.register(draft(f"{trainer} {n}"), folders[trainer, n])
                registry.record_verdicts("eta", version.number, [verdict(gate) for gate in version.gates])
                registry.promote("eta", version.number, why="newer", who=f"trainer {trainer}")
                made.append(version.number)
        return made

    def follows() -> int:
        with RegistryClient.open(registry_settings) as client:
            seen = set()
            for _ in range(60):
                version = client.resolve("eta@champion")
                assert client.open_bundle(version).is_dir()
                seen.add(version.number)
        return len(seen)

    answers = together(*(lambda trainer=trainer: trains(trainer) for trainer in range(3)), follows, follows)
    assert sorted(number for made in answers[:3] for number in made) == list(range(2, 14)), "no number twice, none left out"
    assert min(answers[3:]) >= 1
    with Registry.open(registry_settings) as registry:
        history = registry.history("eta")
        assert len(history) == 13
        assert [move.from_number for move in history[1:]] == [move.to_number for move in history[:-1]], "one after another"
        assert registry.aliases("eta")["champion"] == history[-1].to_number
    assert _whats(registry_settings) == []


def test_a_full_disk_refuses_and_leaves_all_as_it_was(
    own_settings: Settings, passed_versions_of: Registry, draft: Callable[..., VersionDraft], bundle: Callable[..., Path]
) -> None:
    passed_versions_of.close()
    large = bundle("x" * 2_000_000)

    def registers_without_room() -> None:
        # A file may not grow beyond a megabyte: the bundle does not fit, as on a disk that is full.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        with Registry.open(own_settings) as registry, pytest.raises(StateError, match=r"no version was registered|nothing was changed"):
            registry.register(draft("large"), large)

    child = os.fork()
    if child == 0:
        status = 1
        try:
            registers_without_room()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [version.number for version in passed_versions_of.versions("eta")] == [1, 2, 3]
    assert _whats(own_settings) == []
    assert passed_versions_of.register(draft("large"), large).number == 4, "with room again it goes"


def test_a_read_only_database_serves_and_refuses_to_be_written(
    own_settings: Settings, passed_versions_of: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed_versions_of.close()

    def read_only(connection: Any, _: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    event.listen(Engine, "connect", read_only)
    try:
        with Registry.open(own_settings) as registry:
            with pytest.raises(StateError, match=r"readonly database; nothing was changed"):
                registry.promote("eta", 2, why="better", who="ann")
            assert registry.resolve("eta@champion").number == 1, "services go on"
    finally:
        event.remove(Engine, "connect", read_only)
    assert [move.to_number for move in passed_versions_of.history("eta")] == [1]
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    (finding,) = [finding for finding in diagnose(own_settings, who="ann").findings if finding.check == "database"]
    assert "may not write" in finding.what
    assert "chmod u+w" in finding.how


@pytest.fixture
def passed_versions_of(
    own_settings: Settings, draft: Callable[..., VersionDraft], bundle: Callable[..., Path], verdict: Callable[..., Verdict]
) -> Registry:
    """eta@1 … eta@3 on SQLite, the first of them champion."""
    registry = Registry.open(own_settings)
    for n in (1, 2, 3):
        version = registry.register(draft(f"inputs {n}"), bundle(f"tree {n}"))
        registry.record_verdicts("eta", n, [verdict(gate) for gate in version.gates])
    registry.promote("eta", 1, why="first", who="ann")
    return registry
