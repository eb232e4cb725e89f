"""On a simulated world: the truth measures a version, and is in nothing that makes it."""

import datetime as dt
import json
import shutil
from pathlib import Path

import eta_world
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewind_contracts.digests import digest_file, digest_folder
from tradewind_contracts.files import write_text
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_lifecycle import feature_store, labels
from tradewind_lifecycle.backtest import backtest
from tradewind_lifecycle.candidates import Candidate, fit_candidate
from tradewind_lifecycle.noise_floor import NoiseFloor, floor_of_file, floor_of_scores
from tradewind_lifecycle.training import register_candidate, seal_training_set
from tradewind_models.eta import EtaConfig
from tradewind_models.eta.config import TreesConfig

QUICK = EtaConfig(trees=TreesConfig(rounds=40, min_data_in_leaf=20, learning_rate=0.12))
SPREAD = 0.3
"""Of the logarithm of days, in ``eta_world.parcels``."""


def plant_truth(settings: Settings, data: Path) -> None:
    """The conditional law of each parcel of ``eta_world`` at purchase: its median is known, and its spread."""
    rows = labels.read_labels(settings).select(["parcel_id", "event_timestamp", "category", "destination_state"]).to_pylist()
    median = np.array([(4 + 7 * (row["category"] == "toys")) * eta_world.FARTHER[row["destination_state"]] for row in rows])
    noise = np.exp(SPREAD * np.random.default_rng(0).standard_normal(100_000))
    columns = {f"p{level:.0f}_days": median * np.quantile(noise, level / 100) for level in (10, 50, 90)}
    law = {"parcel_id": [row["parcel_id"] for row in rows], "state": ["purchased"] * len(rows), "at": [r["event_timestamp"] for r in rows]}
    table = pa.table({**law, **columns, "bayes_mae_days": median * np.abs(noise - np.median(noise)).mean()})
    path = data / "truth" / "eta_law" / "2018-01-01.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(table, path)
    entry = {"table": "eta_law", "day": "2018-01-01", "path": "eta_law/2018-01-01.parquet", "rows": table.num_rows}
    marketplace = {"format": 1, "name": "simulator", "country": "BR", "currency": "BRL", "zone": "America/Sao_Paulo"}
    days = {"first_day": "2018-01-01", "newest_day": "2018-05-30"}
    write_text(data / "truth" / "manifest.json", json.dumps({**marketplace, **days, "files": [{**entry, "digest": digest_file(path)}]}))


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A published world that says that a simulator filled it, and its truth."""
    folder = tmp_path_factory.mktemp("simulated")
    made = eta_world.publish_world(folder / "home")
    settings = made.model_copy(update={"source": "simulator", "world": made.world_name, "data": str(folder / "data")})
    World.read(settings.paths.world_file).model_copy(update={"source": "simulator"}).write(settings.paths.world_file)
    eta_world.land_newest(settings)
    plant_truth(settings, folder / "data")
    feature_store.apply(settings)
    return settings


def trained(settings: Settings) -> Candidate:
    shutil.rmtree(settings.paths.world / "candidates", ignore_errors=True)
    return fit_candidate(settings, seal_training_set(settings).digest, QUICK)


@pytest.fixture(scope="module")
def candidate(simulated: Settings) -> Candidate:
    return trained(simulated)


def test_a_model_stands_between_the_floor_and_the_naive_baseline(simulated: Settings, candidate: Candidate) -> None:
    found = floor_of_scores(simulated, Path(simulated.data), candidate.predictions, "eta@1")
    assert isinstance(found, NoiseFloor)
    assert found.parcels > 100
    assert 0.9 < found.ratios["eta@1"] < found.ratios["lane_median"] < found.ratios["promise"]
    assert found.planted_levels["0.5"] == pytest.approx(0.5, abs=0.1)


def test_a_backtest_is_measured_on_the_parcels_that_it_scored(simulated: Settings, tmp_path: Path) -> None:
    report = backtest(simulated, "eta", dt.datetime(2018, 4, 20, 3, tzinfo=dt.UTC), 20, tmp_path / "b.parquet", QUICK)
    found = floor_of_file(simulated, Path(simulated.data), report.out, "eta")
    assert isinstance(found, NoiseFloor)
    assert found.parcels == report.delivered
    assert found.mae_days["eta"] == pytest.approx(report.metrics["eta"]["mae_days"])


def test_a_version_of_a_simulated_world_says_so(simulated: Settings, candidate: Candidate) -> None:
    version, _ = register_candidate(simulated, candidate)
    assert version.facts["data_kind"] == "simulated"


def test_training_makes_the_same_bundle_with_the_truth_with_another_and_without_any(simulated: Settings, candidate: Candidate) -> None:
    digest, key = digest_folder(candidate.bundle), candidate.inputs_key
    folder = Path(simulated.data) / "truth"
    aside = folder.rename(folder.with_name("aside"))
    try:
        for content in (b"not the truth at all", None):
            if content is not None:
                shutil.copytree(aside, folder)
                for path in [path for path in folder.rglob("*") if path.is_file()]:
                    path.write_bytes(content)
            else:
                shutil.rmtree(folder)
            again = trained(simulated)
            assert not again.reused
            assert (digest_folder(again.bundle), again.inputs_key) == (digest, key)
    finally:
        aside.rename(folder)
