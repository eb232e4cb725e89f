"""The warehouse: where dbt runs, and how the landed tables reach it.

One DuckDB file per world. Only dbt and this module write it; readers open what is published.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import duckdb

from tradewind_contracts.errors import QualityError, StateError
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import TABLES, Table
from tradewind_contracts.world import World
from tradewind_lifecycle import builds
from tradewind_lifecycle.builds import dbt_project_dir

Half = Literal["marts", "features"]

SELECTORS: dict[Half, str] = {"marts": "tag:marts_half", "features": "tag:features_half"}
"""What each of the two `dbt build` runs selects: staging to marts, then features and labels."""


__all__ = [
    "SELECTORS",
    "Half",
    "Start",
    "attach_landing",
    "begin",
    "build_model",
    "connect",
    "dbt_environment",
    "dbt_manifest",
    "dbt_project_dir",
    "failure",
    "run_dbt",
]


@dataclass(frozen=True)
class Start:
    """A `dbt build` that may begin: what dbt is told beside the selection (arguments, variables), and what to note once it went well."""

    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    begun: dict[str, str] | None = None

    def end(self, settings: Settings) -> None:
        """Note that the build went well, so that the next one may extend it."""
        if self.begun is not None:
            builds.end(self.begun, settings)


def dbt_environment(settings: Settings) -> dict[str, str]:
    """The variables that dbt's profile and project read; nobody else sets them.

    Raises:
        StateError: no world has landed, so its zone is not known.
    """
    paths = settings.paths
    world = World.read(paths.world_file)
    return {
        "TRADEWIND_DBT_WAREHOUSE": str(paths.warehouse),
        "TRADEWIND_DBT_SOURCE": world.source,
        "TRADEWIND_DBT_ZONE": world.zone,
        "TRADEWIND_DBT_THREADS": str(settings.threads),
        "TRADEWIND_DBT_MEMORY_LIMIT": settings.memory_limit,
        "DBT_PROJECT_DIR": str(dbt_project_dir()),
        "DBT_PROFILES_DIR": str(dbt_project_dir()),
        "DBT_TARGET_PATH": str(paths.dbt_target),
        "DBT_LOG_PATH": str(paths.logs / "dbt"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        # Unit tests prove the code, not the data: the tests of this repository run them, a build does not.
        "DBT_EXCLUDE_RESOURCE_TYPES": "unit_test",
    }


def attach_landing(settings: Settings) -> None:
    """Make the schema `landing` show exactly what the landing manifest names.

    Each declared table becomes a view with the declared columns and types; a table that the source lacks becomes an
    empty one, so that everything built on it is empty and typed.

    Raises:
        StateError: nothing has landed, or the warehouse is held by another process.
    """
    paths = settings.paths
    manifest = Manifest.read(paths.landing)
    paths.warehouse.parent.mkdir(parents=True, exist_ok=True)
    with connect(settings, read_only=False) as connection:
        connection.execute("create schema if not exists landing")
        for table in TABLES.values():
            landed = manifest.tables.get(table.name)
            connection.execute(_view(table, paths.landing / landed.path if landed else None))


def connect(settings: Settings, *, read_only: bool = True) -> duckdb.DuckDBPyConnection:
    """A connection to the warehouse with the settings' threads and memory, session zone UTC.

    Raises:
        StateError: the file is absent, or another process holds it.
    """
    path = settings.paths.warehouse
    try:
        connection = duckdb.connect(
            str(path), read_only=read_only, config={"threads": settings.threads, "memory_limit": settings.memory_limit}
        )
    except duckdb.IOException as error:
        raise StateError(f"{path}: the warehouse can't be opened ({error}); end the process that holds it, or run `make run`") from error
    connection.execute("set TimeZone = 'UTC'")
    return connection


def begin(half: Half, settings: Settings, say: Callable[[str], None] = lambda _: None) -> Start:
    """What comes before a `dbt build` of ``half``: for the marts, attach the landing and see whether only what is new need be taken.

    Incremental models are built anew (``--full-refresh``) unless the landing extends the one of the newest whole build
    of just this recipe: see ``builds.changed_since``.

    Raises:
        StateError: nothing has landed, or the warehouse is held by another process.
    """
    if half == "features":
        return Start()
    since = builds.changed_since(settings)
    begun = builds.begin(settings)
    attach_landing(settings)
    if since is None:
        return Start(("--full-refresh",), {}, begun)
    say(f"incremental models take what changed in {', '.join(sorted(since)) or 'nothing'}")
    return Start((), {f"TRADEWIND_DBT_CHANGED_SINCE_{table.upper()}": instant for table, instant in since.items()}, begun)


def run_dbt(half: Half, settings: Settings, say: Callable[[str], None] = lambda _: None) -> None:
    """Build and test one half of the dbt project in a process of its own; each line that dbt says goes to ``say``.

    dbt gets a clean environment, so that nothing of the caller's shell changes what is built.

    Raises:
        QualityError: a model or a test failed; the message names them.
        StateError: nothing has landed, or dbt could not start.
    """
    start = begin(half, settings, say)
    exit_code = _dbt(["build", "--select", SELECTORS[half], *start.arguments], settings, say, start.variables)
    if exit_code != 0:
        raise failure(half, settings)
    start.end(settings)


def build_model(model: str, settings: Settings, say: Callable[[str], None] = lambda _: None) -> None:
    """Build and test one model on the tables that stand in the warehouse, in a process of its own.

    Raises:
        QualityError: the model or a test of it failed; the message names them.
        StateError: nothing has landed, or dbt could not start.
    """
    if _dbt(["build", "--select", model], settings, say) != 0:
        raise failure(model, settings)


def failure(half: str, settings: Settings) -> QualityError | StateError:
    """Why the newest `dbt build` of ``half`` (or a model) failed, from what dbt left: the models and tests, or that it did not start."""
    results = settings.paths.dbt_target / "run_results.json"
    if not results.exists():
        return StateError(f"dbt could not start on {half}; its log is in {settings.paths.logs / 'dbt'}")
    failed = [
        f"{result['unique_id']} ({(result.get('message') or result['status']).strip().splitlines()[0]})"
        for result in json.loads(results.read_text(encoding="utf-8"))["results"]
        if result["status"] in ("error", "fail", "runtime error")
    ]
    return QualityError(f"dbt {half}: {len(failed)} failed, nothing was published: " + "; ".join(failed[:5]))


def dbt_manifest(settings: Settings, say: Callable[[str], None] = lambda _: None) -> Path:
    """The manifest that dbt made for this world; parsed anew only where there is none."""
    path = settings.paths.dbt_target / "manifest.json"
    if not path.exists() and _dbt(["parse"], settings, say) != 0:
        raise StateError(f"dbt can't parse {dbt_project_dir()}; `dbt parse` there says why")
    return path


def _dbt(arguments: list[str], settings: Settings, say: Callable[[str], None], variables: Mapping[str, str] | None = None) -> int:
    command = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *arguments]
    (settings.paths.dbt_target / "run_results.json").unlink(missing_ok=True)
    with subprocess.Popen(  # noqa: S603 (the environment's own dbt, with our arguments)
        command,
        cwd=dbt_project_dir(),
        env={**dbt_environment(settings), **(variables or {}), "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            say(line.rstrip())
    return process.returncode


def _view(table: Table, file: Path | None) -> str:
    if file is None:
        columns = ", ".join(f"cast(null as {column.kind.sql}) as {column.name}" for column in table.all_columns)
        return f"create or replace view landing.{table.name} as select {columns} where false"
    columns = ", ".join(f"cast({column.name} as {column.kind.sql}) as {column.name}" for column in table.all_columns)
    location = str(file).replace("'", "''")
    return f"create or replace view landing.{table.name} as select {columns} from read_parquet('{location}')"  # noqa: S608 - names are declared, the path is the manifest's
