"""The first detector: known-at holds on the very path that training sets are made on.

A view is planted in a scratch copy of the world's registry, whose value is the outcome itself. Its rows are stamped at the order, a lie, and
created when the outcome was known, the truth. A training set is joined as ever: not one of them may be in it. Two views beside it show that
the canary can sing: the same rows created in time reach every order, and rows stamped at the outcome reach none.

It sees a join that looks past created times, for any view and whoever configured it. It can't see a row that lies about its created time
too, nor a value that was made from the future before it was stamped: the other two detectors look for those.
"""

import contextlib
import datetime as dt
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewind_contracts.errors import StateError
from tradewind_contracts.instants import iso
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import CheckResult, Severity
from tradewind_contracts.world import World
from tradewind_lifecycle import labels, training_sets
from tradewind_lifecycle.feature_store import quiet_feast
from tradewind_lifecycle.parity.rederiving import scratch_store

if TYPE_CHECKING:
    from feast import FeatureStore

SUITE = "sees_no_future"
SERVICE, KEY, VALUE = "leak_canary", "parcel_id", "duration_days"
CANARY, CONTROL, FUTURE = "leak_canary_created_at_outcome", "leak_canary_created_in_time", "leak_canary_stamped_at_outcome"
"""The planted views: rows that lie about their event, rows that are as they should be (had the outcome been known), rows that don't lie."""
PARCELS = 300
"""Orders that are joined. Chosen: enough for every day of a month; the join takes a second."""
SAMPLES = 5

Rows = dict[str, pa.Table]


def check_canary(settings: Settings, n: int = PARCELS) -> list[CheckResult]:
    """Join ``n`` orders with known outcomes to the planted views, beside the views of the real service, and say what came through.

    Raises:
        StateError: nothing is published or registered, or no outcome is known at the clock.
    """
    orders = _orders(settings, n)
    with tempfile.TemporaryDirectory(prefix="tradewind-canary-") as folder, scratch_store(settings, {}) as store:
        files = _written(_planted(orders), Path(folder))
        with _applied(store, files):
            joined = training_sets.build(SERVICE, orders, settings, store=store)
    return [
        _nothing_came(CANARY, "rows created at the outcome reach no order, though they are stamped at it", orders, joined),
        _nothing_came(FUTURE, "rows stamped at the outcome reach no order", orders, joined),
        _all_came(orders, joined),
    ]


def _orders(settings: Settings, n: int) -> pa.Table:
    """Orders before the clock whose outcome is known by then, spread over all."""
    now = World.read(settings.paths.world_file).clock.now()
    known = labels.known_at(labels.read_labels(settings), now)
    # An outcome at the order's own instant would be no secret.
    known = known.filter(pc.and_kleene(pc.is_valid(known[VALUE]), pc.greater(known["outcome_at"], known[training_sets.EVENT])))
    if known.num_rows == 0:
        raise StateError(f"{settings.paths.published}: no outcome is known at {iso(now)}, so no canary can be planted")
    places = np.unique(np.linspace(0, known.num_rows - 1, min(n, known.num_rows)).astype(np.int64))
    return known.take(places)


def _planted(orders: pa.Table) -> Rows:
    ordered, outcome = (orders[name].combine_chunks().cast(pa.timestamp("us", "UTC")) for name in (training_sets.EVENT, "outcome_at"))
    stamps = {CANARY: (ordered, outcome), CONTROL: (ordered, ordered), FUTURE: (outcome, outcome)}
    return {
        view: pa.table(
            {
                KEY: orders[KEY].combine_chunks(),
                "event_timestamp": event,
                "created_timestamp": created,
                VALUE: orders[VALUE].combine_chunks().cast(pa.float64()),
            }
        )
        for view, (event, created) in stamps.items()
    }


def _written(rows: Rows, folder: Path) -> dict[str, Path]:
    files = {view: folder / f"{view}.parquet" for view in rows}
    for view, table in rows.items():
        pq.write_table(table, files[view])
    return files


@contextlib.contextmanager
def _applied(store: "FeatureStore", files: dict[str, Path]) -> Iterator[None]:
    """The planted views and a service of them and the real service's, in the scratch registry."""
    from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
    from feast.types import Float64, String

    with quiet_feast():
        # Read before anything is applied: to list is to read the file again, without what was not committed to it.
        real = {view.name: view for view in [*store.list_batch_feature_views(), *store.list_on_demand_feature_views()]}
        wanted = [real[name] for name in _service_views(store)]
        parcel = Entity(name="leak_canary_parcel", join_keys=[KEY], value_type=ValueType.STRING)
        store.registry.apply_entity(parcel, store.project, commit=False)
        views: list[Any] = []
        for name, path in files.items():
            source = FileSource(name=name, path=str(path), timestamp_field="event_timestamp", created_timestamp_column="created_timestamp")
            schema = [Field(name=KEY, dtype=String), Field(name=VALUE, dtype=Float64)]
            views.append(FeatureView(name=name, entities=[parcel], ttl=dt.timedelta(0), schema=schema, source=source))
            store.registry.apply_feature_view(views[-1], store.project, commit=False)
        store.registry.apply_feature_service(FeatureService(name=SERVICE, features=[*wanted, *views]), store.project, commit=False)
        store.registry.commit()
    yield


def _service_views(store: "FeatureStore") -> list[str]:
    from tradewind_lifecycle.parity.records import SERVICE as REAL

    return [projection.name for projection in store.get_feature_service(REAL).feature_view_projections]


def _nothing_came(view: str, claim: str, orders: pa.Table, joined: pa.Table) -> CheckResult:
    came = pc.or_(pc.is_valid(joined[f"{view}__{VALUE}"]), pc.is_valid(joined[view + training_sets.AGE_SUFFIX]))
    return _result(view, claim, orders, joined, np.asarray(came.to_numpy(zero_copy_only=False), dtype=np.bool_))


def _all_came(orders: pa.Table, joined: pa.Table) -> CheckResult:
    came, planted = (np.asarray(column.to_numpy(), dtype=np.float64) for column in (joined[f"{CONTROL}__{VALUE}"], orders[VALUE]))
    claim = "the same rows, created in time, reach every order: what would leak is seen"
    return _result(CONTROL, claim, orders, joined, came != planted)


def _result(view: str, claim: str, orders: pa.Table, joined: pa.Table, failing: Any) -> CheckResult:
    samples = [
        {
            KEY: orders[KEY][place].as_py(),
            "ordered_at": orders[training_sets.EVENT][place].as_py().isoformat(),
            "outcome_at": orders["outcome_at"][place].as_py().isoformat(),
            "joined": joined[f"{view}__{VALUE}"][place].as_py(),
        }
        for place in np.flatnonzero(failing)[:SAMPLES].tolist()
    ]
    return CheckResult(
        suite=SUITE, table=view, claim=claim, severity=Severity.CRITICAL, passed=not failing.any(), rows=orders.num_rows,
        failing_rows=int(failing.sum()), samples=samples,
    )  # fmt: skip
