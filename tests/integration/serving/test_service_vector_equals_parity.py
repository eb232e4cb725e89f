"""What a service assembles is, column for column, the vector that parity recorded and proves equal to training."""

import datetime as dt
from pathlib import Path

import feature_world
import numpy as np
import pyarrow as pa

from tradewind_contracts.bundle import REQUEST, BundleContract
from tradewind_features.online.assembly import ON_DEMAND, Parcels
from tradewind_features.online.reader import OnlineReader
from tradewind_lifecycle import feature_store, online_store, parity
from tradewind_lifecycle.parity.records import read_records
from tradewind_models.eta.features import FEATURES, SERVICE
from tradewind_serving.vector import Vectorizer


def test_the_service_assembles_the_vector_that_parity_proves(tmp_path: Path) -> None:
    settings = feature_world.land_world(tmp_path / "home")
    feature_world.publish(settings, feature_world.feature_tables(feature_store.feature_manifest()))
    feature_store.apply(settings)
    online_store.materialize(settings)
    now = feature_world.AS_OF
    parity.record_served(settings, now)
    recorded = read_records(settings, now)[0].rows
    count = recorded.num_rows
    contract = BundleContract(
        family="eta", feature_service=SERVICE, features=list(FEATURES), quantiles=[0.1, 0.5, 0.9], as_of=now, files=[]
    )  # fmt: skip
    parcels = Parcels(
        merchant_id=recorded["merchant_id"].to_pylist(),
        origin_area=[None] * count,
        destination_area=recorded["destination_postal_area_id"].to_pylist(),
        ordered_at=np.full(count, np.datetime64(now.astimezone(dt.UTC).replace(tzinfo=None), "us")),
        columns={
            **{name: recorded[name].to_numpy() for name in ("price", "freight")},
            **{name: np.full(count, np.nan) for name in ("weight_g", "volume_cm3", "items_count")},
            "category": np.array(recorded["category"].to_pylist(), dtype=object),
        },
    )
    served = Vectorizer(OnlineReader(settings.paths.online_store), feature_world.ZONE).assemble(contract, parcels).columns

    compared = [field.column for field in FEATURES if field.view not in (REQUEST, *ON_DEMAND)]
    compared += [f"{view}__{name}" for view in ON_DEMAND for name in ("distance_km", "is_same_state")]
    assert len(compared) > 20
    for name in compared:
        expected = recorded[name]
        assert not pa.types.is_string(expected.type), name
        np.testing.assert_array_equal(np.asarray(served[name]), expected.to_numpy(), err_msg=name)
    assert any(recorded[name].null_count for name in compared), "the cold rows are absent"
