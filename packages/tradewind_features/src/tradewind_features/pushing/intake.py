"""How a pushed record gets in: stamped, then into the log, then into the online store; once, though Feast hands it over twice.

Feast writes the online store first and the offline one after, or the online one alone. Here the log comes first whatever is asked:
nothing is served that a training set could not have. ``push`` to both is then one record of one instant, in both.
"""

import datetime as dt
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from tradewind_contracts.digests import digest_bytes
from tradewind_contracts.errors import StateError
from tradewind_contracts.instants import Clock
from tradewind_features.datasets import Dataset, open_dataset, pushed_folder, source_location
from tradewind_features.materialization import pushed_root
from tradewind_features.materialization.batches import KEY, VALUE, packed_rows
from tradewind_features.online.backend import ViewSpec, open_backend
from tradewind_features.pushing.contradictions import refuse_contradictions
from tradewind_features.pushing.log import append
from tradewind_features.pushing.records import RecordForm
from tradewind_features.specs import spec_digest

if TYPE_CHECKING:
    from feast import FeatureView
    from feast.repo_config import RepoConfig

Side = Literal["online", "offline"]


@dataclass(frozen=True)
class Taken:
    """Records as they were taken in: the form that they have, the stamped rows, and the folder of the log that holds them, if there is one."""

    form: RecordForm
    rows: pa.Table
    log: Path | None


@dataclass
class _UnderWay:
    """One call of ``push``: what it hands over, at which instant, and to which views' sides it has come so far."""

    source: str
    digest: str
    begins: Side
    at: dt.datetime
    seen: set[tuple[str, Side]] = field(default_factory=set)

    def goes_on_with(self, source: str, digest: str, view: str, side: Side) -> bool:
        """Whether a call is the same push: the same records, for a side of a view that had none yet. Feast never serves after it logged."""
        in_order = side == "offline" or self.begins == "online"
        return (self.source, self.digest) == (source, digest) and (view, side) not in self.seen and in_order


class PushIntake:
    """Takes in what Feast hands a provider; safe to share between threads, each with a push of its own under way."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._forms: dict[str, tuple[tuple[object, ...], RecordForm]] = {}

    def take(self, config: "RepoConfig", view: "FeatureView", records: pa.Table, side: Side) -> Taken:
        """Stamp ``records`` and put them into the log of their source, unless the push that is under way has done so.

        Raises:
            QualityError: the records are not what the view says, from the future, or contradict others; nothing was written.
            StateError: the log can't be written.
        """
        form = self._form(config, view)
        push, is_first = self._push(config, view, records, side)
        rows = form.stamped(records, push.at)
        root = pushed_root(config)
        folder = None if root is None else pushed_folder(root, view.batch_source.name)
        if is_first:
            self._keep(config, form, rows, folder, push.at)
        push.seen.add((view.name, side))
        self._local.push = push
        return Taken(form, rows, folder)

    def _keep(self, config: "RepoConfig", form: RecordForm, rows: pa.Table, folder: Path | None, at: dt.datetime) -> None:
        kept = form.as_the_source_has_it(rows)
        clock_tells_apart = clock_of(config).kind == "wall" and form.created is not None
        refuse_contradictions(form, kept, None if clock_tells_apart else folder)
        if folder is not None:
            append(folder, kept, form.event, at)

    def _form(self, config: "RepoConfig", view: "FeatureView") -> RecordForm:
        """The form of a view's records; looked up anew when the view changed, or a file or folder of its source came or went."""
        location = Path(source_location(view.batch_source, config.repo_path))
        changed_ns = location.stat().st_mtime_ns if location.exists() else None
        stands_for = (spec_digest(view), location, changed_ns)
        held = self._forms.get(view.name)
        if held is not None and held[0] == stands_for and changed_ns is not None:
            return held[1]
        form = RecordForm.of(view, _dataset(config, view))
        self._forms[view.name] = (stands_for, form)
        return form

    def _push(self, config: "RepoConfig", view: "FeatureView", records: pa.Table, side: Side) -> tuple[_UnderWay, bool]:
        source, digest = view.batch_source.name, _digest(records)
        push: _UnderWay | None = getattr(self._local, "push", None)
        if push is not None and push.goes_on_with(source, digest, view.name, side):
            return push, False
        self._local.push = None
        return _UnderWay(source, digest, side, clock_of(config).now()), True


def write_online(config: "RepoConfig", view: "FeatureView", taken: Taken) -> int:
    """Put records that were taken in into the packed online store; returns how many took effect (older ones don't).

    Raises:
        SourceError: a value does not fit its declared type.
        StateError: the store can't be written.
    """
    from tradewind_features.online.store import backend_location, view_storage

    spec = view_storage(view)
    rows = packed_rows(spec, _batch(spec, taken), f"a push to view {view.name}")
    with open_backend(backend_location(config), spec.view) as backend, backend.transaction(spec.view):
        backend.declare(spec)
        return backend.write(spec.view, rows)


def held_by_the_log(error: Exception, taken: Taken) -> StateError:
    """What to say when records are in the log and could not be written to the online store."""
    return StateError(
        f"{error}; the online store does not have the {taken.rows.num_rows} pushed records, but the log at {taken.log} holds them:"
        " the next materialization serves them"
    )


def clock_of(config: "RepoConfig") -> Clock:
    """The store's clock: the one that its ages refer to; the wall's for a store without one."""
    clock = getattr(config.online_store, "clock", None)
    return clock if isinstance(clock, Clock) else Clock()


def _batch(spec: ViewSpec, taken: Taken) -> pa.Table:
    form, rows = taken.form, taken.rows

    def column(name: str) -> Any:
        return rows.column(form.named.get(name, name))

    keys: dict[str, Any] = (
        {KEY + name: column(name) for name in spec.key_name.split(",")} if form.keys else {KEY + spec.key_name: _nobody(rows)}
    )
    stamps: dict[str, Any] = {"event_us": rows.column(form.event), "created_us": rows.column(form.created or form.event)}
    return pa.table(
        keys
        | {name: values.cast(pa.int64()) for name, values in stamps.items()}
        | {VALUE + name: column(name) for name in spec.schema.names}
    )


def _nobody(rows: pa.Table) -> Any:
    """The key of a view without entities."""
    from tradewind_features.online.entity_keys import SINGLE_ENTITY

    return pa.array([SINGLE_ENTITY] * rows.num_rows)


def _dataset(config: "RepoConfig", view: "FeatureView") -> Dataset | None:
    """The source as it is; ``None`` where nothing was published yet, so that a view may live by pushes alone."""
    try:
        return open_dataset(view.batch_source, config.repo_path)
    except StateError:
        return None


def _digest(records: pa.Table) -> str:
    """A digest of the records, whatever the order of their columns."""
    ordered = records.select(sorted(records.column_names)).replace_schema_metadata(None).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, ordered.schema) as stream:
        stream.write_table(ordered)
    return digest_bytes(sink.getvalue().to_pybytes())
