"""Training sets: entity rows joined in time with a feature service through Feast, then sealed under the digest of what they hold.

A row may see, of each view, the newest value with event and created time at or before the row's ``event_timestamp`` and within the
view's ttl. Every entity row is kept, in order; what a view does not know of it is null.
"""

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from tradewind_contracts.digests import digest_bytes, digest_file, digest_json
from tradewind_contracts.errors import IntegrityError, NotFoundError, SettingsError
from tradewind_contracts.files import atomic_folder, write_text
from tradewind_contracts.instants import iso
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_features.keys import parcel_keys
from tradewind_lifecycle.feature_store import HALF, applied_specs, open_store, quiet_feast
from tradewind_lifecycle.partitions import refuse_missing_days

if TYPE_CHECKING:
    from feast import FeatureStore

EVENT = "event_timestamp"
AGE_SUFFIX = "__age_hours"
FRAME, FACTS = "frame.parquet", "manifest.json"
PARCEL_COLUMNS = ("merchant_id", "category", "destination_postal_area_id")
"""What a caller says of a parcel that its keys are built from."""
PLACE_FEATURES = {
    "merchant_profile:postal_area_id": "origin_postal_area_id",
    "merchant_profile:state": "origin_state",
    "postal_area_location:state": "destination_state",
}
"""The rest of it, looked up: Feast's reference → part of ``tradewind_features.keys``."""
_ROW = "entity_row_number"
_US_PER_HOUR = 3_600_000_000


