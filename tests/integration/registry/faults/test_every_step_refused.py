"""The file system or the database refuses at any step of a write: each step is counted first, then refused once."""

import contextlib
import datetime as dt
import errno
import itertools
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from tradewind_contracts.errors import TradewindError
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_lifecycle.doctor import diagnose, mend
from tradewind_registry import Registry, VersionDraft

STEPS = (
    (os, "fsync"),
    (os, "utime"),
    (shutil, "copyfile"),
    (tempfile, "mkdtemp"),
    (tempfile, "mkstemp"),
    (Path, "mkdir"),
    (Path, "rename"),
    (Path, "replace"),
    (Path, "chmod"),
    (Path, "write_bytes"),
)
"""What the registry asks of the file system; of the database, each statement, each flush of them and each commit."""


@dataclass
class Refusing:
    """Refuses the ``at``-th step (from 0) with ENOSPC, once; counts them all."""

    at: int
    seen: list[str] = field(default_factory=list)

    def step(self, name: str) -> bool:
        self.seen.append(name)
        return len(self.seen) - 1 == self.at

    def instead_of(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            if self.step(name):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return function(*args, **kwargs)

        return run

    def statement(self, _connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        if self.step(sql.split("\n")[0][:60]):
            raise OperationalError(sql, {}, sqlite3.OperationalError("database or disk is full"))

    def commit(self, connection: Any) -> None:
        self.statement(connection, None, "commit")


@contextlib.contextmanager
def refusing(at: int) -> Iterator[Refusing]:
    counted = Refusing(at)
    listeners = (("before_cursor_execute", counted.statement), ("commit", counted.commit))
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in STEPS:
            patch.setattr(owner, name, counted.instead_of(name, getattr(owner, name)))
        for name, listener in listeners:
            event.listen(Engine, name, listener)
        try:
            yield counted
        finally:
            for name, listener in listeners:
                event.remove(Engine, name, listener)


@pytest.fixture
def registry_settings(own_settings: Settings) -> Settings:
    """One backend: what is counted is the same on both, and the deaths of test_registry_killed run on both."""
    return own_settings


Deed = Callable[[Registry, int], object]


def _every_step(registry: Registry, settings: Settings, deed: Deed, check: Callable[[int], None], least: int) -> None:
    for k in itertools.count():
        with refusing(k) as counted, contextlib.suppress(TradewindError):
            deed(registry, k)
        if len(counted.seen) <= k:
            break  # it ended before its k-th step: each was refused once
        _nothing_half_done(registry)
        check(k)
        deed(registry, k)
        _nothing_half_done(registry)
    assert k >= least, f"the steps were really counted: {counted.seen}"
    left = diagnose(settings, who="ann", deep=True)
    assert {finding.check for finding in left.findings if finding.severity != "note"} <= {"journal", "features", "training sets", "bento"}
    mended = mend(settings, who="ann", deep=True).left
    assert [finding.what for finding in mended.findings if finding.check in ("database", "journal", "bundles", "orphans", "gates")] == []


def _nothing_half_done(registry: Registry) -> None:
    for model in registry.models():
        numbers = [version.number for version in registry.versions(model)]
        assert numbers == list(range(1, len(numbers) + 1)), "dense, none twice"
        for alias in registry.aliases(model):
            history = registry.history(model, alias)
            assert registry.aliases(model)[alias] == history[-1].to_number, "an alias and its history move together"
    champion = registry.resolve("eta@champion")
    assert registry.open_bundle(champion).is_dir(), "the last good champion opens"


def test_registering(
    passed_versions: Registry, registry_settings: Settings, draft: Callable[..., VersionDraft], bundle: Callable[..., Path]
) -> None:
    passed_versions.promote("eta", 1, why="first", who="ann")
    folders = [bundle(f"step {k}") for k in range(100)]

    def register(registry: Registry, k: int) -> object:
        return registry.register(draft(f"step {k}"), folders[k])

    def check(k: int) -> None:
        found = passed_versions.find("eta", draft(f"step {k}").inputs_key)
        if found is not None:
            passed_versions.open_bundle(found)

    _every_step(passed_versions, registry_settings, register, check, least=25)


def test_promoting_and_rolling_back(passed_versions: Registry, registry_settings: Settings) -> None:
    passed_versions.promote("eta", 1, why="first", who="ann")

    def there_and_back(registry: Registry, k: int) -> None:
        if registry.aliases("eta")["champion"] == 1:
            registry.promote("eta", 2, why=f"step {k}", who="ann")
        registry.rollback("eta", why=f"step {k}", who="ann")

    def check(_: int) -> None:
        audited = [entry for entry in passed_versions.audit() if entry.action in ("promote", "rollback")]
        assert len(audited) == len(passed_versions.history("eta")), "each move is audited with it"

    _every_step(passed_versions, registry_settings, there_and_back, check, least=30)


def test_judging_and_overruling(passed_versions: Registry, registry_settings: Settings, verdict: Callable[..., Verdict]) -> None:
    passed_versions.promote("eta", 1, why="first", who="ann")
    gate = passed_versions.resolve("eta@3").gates[0]

    def overrule(registry: Registry, k: int) -> None:
        registry.record_verdicts("eta", 3, [verdict(gate, passed=False, value=float(k + 10))])
        registry.overrule("eta", 3, gate, why=f"step {k}", who="ann", expires_at=Clock().now() + dt.timedelta(days=1))

    def check(_: int) -> None:
        version = passed_versions.resolve("eta@3")
        assert {overrule.gate for overrule in passed_versions.overrules(version)} <= {gate}

    _every_step(passed_versions, registry_settings, overrule, check, least=20)
