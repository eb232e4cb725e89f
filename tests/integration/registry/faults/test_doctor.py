"""`tradewind doctor`: what it finds, what it mends, and what it leaves alone."""

import datetime as dt
import json
import os
import re
import shlex
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import typer
from registry_backup import Backup
from typer.testing import CliRunner

from tradewind_cli.main import app
from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.instants import Clock
from tradewind_contracts.segments import SegmentWriter, list_segments
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_lifecycle.doctor import Diagnosis, Finding, Severity, as_text, diagnose, mend
from tradewind_registry import Registry, VersionDraft

LONG_AGO = time.time() - 3 * 3600
WORLD_CHECKS = {"features", "training sets", "bento"}
"""What a registry without a world around it always lacks."""


@pytest.fixture
def registry_settings(own_settings: Settings) -> Settings:
    """SQLite: what doctor adds to the journal's own tests, which run on both backends, does not depend on it."""
    return own_settings


@pytest.fixture
def served(passed_versions: Registry) -> Registry:
    """eta@1, then eta@2 as champion."""
    passed_versions.promote("eta", 1, why="first", who="ann")
    passed_versions.promote("eta", 2, why="better", who="ann")
    return passed_versions


def _found(settings: Settings, deep: bool = False, clock: Clock | None = None) -> list[Finding]:
    return [finding for finding in diagnose(settings, who="ann", deep=deep, clock=clock).findings if finding.check not in WORLD_CHECKS]


def _left(diagnosis: Diagnosis) -> list[str]:
    return [finding.what for finding in diagnosis.findings if finding.check not in WORLD_CHECKS]


def _age(path: Path) -> None:
    for found in (*path.rglob("*"), path):
        os.utime(found, (LONG_AGO, LONG_AGO))


def _edit_a_byte(folder: Path) -> Path:
    file = folder / "model.txt"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    return file


