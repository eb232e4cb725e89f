"""A registry on each backend, and what to put into it."""

import datetime as dt
import hashlib
import json
import multiprocessing
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tradewind_contracts.errors import TradewindError
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_registry import Registry, RegistryClient, VersionDraft

POSTGRESQL_URL = os.environ.get("TEST_POSTGRESQL_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")


@pytest.fixture(scope="session")
def postgresql_server() -> str:
    """URL of a PostgreSQL that answers; skips where none does."""
    engine = create_engine(POSTGRESQL_URL, connect_args={"connect_timeout": 3})
    try:
        engine.connect().close()
    except OperationalError as error:
        pytest.skip(f"no PostgreSQL answers at {engine.url.render_as_string(hide_password=True)}: {str(error.orig).strip()}")
    finally:
        engine.dispose()
    return POSTGRESQL_URL


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def registry_settings(request: pytest.FixtureRequest, home: Path) -> Iterator[Settings]:
    """Settings of an empty registry: a SQLite file, then an own schema in PostgreSQL."""
    if request.param == "sqlite":
        yield Settings(home=home, world="olist")
        return
    server = request.getfixturevalue("postgresql_server")
    schema = f"tradewind_test_{uuid.uuid4().hex}"
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text(f"create schema {schema}"))
    try:
        yield Settings(home=home, world="olist", registry_url=f"{server}?options=-csearch_path%3D{schema}")
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"drop schema {schema} cascade"))
        engine.dispose()


@pytest.fixture
def registry(registry_settings: Settings) -> Iterator[Registry]:
    with Registry.open(registry_settings) as opened:
        yield opened


@pytest.fixture
def client(registry: Registry, registry_settings: Settings) -> Iterator[RegistryClient]:
    """The read client of the same registry."""
    with RegistryClient.open(registry_settings) as opened:
        yield opened


@pytest.fixture
def draft(root: Path) -> Callable[..., VersionDraft]:
    """Makes a draft; ``key`` names its inputs, further arguments replace fields."""
    sample = json.loads((root / "tests/fixtures/version_draft.json").read_text())

    def make(key: str = "inputs", **fields: Any) -> VersionDraft:
        return VersionDraft.model_validate({**sample, "inputs_key": hashlib.sha256(key.encode()).hexdigest(), **fields})

    return make


@pytest.fixture
def bundle(tmp_path: Path) -> Callable[..., Path]:
    """Makes a bundle's folder, different for each ``text``."""

    def make(text: str = "tree") -> Path:
        folder = tmp_path / f"made-{uuid.uuid4().hex}"
        (folder / "tables").mkdir(parents=True)
        (folder / "model.txt").write_text(text)
        (folder / "tables" / "calibration.json").write_text("{}")
        return folder

    return make


@pytest.fixture
def verdict() -> Callable[..., Verdict]:
    """Makes a gate's outcome."""

    def make(gate: str, passed: bool = True, value: float = 1.0) -> Verdict:
        return Verdict(
            gate=gate,
            claim=f"{gate} holds",
            passed=passed,
            value=value,
            threshold=1.0,
            reason=f"{value} {'is' if passed else 'is not'} ≤ 1",
            decided_at=dt.datetime(2018, 4, 1, tzinfo=dt.UTC),
        )

    return make


@pytest.fixture
def passed_versions(
    registry: Registry, draft: Callable[..., VersionDraft], bundle: Callable[..., Path], verdict: Callable[..., Verdict]
) -> Registry:
    """The registry with eta@1 … eta@3, all of whose gates passed."""
    for n in (1, 2, 3):
        version = registry.register(draft(f"inputs {n}"), bundle(f"tree {n}"))
        registry.record_verdicts("eta", version.number, [verdict(gate) for gate in version.gates])
    return registry


@pytest.fixture
def together() -> Callable[..., list[Any]]:
    """Runs functions at once, each in a forked process of its own; what each returned, or the name of its refusal.

    Whoever calls it has closed its own registry before: a connection is not for two processes.
    """
    context = multiprocessing.get_context("fork")

    def run(*deeds: Callable[[], Any]) -> list[Any]:
        barrier = context.Barrier(len(deeds))
        answers = context.SimpleQueue()

        def child(index: int, deed: Callable[[], Any]) -> None:
            barrier.wait(60)
            try:
                answers.put((index, deed()))
            except TradewindError as error:
                answers.put((index, type(error).__name__))

        children = [context.Process(target=child, args=(i, deed)) for i, deed in enumerate(deeds)]
        for process in children:
            process.start()
        for process in children:
            process.join(120)
        assert [process.exitcode for process in children] == [0] * len(children)
        return [answer for _, answer in sorted(answers.get() for _ in deeds)]

    return run
