"""Vectors as they were served: at the end of each materialization a sample is read as a service reads it, and kept.

``<world>/online/served/<instant>-<digest>.parquet`` holds one row per parcel: what was asked, the vector, and of each view the key, the
event and created time of the row that answered, and whether it was present. The file's metadata says which dataset and definition each
view was materialized from. Parity derives these vectors again, whenever it is asked.
"""

import contextlib
import datetime as dt
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from tradewind_contracts.bundle import FeatureField
from tradewind_contracts.digests import digest_bytes
from tradewind_contracts.errors import IntegrityError, NotFoundError, StateError
from tradewind_contracts.files import atomic_file
from tradewind_contracts.instants import UTC
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_features.online.assembly import AGE, PLACES, Assembler, Parcels, Vector
from tradewind_features.online.reader import OnlineReader
from tradewind_lifecycle import training_sets
from tradewind_lifecycle.feature_store import open_store, quiet_feast
from tradewind_lifecycle.publishing import published_table

if TYPE_CHECKING:
    from feast import FeatureStore

SERVICE, LABELS = "eta_v1", "lbl_parcel__delivery"
VECTORS = 600
"""Parcels of one record. Chosen: two materializations are then more than the thousand vectors that parity asks for."""
COLD_ROWS = 8
"""Sampled parcels with made-up keys: what is absent must be absent on both sides."""
KEPT = 8
"""Records that stay; chosen: twice as many as parity looks at, and each is some hundred kilobytes."""
SPREAD = 20
"""The sample is drawn from this many times as many of the newest parcels."""

ROW_EVENT, ROW_CREATED, ROW_KEY, PRESENCE = "__row_event_at", "__row_created_at", "__row_key", "__presence"
"""Columns of a record beside a view's values."""
ASKED = (*training_sets.PARCEL_COLUMNS, "parcel_id", "ordered_at", "price", "freight", training_sets.EVENT)
"""Columns of a record that say what was asked; ``event_timestamp`` is the instant of the vector."""

_FACTS = b"tradewind_served"
_NOBODY = "nowhere"


class ViewOrigin(BaseModel):
    """What a view's online rows had come from: dataset (a name in the published folder), its digest, and the view's definition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    published: str
    published_digest: str
    spec_digest: str
    to_at: str


class ServedFacts(BaseModel):
    """What a record says of itself. ``left_out``: vectors that were not kept, as a newer row had come in while they were read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str
    at: dt.datetime
    parcels: int
    """Parcels that had been ordered by then; a record of all of them can't be larger."""
    left_out: int
    views: dict[str, ViewOrigin]


@dataclass(frozen=True)
class ServedRecord:
    """A record: its file, its facts, its rows."""

    path: Path
    facts: ServedFacts
    rows: pa.Table


def record_served(settings: Settings, at: dt.datetime, n: int = VECTORS) -> Path | None:
    """Read ``n`` vectors from the online store as a service would at ``at`` (zoned), and keep them for parity.

    To be called when every view of the store was brought to ``at``, and before anything else writes to it. Where nothing was served before
    (:func:`has_served_before`) the store should be filled in two steps, the day before the clock and then the clock, each followed by this,
    so that parity spans two materializations.
    A record of the same instant is replaced; those of later instants go, for a clock that was set back.

    ``None`` where no parcel is known that was ordered before ``at``: nothing could be asked.

    Raises:
        StateError: nothing is registered or materialized, or the file system refuses.
        NotFoundError: the feature service is not registered.
    """
    sampled = _sampled(settings, at, n)
    if sampled is None:
        return None
    rows, parcels = sampled
    store = open_store(settings)
    vectors, left_out = _served(store, settings, rows, at)
    facts = ServedFacts(service=SERVICE, at=at, parcels=parcels, left_out=left_out, views=origins(settings))
    return _keep(settings.paths.served_vectors, vectors, facts)


def has_served(settings: Settings, at: dt.datetime) -> bool:
    """Whether there is a record of ``at``."""
    return any(settings.paths.served_vectors.glob(f"{_compact(at)}-*.parquet"))


