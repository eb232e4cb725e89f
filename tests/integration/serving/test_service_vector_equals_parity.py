"""What a service assembles is, column for column, the vector that parity proves equal to training."""

import datetime as dt
from pathlib import Path

import feature_world
import numpy as np
import pyarrow as pa

from tradewind_contracts.bundle import REQUEST, BundleContract
from tradewind_features.online.assembly import Parcels
from tradewind_features.online.reader import OnlineReader
from tradewind_lifecycle import feature_store, parity, training_sets
from tradewind_models.eta.features import FEATURES, SERVICE
from tradewind_serving.vector import Vectorizer


def test_the_service_assembles_the_vector_that_parity_proved(tmp_path: Path) -> None:
    settings = feature_world.land_world(tmp_path / "home")
    feature_world.publish(settings, feature_world.feature_tables(feature_store.feature_manifest()))
    feature_store.apply(settings)
    feature_store.materialize(settings)
    now = feature_world.AS_OF
    labels = feature_world.labels(24)
    count = labels.num_rows
    moments = pa.array([now + dt.timedelta(minutes=n) for n in range(count)], pa.timestamp("us", tz="UTC"))
    rows = labels.set_column(labels.column_names.index("ordered_at"), "ordered_at", moments)
    # A cold row each: a merchant, an area and a category that nobody knows.
    for name, place in (("merchant_id", 0), ("destination_postal_area_id", 1), ("category", 2)):
        values = ["99999" if n == place else value for n, value in enumerate(rows[name].to_pylist())]
        rows = rows.set_column(rows.column_names.index(name), name, pa.array(values, pa.string()))
    reader = OnlineReader(settings.paths.online_store)
    proved = parity.online_vectors(reader, rows, now, feature_world.ZONE)

    contract = BundleContract(
        family="eta", feature_service=SERVICE, features=list(FEATURES), quantiles=[0.1, 0.5, 0.9], as_of=now, files=[]
    )  # fmt: skip
    parcels = Parcels(
        merchant_id=rows["merchant_id"].to_pylist(),
        origin_area=[None] * count,
        destination_area=rows["destination_postal_area_id"].to_pylist(),
        ordered_at=rows["ordered_at"].cast(pa.timestamp("us")).to_numpy(),
        columns={
            **{name: rows[name].to_numpy() for name in ("price", "freight")},
            **{name: np.full(count, np.nan) for name in ("weight_g", "volume_cm3", "items_count")},
            "category": np.array(rows["category"].to_pylist(), dtype=object),
        },
    )
    served = Vectorizer(reader, feature_world.ZONE).assemble(contract, parcels).columns

    compared = [field.column for field in FEATURES if field.view != REQUEST and not field.column.endswith(training_sets.AGE_SUFFIX)]
    assert len(compared) > 20
    for name in compared:
        np.testing.assert_array_equal(np.asarray(served[name]), np.asarray(proved[name]), err_msg=name)
    assert any(np.isnan(np.asarray(served[name], dtype=np.float64)).any() for name in compared), "the cold rows are absent"