def test_an_empty_home_is_clean_and_says_what_was_looked_at(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_HOME", str(own_settings.paths.home))
    own_settings.paths.home.mkdir(parents=True)
    answer = CliRunner().invoke(app, ["doctor"])
    assert answer.exit_code == 0
    assert answer.stdout.startswith("world simulator: nothing is wrong; looked at registry")
    assert not own_settings.paths.registry.exists(), "looking makes nothing"


def test_the_command_tells_a_program_and_exits_with_1(
    served: Registry, registry_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _edit_a_byte(served.open_bundle(served.resolve("eta@2")))
    monkeypatch.setenv("TRADEWIND_HOME", str(registry_settings.paths.home))
    answer = CliRunner().invoke(app, ["doctor", "--world", "olist", "--json"])
    assert answer.exit_code == 1
    told = json.loads(answer.stdout)
    assert told["clean"] is False
    assert {"check", "severity", "what", "where", "why", "how", "mendable"} == told["findings"][0].keys()


def test_a_bundle_edited_by_a_byte_is_refused_named_and_the_way_back_told(
    served: Registry, registry_settings: Settings, bundle: Callable[..., Path]
) -> None:
    file = _edit_a_byte(served.open_bundle(served.resolve("eta@3")))
    with pytest.raises(IntegrityError, match=re.escape(str(file))):
        served.promote("eta", 3, why="newest", who="ann")
    assert served.aliases("eta") == {"champion": 2}
    assert _found(registry_settings) == [], "nobody is served by it"
    assert [finding.severity for finding in _found(registry_settings, deep=True)] == [Severity.WARNING]
    _edit_a_byte(served.open_bundle(served.resolve("eta@2")))
    (finding,) = _found(registry_settings)
    assert finding.severity is Severity.CRITICAL
    assert "eta@2 (eta@champion)" in finding.what
    assert "tradewind models promote eta@1" in finding.how
    assert not finding.is_mendable
    source = registry_settings.paths.world / "candidates" / "0" / "bundle"
    source.parent.mkdir(parents=True)
    bundle("tree 2").rename(source)
    mended = mend(registry_settings, who="ann")
    assert _left(mended.left) == []
    assert served.open_bundle(served.resolve("eta@champion")).is_dir()


def test_only_old_entries_that_nobody_names_are_deleted_from_the_store(
    served: Registry, registry_settings: Settings, tmp_path: Path, draft: Callable[..., VersionDraft], bundle: Callable[..., Path]
) -> None:
    served.close()
    backup = Backup(registry_settings, tmp_path)
    lost = served.register(draft("inputs 4"), bundle("tree 4"))
    served.close()
    backup.restore()
    bundles = registry_settings.paths.bundles
    for name in ("a" * 64, "b" * 64):
        (bundles / name).mkdir()
        (bundles / name / "model.txt").write_text("x")
    for name in ("a" * 64, lost.bundle_digest):
        _age(bundles / name)
    assert {finding.check for finding in _found(registry_settings)} == {"orphans", "journal"}
    mended = mend(registry_settings, who="ann")
    assert _left(mended.left) == []
    assert not (bundles / ("a" * 64)).exists()
    assert (bundles / ("b" * 64)).exists(), "it may be on its way to a version"
    assert served.open_bundle(served.resolve("eta@4")).is_dir(), "a version that the database lost keeps its bundle"
    assert [entry.subject for entry in served.audit() if entry.action == "restored"] == ["eta@4"]


def test_a_database_that_is_gone_or_damaged_is_named_and_rebuilt(served: Registry, registry_settings: Settings) -> None:
    versions, history = served.versions("eta"), served.history("eta")
    served.close()
    database = registry_settings.paths.registry / "registry.db"
    for path in database.parent.glob("registry.db-*"):
        path.unlink()
    database.write_bytes(b"no database at all" * 100)
    (finding,) = [finding for finding in _found(registry_settings) if finding.check == "database"]
    assert "damaged" in finding.what
    assert not finding.is_mendable, "the file may be all that is left of the audit"
    database.rename(database.with_name("registry.db.damaged"))
    mended = mend(registry_settings, who="ann")
    assert _left(mended.left) == []
    with Registry.open(registry_settings) as registry:
        assert (registry.versions("eta"), registry.history("eta")) == (versions, history)


def test_an_alias_on_an_expired_overrule_or_a_gate_that_failed_since_is_told(
    served: Registry, registry_settings: Settings, verdict: Callable[..., Verdict]
) -> None:
    gate = served.resolve("eta@2").gates[0]
    served.record_verdicts("eta", 2, [verdict(gate, passed=False, value=2.0)])
    (finding,) = _found(registry_settings)
    assert finding.severity is Severity.CRITICAL
    assert "judged so after the promotion" in finding.what
    assert "goes back to eta@1" in finding.how
    served.overrule("eta", 2, gate, why="the lane is closed", who="dan", expires_at=Clock().now() + dt.timedelta(days=1))
    assert _found(registry_settings) == []
    later = Clock.frozen(Clock().now() + dt.timedelta(days=2))
    (finding,) = _found(registry_settings, clock=later)
    assert "the overrule has expired" in finding.what


def test_a_clock_that_jumps_back_changes_neither_order_nor_rollback(served: Registry, registry_settings: Settings) -> None:
    yesterday = Clock.frozen(Clock().now() - dt.timedelta(days=1))
    with Registry.open(registry_settings, clock=yesterday) as registry:
        registry.promote("eta", 3, why="the clock is wrong", who="ann")
        assert [move.to_number for move in registry.history("eta")] == [1, 2, 3]
        assert registry.rollback("eta", why="late", who="ann").to_number == 2
    (note,) = _found(registry_settings)
    assert note.severity is Severity.NOTE
    assert "goes backwards in time 1 times" in note.what
    (future, _) = _found(registry_settings, clock=Clock.frozen(Clock().now() - dt.timedelta(hours=2)))
    assert future.severity is Severity.WARNING
    assert "stamped in the future" in future.what


def test_a_world_without_champion_says_whom_to_promote(passed_versions: Registry, registry_settings: Settings) -> None:
    (finding,) = _found(registry_settings)
    assert finding.check == "champions"
    assert "tradewind models promote eta@3" in finding.how


def test_what_crashes_left_is_deleted_and_a_folder_between_two_renames_put_back(registry_settings: Settings) -> None:
    world = registry_settings.paths.world
    aside, left, young = world / "cards" / ".eta.x1.replaced", world / ".world.json.x2.partial", world / ".world.json.x3.partial"
    aside.mkdir(parents=True)
    (aside / "card.md").write_text("card")
    left.write_text("")
    young.write_text("")
    _age(aside)
    _age(left)
    assert [finding.severity for finding in _found(registry_settings)] == [Severity.CRITICAL, Severity.WARNING]
    assert _left(mend(registry_settings, who="ann").left) == []
    assert (world / "cards" / "eta" / "card.md").read_text() == "card"
    assert young.exists()
    assert not left.exists()


def test_a_segment_that_a_dead_service_left_open_is_sealed(registry_settings: Settings) -> None:
    raw = registry_settings.paths.prediction_log / "raw"
    writer = SegmentWriter(raw, pa.schema([("n", pa.int64())]))
    writer.append(pa.record_batch([pa.array([1, 2])], names=["n"]))
    assert _found(registry_settings) == [], "somebody writes to it"
    writer.close()
    assert [finding.check for finding in _found(registry_settings)] == ["prediction log"]
    assert _left(mend(registry_settings, who="ann").left) == []
    assert [path.suffix for path in list_segments(raw)] == [".parquet"]


def test_a_check_that_can_not_look_keeps_none_of_the_others_from_looking(
    served: Registry, registry_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OSError("the store is away")

    monkeypatch.setattr("tradewind_registry.bundles.LocalBundles.names", away)
    (finding,) = _found(registry_settings)
    assert (finding.check, finding.severity) == ("orphans", Severity.CRITICAL)
    assert "the store is away" in finding.what


def test_a_mend_that_is_refused_is_told_and_tried_once(registry_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    left = registry_settings.paths.world / ".world.json.x.partial"
    left.parent.mkdir(parents=True)
    left.write_text("")
    _age(left)

    def refuses(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuses)
    said: list[str] = []
    mended = mend(registry_settings, who="ann", say=said.append)
    assert len(mended.refused) == len(said) == 1
    assert not mended.left.is_clean


def test_each_command_that_is_named_can_be_typed(served: Registry, registry_settings: Settings, verdict: Callable[..., Verdict]) -> None:
    gate = served.resolve("eta@2").gates[0]
    served.record_verdicts("eta", 2, [verdict(gate, passed=False, value=2.0)])
    served.record_verdicts("eta", 1, [verdict(gate, passed=False, value=2.0)])
    texts = [as_text(diagnose(registry_settings, who="ann"))]
    _edit_a_byte(registry_settings.paths.bundles / served.resolve("eta@2").bundle_digest)
    texts.append(as_text(diagnose(registry_settings, who="ann")))
    named = {words for text in texts for words in re.findall(r"`(tradewind [^`]+)`", text)}
    assert len(named) >= 3
    root = typer.main.get_command(app)
    for words in sorted(named):
        _parse(root, shlex.split(words)[1:])


def _parse(group: typer.core.TyperGroup, words: list[str]) -> None:
    name, found, rest = group.resolve_command(typer.Context(group), words)
    if isinstance(found, typer.core.TyperGroup):
        _parse(found, rest)
    else:
        assert found is not None
        found.make_context(name, rest)


@pytest.fixture(autouse=True)
def _no_service_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's service may answer on this machine's port: it is not asked."""
    monkeypatch.setattr("tradewind_lifecycle.doctor.served._health", lambda _: None)