def has_served_before(settings: Settings, at: dt.datetime) -> bool:
    """Whether there is a record of an instant before ``at``: without one, parity can't span two materializations."""
    return any(path.name.split("-", 1)[0] < _compact(at) for path in settings.paths.served_vectors.glob("[!.]*.parquet"))


def read_records(settings: Settings, until: dt.datetime) -> list[ServedRecord]:
    """The records up to ``until``, the newest first.

    Raises:
        IntegrityError: a file there is not a record.
    """
    found = [_read(path) for path in sorted(settings.paths.served_vectors.glob("[!.]*.parquet"), reverse=True)]
    return [record for record in found if record.facts.at <= until]


def origins(settings: Settings) -> dict[str, ViewOrigin]:
    """What each view in the online store was last materialized from."""
    from tradewind_features.materialization import materialized_now

    return {
        view: ViewOrigin(published=held.published, published_digest=held.published_digest, spec_digest=held.spec_digest, to_at=held.to_at)
        for view, held in sorted(materialized_now(settings.online_location).items())
    }


def service_fields(store: "FeatureStore", name: str = SERVICE) -> list[FeatureField]:
    """The features of a service as a contract would list them, with the age of each view that has rows in time.

    Raises:
        NotFoundError: no such service.
    """
    with quiet_feast():
        services = {service.name: service for service in store.list_feature_services()}
        dated = {view.name for view in store.list_batch_feature_views()}
    if name not in services:
        raise NotFoundError(f"feature service {name!r}: not registered (there are: {', '.join(sorted(services)) or 'none'})")
    fields = []
    for projection in services[name].feature_view_projections:
        view = projection.name_to_use()
        fields += [
            FeatureField(view=view, name=field.name, dtype="string" if str(field.dtype) == "String" else "float64")
            for field in projection.features
        ]
        fields += [FeatureField(view=view, name=AGE)] if projection.name in dated else []
    return fields


