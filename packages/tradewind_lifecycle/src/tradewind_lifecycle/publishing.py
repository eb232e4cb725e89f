"""Publishing: what dbt built, as Parquet that everybody else reads.

A file is named by its content, and one manifest per half is swapped in a single rename. Feature tables are folders of daily partitions
(:mod:`~tradewind_lifecycle.partitions`). Readers of the manifest before find their files until the publish after next.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tradewind_contracts.digests import digest_bytes, digest_file
from tradewind_contracts.errors import IntegrityError, NotFoundError, QualityError, StateError
from tradewind_contracts.files import atomic_file, write_text
from tradewind_contracts.manifest import MANIFEST, Manifest, PublishedTable
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables import PersonalData
from tradewind_contracts.verdicts import Severity
from tradewind_lifecycle import partitions
from tradewind_lifecycle.quality_results import read_results
from tradewind_lifecycle.views.definitions import sql_definition
from tradewind_lifecycle.warehouse import Half, connect, dbt_manifest

SCHEMAS: dict[Half, tuple[str, ...]] = {"marts": ("marts",), "features": ("features", "labels")}
"""The warehouse schemas that each half publishes; staging and intermediate stay inside."""

PREVIOUS = "previous.json"
"""The manifest before the present one, kept so that its files outlive readers that still hold it."""

KEPT = "kept.json"
"""Datasets that no manifest names any more and somebody still needs: path → reason. They stay until they leave this list."""

FEATURES = "features"
"""The warehouse schema whose tables are published by day."""

ROWS_PER_GROUP = 131_072
"""Rows in a Parquet row group. Chosen: groups of a few megabytes; fixed, because it is part of the bytes."""


@dataclass(frozen=True)
class PublishedModel:
    """A dbt model that is published: its name, schema, key (the order of its rows) and whether it may be empty.

    ``keeps_all_days``: no retention, as its views never expire (``config.meta.retention: forever``). ``hidden`` are its columns with direct personal data (``config.meta.personal_data``), which no sample of rows may show.
    """

    name: str
    schema: str
    key: tuple[str, ...]
    may_be_empty: bool
    hidden: frozenset[str] = frozenset()
    keeps_all_days: bool = False


def published_models(half: Half, manifest_path: Path) -> list[PublishedModel]:
    """The models that ``half`` publishes, by name, as dbt's manifest declares them.

    Raises:
        IntegrityError: a model declares no ``config.meta.primary_key``.
    """
    nodes = json.loads(manifest_path.read_text(encoding="utf-8"))["nodes"].values()
    models = [_model(node) for node in nodes if node["resource_type"] == "model" and node["schema"] in SCHEMAS[half]]
    return sorted(models, key=lambda model: model.name)


def publish(
    half: Half,
    settings: Settings,
    manifest_path: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
    facts: Mapping[str, object] | None = None,
) -> Manifest:
    """Publish the tables of ``half`` together; ``say`` hears one line per table. ``facts`` join the manifest's own.

    ``manifest_path`` is dbt's manifest of the build (default: the one in the world's dbt target folder). Equal content
    gives equal bytes, names and manifest digest; an unchanged file is not written again.

    Raises:
        QualityError: a critical claim about this half failed, or a table that must have rows has none.
        StateError: the half is not built, or the file system refuses; what was published stays.
    """
    refuse_failed(half, settings)
    folder = settings.paths.published / half
    tables: dict[str, PublishedTable] = {}
    before = _readable(folder / MANIFEST)
    manifest_path = manifest_path or dbt_manifest(settings)
    built = json.loads(manifest_path.read_text(encoding="utf-8"))
    with connect(settings) as connection:
        for model in published_models(half, manifest_path):
            if model.schema == FEATURES:
                table, written = _write_days(connection, model, folder, before, settings)
                table = table.model_copy(update={"definition": sql_definition(built, model.name)})
            else:
                table, written = _write(_rows(connection, model), model, folder), ""
            tables[model.name] = table
            say(f"{model.schema}.{model.name}: {table.rows:,} rows{written}")
    present = Manifest(stage=half, tables=tables, facts={"landing": Manifest.read(settings.paths.landing).digest, **(facts or {})})
    _swap(present, folder)
    return present


def replace_table(folder: Path, name: str, before: PublishedTable | None, table: PublishedTable) -> PublishedTable:
    """Swap the manifest in ``folder`` for one whose entry ``name`` is ``table``, all others as they are; returns the entry.

    ``before`` is the entry as it was when its rows were read (None: there was none).

    Raises:
        StateError: nothing is published there, or the entry is another by now.
    """
    present = Manifest.read(folder)
    if present.tables.get(name) != before:
        raise StateError(f"{folder}: {name} was published by somebody else meanwhile; run again")
    _swap(present.model_copy(update={"tables": {**present.tables, name: table}}), folder)
    return table


def published_table(settings: Settings, name: str) -> Path:
    """The Parquet of the published table ``name``, of either half, after proving that its bytes are what was published.

    A file, or for feature tables a folder of daily partitions.

    Raises:
        NotFoundError: no published manifest names it.
        IntegrityError: the file is absent or was changed.
    """
    seen: list[str] = []
    for half in SCHEMAS:
        folder = settings.paths.published / half
        if (folder / MANIFEST).exists():
            manifest = Manifest.read(folder)
            if name in manifest.tables:
                entry = manifest.tables[name]
                if not holds(folder, entry):
                    raise IntegrityError(f"{folder / entry.path}: absent, or not what was published; `make run` publishes it again")
                return folder / entry.path
            seen += manifest.tables
    raise NotFoundError(f"no table {name!r} is published (there are: {', '.join(sorted(seen)) or 'none yet, `make run` publishes'})")


def holds(folder: Path, table: PublishedTable) -> bool:
    """Whether ``folder`` has the file, or the days, of ``table`` with the bytes that its manifest names."""
    path = folder / table.path
    if path.is_dir():
        return partitions.is_whole(path, table.digest)
    return path.is_file() and digest_file(path) == table.digest


def refuse_failed(half: Half, settings: Settings) -> None:
    """Refuse to go on where the quality results of ``half`` hold a failed critical claim.

    Raises:
        QualityError: names each failed claim.
        IntegrityError: the results are damaged.
    """
    results = read_results(half, settings)
    failed = [f"{r.table}: {r.claim}" for r in results if r.severity is Severity.CRITICAL and not r.passed]
    if failed:
        raise QualityError(
            f"{half}: {len(failed)} critical claims failed, nothing was published: {'; '.join(failed[:5])} (all: {settings.paths.quality / half}.json)"
        )


def _model(node: Mapping[str, Any]) -> PublishedModel:
    meta = node["config"].get("meta", {})
    if not meta.get("primary_key"):
        raise IntegrityError(f"dbt model {node['name']}: declares no config.meta.primary_key, by which its rows are ordered")
    personal = {name: column.get("config", {}).get("meta", {}).get("personal_data") for name, column in node.get("columns", {}).items()}
    return PublishedModel(
        name=str(node["name"]),
        schema=str(node["schema"]),
        key=tuple(meta["primary_key"]),
        may_be_empty=bool(meta.get("may_be_empty", False)),
        hidden=frozenset(name for name, kind in personal.items() if kind == PersonalData.DIRECT.value),
        keeps_all_days=meta.get("retention") == partitions.FOREVER,
    )


def _rows(connection: duckdb.DuckDBPyConnection, model: PublishedModel) -> pa.Table:
    order = ", ".join(model.key)
    try:
        rows: pa.Table = connection.execute(f"select * from {model.schema}.{model.name} order by {order}").to_arrow_table()  # noqa: S608 - names are dbt's models
    except duckdb.CatalogException as error:
        raise StateError(f"{model.schema}.{model.name} is not built; run dbt on its half first") from error
    if rows.num_rows == 0 and not model.may_be_empty:
        raise QualityError(f"{model.schema}.{model.name}: 0 rows where there must be some; nothing was published")
    return rows


def _write_days(
    connection: duckdb.DuckDBPyConnection, model: PublishedModel, folder: Path, before: Manifest | None, settings: Settings
) -> tuple[PublishedTable, str]:
    earlier = folder / before.tables[model.name].path if before is not None and model.name in before.tables else None
    retention = None if model.keeps_all_days else settings.feature_retention_days
    try:
        made = partitions.write_dataset(connection, f"{model.schema}.{model.name}", model.key, folder, earlier, retention)
    except duckdb.CatalogException as error:
        raise StateError(f"{model.schema}.{model.name} is not built; run dbt on its half first") from error
    if made.rows == 0 and not model.may_be_empty:
        raise QualityError(f"{model.schema}.{model.name}: 0 rows where there must be some; nothing was published")
    table = PublishedTable(path=made.path, digest=made.digest, rows=made.rows, columns=made.columns)
    past = f", {made.expired} past the retention of {retention} days" if made.expired else ""
    return table, f" ({made.written} days written, {made.linked} as before{past})"


def _write(rows: pa.Table, model: PublishedModel, folder: Path) -> PublishedTable:
    sink = pa.BufferOutputStream()
    # Chunks would show in the page layout: one chunk, so that the bytes depend on the content alone.
    pq.write_table(rows.combine_chunks(), sink, compression="zstd", row_group_size=ROWS_PER_GROUP)
    data: bytes = sink.getvalue().to_pybytes()
    digest = digest_bytes(data)
    columns = {field.name: str(field.type) for field in rows.schema}
    table = PublishedTable(path=f"{model.name}-{digest[:16]}.parquet", digest=digest, rows=rows.num_rows, columns=columns)
    # A file of this name with other bytes was damaged after it was published: it is written again.
    if not holds(folder, table):
        with atomic_file(folder / table.path) as partial:
            partial.write_bytes(data)
    return table


def _swap(present: Manifest, folder: Path) -> None:
    before = _readable(folder / MANIFEST)
    if before is not None and before.digest != present.digest:
        write_text(folder / PREVIOUS, before.model_dump_json(indent=2) + "\n")
    present.write(folder)
    kept = _named(folder) | kept_datasets(folder).keys()
    for path in (*folder.glob("*.parquet"), *(listing.parent for listing in folder.glob(f"*/{partitions.LISTING}"))):
        if path.name not in kept:
            _delete(path)
    for path in (*folder.glob(".*.partial"), *folder.glob(".*.replaced")):
        _delete(path)


def _named(folder: Path) -> set[str]:
    """The datasets that the present manifest and the one before name."""
    manifests = (_readable(folder / MANIFEST), _readable(folder / PREVIOUS))
    return {table.path for manifest in manifests if manifest for table in manifest.tables.values()}


def kept_datasets(folder: Path) -> dict[str, str]:
    """Datasets of the published ``folder`` that stay though no manifest names them: path → reason.

    Raises:
        IntegrityError: the list is damaged.
    """
    path = folder / KEPT
    if not path.exists():
        return {}
    try:
        return {str(name): str(reason) for name, reason in json.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, AttributeError) as error:
        raise IntegrityError(f"{path}: not a list of kept datasets ({error}); nothing was deleted, `make run` writes it again") from error


def keep_datasets(folder: Path, kept: Mapping[str, str]) -> None:
    """Keep just these datasets of the published ``folder`` beyond the manifests that name them: path → reason.

    What leaves the list and is named by no manifest is deleted.

    Raises:
        IntegrityError: the list before is damaged.
    """
    before = kept_datasets(folder)
    if before == kept:
        return
    write_text(folder / KEPT, json.dumps(dict(sorted(kept.items())), indent=2) + "\n")
    for name in sorted(before.keys() - kept.keys() - _named(folder)):
        if (folder / name).exists():
            _delete(folder / name)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _readable(path: Path) -> Manifest | None:
    """The manifest in ``path``; None where there is none, or a damaged one: it names nothing that could be kept."""
    try:
        return Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
