"""The registry with ten versions and with ten thousand, rows of real size, on SQLite and on PostgreSQL: what each deed takes.

By hand, as it writes three gigabytes: `.venv/bin/python -m pytest tests/benchmarks/large_registry.py -m benchmark -s -q`.
"""

import contextlib
import json
import os
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tests.benchmarks.document import table
from tests.benchmarks.machine import measured_on
from tests.benchmarks.registry_worlds import MODEL, draft_of, fill, verdicts_of
from tradewind_contracts.settings import Settings
from tradewind_registry import Registry, RegistryClient
from tradewind_registry.views import list_text

pytestmark = [pytest.mark.benchmark, pytest.mark.filterwarnings("ignore")]

SIZES = (10, 10_000)
POSTGRESQL_URL = os.environ.get("TEST_POSTGRESQL_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")


def test_the_registry_with_ten_versions_and_with_ten_thousand(scratch: Path) -> None:
    found: dict[tuple[str, int], Mapping[str, float]] = {}
    for backend in ("SQLite", "PostgreSQL"):
        for size in SIZES:
            with contextlib.ExitStack() as cleaning:
                settings = _settings(backend, scratch / f"{backend}-{size}", cleaning)
                if settings is None:
                    print(f"no PostgreSQL answers at {POSTGRESQL_URL}: left out")
                    break
                fill(settings, size)
                found[backend, size] = _measured(settings, size, scratch)
                print(f"{backend}, {size}: {found[backend, size]}", flush=True)
    deeds = next(iter(found.values()))
    rows = [{"milliseconds, median": deed} | {f"{who}, {size:,}": f"{of[deed]:.2f}" for (who, size), of in found.items()} for deed in deeds]
    print("\n" + table(rows, right=list(rows[0])[1:]) + "\n\n" + measured_on(["sqlalchemy", "psycopg"]))


def _settings(backend: str, home: Path, cleaning: contextlib.ExitStack) -> Settings | None:
    if backend == "SQLite":
        return Settings(home=home, world="olist")
    schema = f"tradewind_bench_{uuid.uuid4().hex}"
    engine = create_engine(POSTGRESQL_URL, connect_args={"connect_timeout": 3})
    cleaning.callback(engine.dispose)
    try:
        with engine.begin() as connection:
            connection.execute(text(f"create schema {schema}"))
    except OperationalError:
        return None
    cleaning.enter_context(_dropping(engine, schema))
    return Settings(home=home, world="olist", registry_url=f"{POSTGRESQL_URL}?options=-csearch_path%3D{schema}")


@contextlib.contextmanager
def _dropping(engine: object, schema: str) -> Iterator[None]:
    try:
        yield
    finally:
        with engine.begin() as connection:  # type: ignore[attr-defined] # SQLAlchemy's engine, made one function above
            connection.execute(text(f"drop schema {schema} cascade"))


def _measured(settings: Settings, size: int, scratch: Path) -> dict[str, float]:
    bundles = iter([_bundle(scratch, n) for n in range(4 * 12)])
    numbers = iter(range(1_000_000, 2_000_000))
    with Registry.open(settings) as registry, RegistryClient.open(settings) as client:
        made = [registry.register(draft_of(next(numbers)), next(bundles)).number for _ in range(4)]
        judged = made.pop()
        for number in made:
            registry.record_verdicts(MODEL, number, verdicts_of(1))
        targets = iter(made * 100)
        return {
            "register (two files)": _median(12, lambda: registry.register(draft_of(next(numbers)), next(bundles))),
            "record 17 verdicts": _median(5, lambda: registry.record_verdicts(MODEL, judged, verdicts_of(next(numbers) % 2 * 5))),
            "promote": _median(20, lambda: registry.promote(MODEL, next(targets), why="measured", who="bench")),
            "roll back": _median(5, lambda: registry.rollback(MODEL, why="measured", who="bench")),
            "resolve an alias": _median(1_000, lambda: client.resolve(MODEL)),
            "list, the newest 50": _median(5, lambda: list_text(client, MODEL, limit=50)),
            "list --all": _median(3, lambda: list_text(client, MODEL)),
        }


def _bundle(scratch: Path, number: int) -> Path:
    folder = scratch / f"bundle-{number}-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    (folder / "contract.json").write_text(json.dumps({"number": folder.name}))
    (folder / "trees.txt").write_text("tree\n" * 200_000)
    return folder


def _median(times: int, deed: Callable[[], object]) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        deed()
        taken.append((time.perf_counter() - began) * 1_000)
    return statistics.median(taken)
