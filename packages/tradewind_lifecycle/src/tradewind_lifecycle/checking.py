"""Checking a stage: load what its suites read, evaluate them, keep the results beside the world.

Landing is read from its manifest's files; marts and features from the warehouse, before they are published: what fails
is never published. Nothing is raised for a failed claim: the caller decides, and ``publishing`` refuses.
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import tradewind_quality
from tradewind_contracts.digests import digest_json
from tradewind_contracts.files import write_text
from tradewind_contracts.instants import UTC, Clock
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import TABLES
from tradewind_contracts.verdicts import CheckResult, Severity
from tradewind_contracts.world import World
from tradewind_lifecycle.provenance import code_digest
from tradewind_lifecycle.publishing import PublishedModel, published_models
from tradewind_lifecycle.quality_results import read_results
from tradewind_lifecycle.reuse import noted_build
from tradewind_lifecycle.warehouse import Half, connect, dbt_manifest
from tradewind_quality import Context, Stage, check, columns_needed, suites_of

TRAINING_SET: Stage = "training_set"


def check_landing(settings: Settings) -> list[CheckResult]:
    """Check the landed tables and write ``quality/landing.json``.

    Raises:
        StateError: nothing has landed.
    """
    landing = settings.paths.landing
    manifest = Manifest.read(landing)

    def evaluate() -> list[CheckResult]:
        tables: dict[str, pa.Table | Path] = {name: landing / entry.path for name, entry in manifest.tables.items() if name in TABLES}
        return check("landing", tables, _context(settings))

    return kept("landing", {"landing": manifest.digest}, evaluate, settings)


def check_half(half: Half, settings: Settings, manifest_path: Path | None = None) -> list[CheckResult]:
    """Check what dbt built of ``half``, in the warehouse, and write ``quality/<half>.json``.

    Only the columns that claims read are loaded.

    Raises:
        StateError: the half is not built.
    """
    return kept(half, {"build": noted_build(half, settings)}, lambda: _evaluated(half, settings, manifest_path), settings)


def check_model(name: str, settings: Settings, manifest_path: Path) -> list[CheckResult]:
    """Check one model of the features half as it is built in the warehouse; nothing is written.

    Raises:
        StateError: it is not built.
    """
    return _evaluated("features", settings, manifest_path, frozenset({name}))


def check_training_set(rows: pa.Table, key: Sequence[str], settings: Settings) -> list[CheckResult]:
    """Check a training set against the world's clock, before it is sealed, and write ``quality/training_set.json``."""
    context = _context(settings, keys={TRAINING_SET: tuple(key)})
    return _write(TRAINING_SET, check(TRAINING_SET, {TRAINING_SET: rows}, context), settings)


def kept(stage: str, inputs: Mapping[str, object], evaluate: Callable[[], list[CheckResult]], settings: Settings) -> list[CheckResult]:
    """The results of ``stage`` for these inputs: read where they stand, else evaluated and written.

    What the results are a function of besides ``inputs`` (plain JSON) is added: the suites' code, the world and its clock.
    A file whose key is of other inputs is written anew; results come first, the key last.
    """
    world = World.read(settings.paths.world_file)
    everything = {**inputs, "suites": code_digest(Path(tradewind_quality.__file__).parent), "world": world.model_dump(mode="json")}
    wanted, path = digest_json(everything), settings.paths.quality / f"{stage}.key"
    if path.exists() and path.read_text(encoding="utf-8").strip() == wanted:
        found = read_results(stage, settings)
        if found:
            return found
    path.unlink(missing_ok=True)
    results = _write(stage, evaluate(), settings)
    write_text(path, wanted + "\n")
    return results


def failed_critical(results: Sequence[CheckResult]) -> list[CheckResult]:
    """The results that must stop a stage."""
    return [result for result in results if result.severity is Severity.CRITICAL and not result.passed]


def _evaluated(half: Half, settings: Settings, manifest_path: Path | None, only: frozenset[str] | None = None) -> list[CheckResult]:
    manifest_path = manifest_path or dbt_manifest(settings)
    models = [model for model in published_models(half, manifest_path) if only is None or model.name in only]
    context = _context(settings, models, publication_lags(manifest_path))
    with connect(settings) as connection:
        columns = {m.name: connection.table(f"{m.schema}.{m.name}").columns for m in models}
        needed = columns_needed(suites_of(half, columns, context))
        tables: dict[str, pa.Table | Path] = {
            m.name: connection.table(f"{m.schema}.{m.name}").select(*(needed.get(m.name) or columns[m.name][:1])).to_arrow_table()
            for m in models
        }
    return check(half, tables, context)


def publication_lags(manifest_path: Path) -> dict[str, dt.timedelta]:
    """The publication lag that each dbt model declares (``config.meta.publication_lag_minutes``)."""
    nodes = json.loads(manifest_path.read_text(encoding="utf-8"))["nodes"].values()
    minutes = {
        node["name"]: node["config"].get("meta", {}).get("publication_lag_minutes") for node in nodes if node["resource_type"] == "model"
    }
    return {name: dt.timedelta(minutes=value) for name, value in minutes.items() if value is not None}


def _context(
    settings: Settings,
    models: Sequence[PublishedModel] = (),
    lags: Mapping[str, dt.timedelta] | None = None,
    keys: Mapping[str, tuple[str, ...]] | None = None,
) -> Context:
    world = World.read(settings.paths.world_file)
    return Context(
        as_of=world.clock.now(),
        known_until=_newest_at(settings),
        today=Clock().now(),
        country=world.country,
        keys=keys or {model.name: model.key for model in models},
        may_be_empty=frozenset(model.name for model in models if model.may_be_empty),
        lags=lags or {},
        hidden={model.name: model.hidden for model in models},
    )


def _newest_at(settings: Settings) -> dt.datetime:
    """The newest instant that landed of orders and parcels."""
    landing = settings.paths.landing
    manifest = Manifest.read(landing)
    newest: list[dt.datetime] = []
    for name in ("orders", "parcels"):
        column = pq.read_table(landing / manifest.table(name).path, columns=["changed_at"]).column(0)
        newest += [value for value in [pc.max(column).as_py()] if value is not None]
    return max(newest).astimezone(UTC)


def _write(stage: str, results: list[CheckResult], settings: Settings) -> list[CheckResult]:
    text = json.dumps([result.model_dump(mode="json") for result in results], indent=1, ensure_ascii=False)
    write_text(settings.paths.quality / f"{stage}.json", text + "\n")
    return results
