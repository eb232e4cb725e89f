"""Three processes that are really killed (kill -9): before the commit of a registration, of a promotion, and within the journal."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import registry_victim

from tradewind_contracts.settings import Settings
from tradewind_lifecycle.doctor import diagnose, mend
from tradewind_registry import Registry

WORLD_CHECKS = {"features", "training sets", "bento", "service"}
"""What a registry without a world around it always lacks."""


@pytest.fixture
def two_versions(own_settings: Settings, tmp_path: Path) -> Settings:
    """eta@1, the champion, and eta@2."""
    with Registry.open(own_settings) as registry:
        for n in (1, 2):
            registry_victim.register(registry, f"made {n}", tmp_path / f"made {n}")
        registry.promote("eta", 1, why="first", who="ann")
    return own_settings


def _killed(settings: Settings, deed: str, point: str) -> None:
    victim = subprocess.Popen(
        [sys.executable, registry_victim.__file__, str(settings.paths.home), deed, point],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with victim:
        assert victim.stdout is not None
        said = victim.stdout.readline()
        os.kill(victim.pid, signal.SIGKILL)
        assert said.strip() == registry_victim.STANDING, victim.stderr.read() if victim.stderr else ""
    assert victim.returncode == -signal.SIGKILL


def _found(settings: Settings) -> dict[str, str]:
    findings = diagnose(settings, who="ann", deep=True).findings
    return {finding.check: finding.what for finding in findings if finding.check not in WORLD_CHECKS}


def _still_served(settings: Settings) -> Registry:
    registry = Registry.open(settings)
    champion = registry.resolve("eta@champion")
    assert champion.number == 1
    assert registry.open_bundle(champion).is_dir()
    return registry


def test_killed_before_a_registration_is_committed(two_versions: Settings, tmp_path: Path) -> None:
    _killed(two_versions, "register", "commit")
    assert _found(two_versions) == {}, "what it left is young: it may be on its way"
    with _still_served(two_versions) as registry:
        (orphan,) = registry.orphans()
        assert [version.number for version in registry.versions("eta")] == [1, 2]
        assert registry_victim.register(registry, "killed", tmp_path / "killed").bundle_digest == orphan
        assert registry.orphans() == []
    assert _found(two_versions) == {}


def test_killed_before_a_promotion_is_committed(two_versions: Settings) -> None:
    _killed(two_versions, "promote", "commit")
    assert _found(two_versions) == {}
    with _still_served(two_versions) as registry:
        assert [move.to_number for move in registry.history("eta")] == [1]
        registry.promote("eta", 2, why="again", who="ann")
        assert registry.aliases("eta") == {"champion": 2}
    assert _found(two_versions) == {}


def test_killed_within_the_journal_after_a_promotion_was_committed(two_versions: Settings) -> None:
    _killed(two_versions, "promote", "journal")
    with Registry.open(two_versions) as registry:
        assert registry.aliases("eta") == {"champion": 2}, "the commit stands"
        assert [move.to_number for move in registry.history("eta")] == [1, 2]
    assert "lacks 0 versions, verdicts of 0 versions and 1 moves" in _found(two_versions)["journal"]
    left = mend(two_versions, who="ann", deep=True).left
    assert [finding.check for finding in left.findings if finding.check not in WORLD_CHECKS] == []