class SealedSet(BaseModel):
    """A training set on disk: ``training_sets/<digest>/`` holds the frame and these facts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str
    path: Path
    rows: int
    facts: dict[str, Any]

    def table(self) -> pa.Table:
        """The frame. :func:`read_sealed` proved that it is what was sealed."""
        return pq.read_table(self.path / FRAME)


def build(
    service: str,
    entity_rows: pa.Table,
    settings: Settings,
    progress: Callable[[str], None] = lambda _: None,
    store: "FeatureStore | None" = None,
) -> pa.Table:
    """The entity rows, in their order, with the features of ``service`` beside them, joined over ``store`` (the world's own by default).

    ``entity_rows`` has ``event_timestamp`` (zoned, no nulls), what on-demand views ask of the request, and either the columns of
    ``PARCEL_COLUMNS``, from which the join keys are built as a service builds them, or the join keys. Added columns:
    ``<view>__<feature>`` in the service's order, float64 for numbers (null where unknown) and string for text, then
    ``<view>__age_hours`` of each view with rows in time, null where it gave none.

    Raises:
        NotFoundError: no such service.
        SettingsError: a key, an instant or an input of the request is missing.
        IntegrityError: a published day is gone, or the join lost, doubled or moved an entity row.
    """
    store = store or open_store(settings)
    for view in store.list_batch_feature_views():
        refuse_missing_days(Path(view.batch_source.path))
    wanted = _service(store, service)
    dated = _dated_views(store)
    _refuse_without_instants(entity_rows)
    if entity_rows.num_rows == 0:
        return _assembled(entity_rows, None, wanted, dated)
    frame = _joinable(entity_rows, store, wanted, settings)
    with quiet_feast():
        joined = store.get_historical_features(frame.to_pandas(), wanted, full_feature_names=True).to_arrow()
    progress(f"{service}: {entity_rows.num_rows:,} entity rows joined")
    return _assembled(entity_rows, joined, wanted, dated)


def facts_of(service: str, entity_rows: pa.Table, settings: Settings) -> dict[str, Any]:
    """What a sealed set says of its origin: service, spec digests, published digest, digest and count of entity rows, as_of.

    ``landing_digest`` is that of the landing which was published; empty where the publisher did not say.
    """
    specs = applied_specs(settings)
    return {
        "feature_service": service,
        "spec_digests": specs.of_service(service),
        "published_digest": specs.published_digest,
        "landing_digest": str(Manifest.read(settings.paths.published / HALF).facts.get("landing", "")),
        "entity_digest": table_digest(entity_rows),
        "entity_rows": entity_rows.num_rows,
        "as_of": iso(World.read(settings.paths.world_file).clock.now()),
    }


def seal(table: pa.Table, facts: Mapping[str, Any], settings: Settings) -> SealedSet:
    """Keep a training set for ever under its digest; the same frame with the same facts is the same set and is not written again.

    ``facts``: JSON values, of :func:`facts_of` and whatever the family adds.
    """
    data = _parquet(table)
    content = {"frame": digest_bytes(data), "rows": table.num_rows, "facts": dict(facts)}
    digest = digest_json(content)
    folder = settings.paths.training_sets / digest
    if not folder.exists():
        with atomic_folder(folder) as partial:
            (partial / FRAME).write_bytes(data)
            write_text(partial / FACTS, json.dumps({"digest": digest, **content}, indent=2, sort_keys=True) + "\n")
    return SealedSet(digest=digest, path=folder, rows=table.num_rows, facts=dict(facts))


def read_sealed(digest: str, settings: Settings) -> SealedSet:
    """The sealed set ``digest``, after proving that frame and facts are what was sealed; its ``table()`` reads the frame.

    Raises:
        NotFoundError: there is none.
        IntegrityError: the frame or the facts are not what was sealed.
    """
    folder = settings.paths.training_sets / digest
    if not folder.is_dir():
        raise NotFoundError(f"{folder}: no training set {digest[:16]}… is sealed here")
    try:
        manifest = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        content = {name: manifest[name] for name in ("frame", "rows", "facts")}
        sealed = SealedSet(digest=digest, path=folder, rows=content["rows"], facts=content["facts"])
    except (OSError, ValueError, KeyError, ValidationError) as error:
        raise IntegrityError(f"{folder / FACTS}: not the manifest of a sealed set ({error})") from error
    if digest_json(content) != digest:
        raise IntegrityError(f"{folder / FACTS}: not what was sealed under {digest[:16]}…; the facts were changed")
    if not (folder / FRAME).exists() or digest_file(folder / FRAME) != content["frame"]:
        raise IntegrityError(f"{folder / FRAME}: not what was sealed under {digest[:16]}…; the frame was changed or lost")
    return sealed


def table_digest(table: pa.Table) -> str:
    """The digest of a table's names, types and values in order."""
    return digest_bytes(_parquet(table))


def _parquet(table: pa.Table) -> bytes:
    """Parquet whose bytes depend on names, types and values only: one chunk, no metadata, one thread's order."""
    sink = io.BytesIO()
    plain = table.replace_schema_metadata(None).combine_chunks()
    pq.write_table(plain, sink, compression="zstd", row_group_size=65_536, store_schema=True)
    return sink.getvalue()


def _service(store: "FeatureStore", name: str) -> Any:
    with quiet_feast():
        services = {service.name: service for service in store.list_feature_services()}
    if name not in services:
        raise NotFoundError(
            f"feature service {name!r}: not registered (there are: {', '.join(sorted(services)) or 'none; `make run` applies'})"
        )
    return services[name]


def _dated_views(store: "FeatureStore") -> frozenset[str]:
    """The views whose values have an event time; on-demand views are of the request's own instant."""
    with quiet_feast():
        return frozenset(view.name for view in store.list_batch_feature_views())


def _joinable(entity_rows: pa.Table, store: "FeatureStore", service: Any, settings: Settings) -> pa.Table:
    """What Feast needs of the entity rows and no more: row number, instant, join keys, and what on-demand views ask of the request."""
    _refuse_without_instants(entity_rows)
    available: dict[str, Any] = {name: entity_rows[name] for name in entity_rows.column_names}
    if all(name in available for name in PARCEL_COLUMNS):
        keys = parcel_keys(_parts(entity_rows, store))
        available |= {name: pa.array(values, pa.string()) for name, values in keys.items()}
    if "zone" not in available:
        available["zone"] = pa.array([World.read(settings.paths.world_file).zone] * entity_rows.num_rows, pa.string())
    wanted = _inputs(store, service)
    missing = sorted(set(wanted) - set(available))
    if missing:
        found = ", ".join(entity_rows.column_names)
        raise SettingsError(f"entity rows: {', '.join(missing)} missing, which {service.name} needs (found: {found})")
    return pa.table(_numbered(entity_rows) | {name: available[name] for name in wanted})


def _parts(parcels: pa.Table, store: "FeatureStore") -> dict[str, list[str | None]]:
    """What the keys of parcels are built from, each known as a service would know it: the places come from views as of the row's instant."""
    rows = pa.table(_numbered(parcels) | {"merchant_id": parcels["merchant_id"], "postal_area_id": parcels["destination_postal_area_id"]})
    with quiet_feast():
        joined = store.get_historical_features(rows.to_pandas(), list(PLACE_FEATURES), full_feature_names=True).to_arrow()
    places = _in_order(joined, parcels.num_rows)
    said = {name: parcels[name].to_pylist() for name in PARCEL_COLUMNS}
    return said | {part: places[reference.replace(":", "__")].to_pylist() for reference, part in PLACE_FEATURES.items()}


def _numbered(entity_rows: pa.Table) -> dict[str, Any]:
    return {_ROW: pa.array(np.arange(entity_rows.num_rows)), EVENT: entity_rows[EVENT].cast(pa.timestamp("us", "UTC"))}


def _refuse_without_instants(entity_rows: pa.Table) -> None:
    if EVENT not in entity_rows.column_names or entity_rows[EVENT].null_count:
        raise SettingsError(f"entity rows: each has an instant in {EVENT!r} (found columns: {', '.join(entity_rows.column_names)})")
    if getattr(entity_rows[EVENT].type, "tz", None) is None:
        raise SettingsError(f"entity rows: {EVENT!r} is an instant with a zone (found: {entity_rows[EVENT].type})")


def _inputs(store: "FeatureStore", service: Any) -> list[str]:
    """Join keys and request fields that a service's views need, sorted."""
    names = {projection.name for projection in service.feature_view_projections}
    with quiet_feast():
        on_demand = [view for view in store.list_on_demand_feature_views() if view.name in names]
        names |= {projection.name for view in on_demand for projection in view.source_feature_view_projections.values()}
        views = [view for view in store.list_batch_feature_views() if view.name in names]
    keys = {column.name for view in views for column in view.entity_columns}
    request = {field.name for view in on_demand for source in view.source_request_sources.values() for field in source.schema}
    return sorted(keys | request)


def _assembled(entity_rows: pa.Table, joined: pa.Table | None, service: Any, dated: frozenset[str]) -> pa.Table:
    columns: dict[str, Any] = {name: entity_rows[name] for name in entity_rows.column_names}
    ages: dict[str, Any] = {}
    if joined is not None:
        joined = _in_order(joined, entity_rows.num_rows)
    for projection in service.feature_view_projections:
        view = projection.name_to_use()
        for field in projection.features:
            name = f"{view}__{field.name}"
            columns[name] = _feature(joined, name, str(field.dtype))
        if projection.name in dated:
            ages[view + AGE_SUFFIX] = _age_hours(joined, view)
    return pa.table(columns | ages)


def _in_order(joined: pa.Table, rows: int) -> pa.Table:
    numbers = joined[_ROW].to_numpy()
    if len(numbers) != rows or not np.array_equal(np.sort(numbers), np.arange(rows)):
        raise IntegrityError(
            f"training set: the join gave {len(numbers)} rows, {len(np.unique(numbers))} of them distinct, for {rows} entity rows"
        )
    return joined.take(np.argsort(numbers))


def _feature(joined: pa.Table | None, name: str, dtype: str) -> Any:
    target = pa.string() if dtype == "String" else pa.float64()
    if joined is None:
        return pa.array([], target)
    column = joined[name].cast(target).combine_chunks()
    return column if dtype == "String" else pc.if_else(pc.is_nan(column), pa.scalar(None, target), column)


def _age_hours(joined: pa.Table | None, view: str) -> Any:
    if joined is None:
        return pa.array([], pa.float64())
    row_event = joined[f"{view}__row_event_at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    age = pc.subtract(joined[EVENT].cast(pa.timestamp("us", "UTC")).cast(pa.int64()), row_event)
    return pc.divide(age.cast(pa.float64()), pa.scalar(float(_US_PER_HOUR))).combine_chunks()