def _sampled(settings: Settings, at: dt.datetime, n: int) -> tuple[pa.Table, int] | None:
    """Parcels ordered before ``at``, spread over the newest, some with made-up keys; and how many there were to choose from."""
    try:
        labels = published_table(settings, LABELS)
    except NotFoundError:
        return None
    columns = [name for name in ASKED if name != training_sets.EVENT]
    table = pq.read_table(labels, columns=columns)
    before = table.filter(pc.less(table["ordered_at"], pa.scalar(at, table["ordered_at"].type)))
    if before.num_rows == 0:
        return None
    newest = before.sort_by([("ordered_at", "descending"), ("parcel_id", "ascending")]).slice(0, n * SPREAD)
    step = max(1, newest.num_rows // n)
    rows = _with_cold_keys(newest.take(np.arange(0, newest.num_rows, step)[:n]))
    stamp = pa.array([at.astimezone(UTC)] * rows.num_rows, pa.timestamp("us", "UTC"))
    return rows.append_column(training_sets.EVENT, stamp), before.num_rows


def _with_cold_keys(rows: pa.Table) -> pa.Table:
    """The first rows get keys that nobody has: by turns all of a parcel's, its merchant, its category, its destination."""
    number = np.arange(rows.num_rows)
    for place, name in enumerate(training_sets.PARCEL_COLUMNS, 1):
        turn = number % (len(training_sets.PARCEL_COLUMNS) + 1)
        cold = pa.array((number < COLD_ROWS) & ((turn == 0) | (turn == place)))
        made_up = pc.if_else(cold, pa.scalar(_NOBODY, pa.string()), rows[name].cast(pa.string()))
        rows = rows.set_column(rows.column_names.index(name), name, made_up)
    return rows


def _served(store: "FeatureStore", settings: Settings, rows: pa.Table, at: dt.datetime) -> tuple[pa.Table, int]:
    """The rows with their vectors as a service reads them at ``at``; and how many were left out."""
    world = World.read(settings.paths.world_file)
    with contextlib.closing(OnlineReader(settings.online_location)) as reader:
        assembler = Assembler(reader, world.zone)
        fields = service_fields(store)
        missing = set(assembler.missing(fields))
        unplaced = sorted(missing & {f"{view}:{name}" for view, name in PLACES})
        if unplaced:
            raise StateError(
                f"{settings.paths.online_store}: holds no {', '.join(unplaced)}, by which parcels are placed; materialize again"
            )
        # A feature that the store lacks has no column here, and parity says so.
        wanted = [field for field in fields if field.reference not in missing]
        instants = np.full(rows.num_rows, np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "us"))
        vector = assembler.assemble(wanted, parcels_of(rows), at=instants)
        stored = reader.read_views(vector.keys, at)
    columns: dict[str, Any] = {name: rows[name] for name in rows.column_names}
    columns |= {name: _arrow(values) for name, values in vector.columns.items()}
    for view in vector.presence:
        found = stored[view]
        columns[view + ROW_KEY] = pa.array(vector.keys[view], pa.string())
        columns[view + ROW_EVENT] = pa.array(found.event_at, pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
        columns[view + ROW_CREATED] = pa.array(found.created_at, pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
        columns[view + PRESENCE] = pa.array(vector.presence[view], pa.int8())
    table = pa.table(columns)
    newer = _newer(vector, stored, instants) if world.clock.at is None else np.zeros(rows.num_rows, dtype=np.bool_)
    return table.filter(pa.array(~newer)), int(newer.sum())


def parcels_of(rows: pa.Table) -> Parcels:
    """Rows with the columns of ``ASKED`` as parcels that somebody asks about: the origin is the merchant's own."""
    return Parcels(
        merchant_id=rows["merchant_id"].to_pylist(),
        origin_area=[None] * rows.num_rows,
        destination_area=rows["destination_postal_area_id"].to_pylist(),
        ordered_at=rows["ordered_at"].cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us")).to_numpy(),
        columns={
            "price": rows["price"].cast(pa.float64()).to_numpy(),
            "freight": rows["freight"].cast(pa.float64()).to_numpy(),
            "category": np.array(rows["category"].to_pylist(), dtype=object),
        },
    )


def _newer(vector: Vector, stored: Mapping[str, Any], instants: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Rows of which some view holds what came after the instant: pushed between a materialization by the wall clock and this reading."""
    newer = np.zeros(len(instants), dtype=np.bool_)
    for view in vector.presence:
        newer |= (stored[view].event_at > instants) | (stored[view].created_at > instants)  # NaT is never after
    return newer


def _arrow(values: NDArray[Any]) -> Any:
    return pa.array(values.tolist(), pa.string()) if values.dtype == object else pa.array(values, pa.float64(), from_pandas=True)


def _keep(folder: Path, vectors: pa.Table, facts: ServedFacts) -> Path:
    table = vectors.replace_schema_metadata({_FACTS: facts.model_dump_json().encode()}).combine_chunks()
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    data = sink.getvalue()
    path = folder / f"{_compact(facts.at)}-{digest_bytes(data)[:16]}.parquet"
    with atomic_file(path) as partial:
        partial.write_bytes(data)
    present = sorted(folder.glob("[!.]*.parquet"), reverse=True)
    instant = path.name.rsplit("-", 1)[0]
    gone = [other for other in present if other.name.rsplit("-", 1)[0] >= instant and other != path]
    kept = [other for other in present if other not in gone]
    for other in [*gone, *kept[KEPT:]]:
        other.unlink(missing_ok=True)
    return path


def _read(path: Path) -> ServedRecord:
    try:
        rows = pq.read_table(path)
        facts = ServedFacts.model_validate_json((rows.schema.metadata or {})[_FACTS])
    except (OSError, pa.ArrowException, KeyError, ValidationError) as error:
        raise IntegrityError(f"{path}: not a record of served vectors ({error}); delete it and materialize again") from error
    return ServedRecord(path, facts, rows)


def _compact(at: dt.datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
