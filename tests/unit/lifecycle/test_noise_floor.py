"""The noise floor on a planted law that a test can do by hand, and where there is none."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewind_contracts.digests import digest_file
from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.files import write_text
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_lifecycle.noise_floor import NoiseFloor, floor_of_scores, measure, report_path, truth_folder

LAW = {
    "parcel_id": ["a", "a", "b", "c", "d"],
    "state": ["purchased", "hub_arrived", "purchased", "purchased", "purchased"],
    "at": pa.array([0] * 5, pa.timestamp("us", "UTC")),
    "p10_days": [1.0, 1.0, 2.0, 3.0, 4.0],
    "p50_days": [2.0, 2.0, 4.0, 6.0, 8.0],
    "p90_days": [4.0, 4.0, 8.0, 12.0, 16.0],
    "bayes_mae_days": [1.0, 0.5, 2.0, 3.0, 90.0],
}
SCORED = {
    "parcel_id": ["c", "x", "a", "b", "d"],
    "p10_days": [3.0, 1.0, 1.5, 2.0, 1.0],
    "p50_days": [6.0, 1.0, 2.0, 4.0, 1.0],
    "p90_days": [12.0, 1.0, 4.0, 9.0, 1.0],
    "actual_days": [9.0, 5.0, 4.0, 1.0, None],
    "lane_median_days": [5.0, 5.0, 5.0, 5.0, 5.0],
    "promise_days": [10.0, 9.0, None, 10.0, 9.0],
}


def test_the_floor_is_the_mean_bayes_error_of_the_very_parcels_that_the_model_is_judged_on() -> None:
    found = measure(pa.table(SCORED), pa.table(LAW), "w", "eta@1")
    assert isinstance(found, NoiseFloor)
    # a, b and c: d has no outcome yet, and of x the truth tells nothing.
    assert found.parcels == 3
    assert found.floor_mae_days == pytest.approx((1 + 2 + 3) / 3)
    assert found.mae_days == pytest.approx({"eta@1": (2 + 3 + 3) / 3, "lane_median": (1 + 4 + 4) / 3, "promise": (9 + 1) / 2})
    assert found.ratios == pytest.approx({"eta@1": 8 / 6, "lane_median": 9 / 6, "promise": 5 / 2})
    assert found.planted_levels == pytest.approx({"0.1": 1 / 3, "0.5": 1 / 3, "0.9": 1.0})
    assert found.quantile_gap_days == pytest.approx({"0.1": 0.5 / 3, "0.5": 0.0, "0.9": 1 / 3})


def test_a_planted_quantile_of_a_parcel_that_goes_back_is_later_than_every_outcome() -> None:
    # Of a, one replicate in five goes back (no p90); of b, most do (no p50 and no error), so nothing is judged by it.
    law = pa.table({**LAW, "p50_days": [2.0, 2.0, None, 6.0, 8.0], "p90_days": [None, 4.0, None, 12.0, 16.0],
                    "bayes_mae_days": [1.0, 0.5, None, 3.0, 90.0]})  # fmt: skip
    found = measure(pa.table(SCORED), law, "w", "eta@1")
    assert isinstance(found, NoiseFloor)
    assert (found.parcels, found.floor_mae_days) == (2, pytest.approx((1 + 3) / 2))
    assert found.mae_days["eta@1"] == pytest.approx((2 + 3) / 2)
    assert found.planted_levels["0.9"] == 1.0


def test_weights_count_for_the_floor_as_for_the_errors() -> None:
    weighted = pa.table({**SCORED, "weight": [3.0, 1.0, 1.0, 0.0, 0.0]})
    found = measure(weighted, pa.table(LAW), "w", "eta")
    assert isinstance(found, NoiseFloor)
    assert (found.parcels, found.floor_mae_days) == (2, pytest.approx((3 * 3 + 1) / 4))
    assert found.mae_days["eta"] == pytest.approx((3 * 3 + 2) / 4)


def test_who_answers_the_planted_median_stands_at_the_floor() -> None:
    source = np.random.default_rng(5)
    count, spread = 4000, 0.4
    median = np.exp(source.normal(2.0, 0.5, count))
    actual = median * np.exp(spread * source.standard_normal(count))
    noise = np.exp(spread * source.standard_normal(20_000))
    bayes = np.abs(noise - 1.0).mean() * median
    ids = [f"p{number}" for number in range(count)]
    law = pa.table({"parcel_id": ids, "state": ["purchased"] * count, "p10_days": median * np.quantile(noise, 0.1), "p50_days": median,
                    "p90_days": median * np.quantile(noise, 0.9), "bayes_mae_days": bayes})  # fmt: skip
    scored = pa.table({"parcel_id": ids[::-1], "p10_days": median[::-1], "p50_days": median[::-1], "p90_days": median[::-1],
                       "actual_days": actual[::-1], "lane_median_days": np.full(count, np.median(actual))})  # fmt: skip
    found = measure(scored, law, "w", "oracle")
    assert isinstance(found, NoiseFloor)
    assert found.ratios["oracle"] == pytest.approx(1.0, abs=0.04)
    assert found.ratios["lane_median"] > 1.3
    assert found.planted_levels == pytest.approx({"0.1": 0.1, "0.5": 0.5, "0.9": 0.9}, abs=0.02)


def test_a_parcel_that_the_truth_has_twice_is_refused_and_none_at_all_is_said() -> None:
    twice = pa.table({**LAW, "state": ["purchased"] * 5})
    with pytest.raises(IntegrityError, match="a parcel twice"):
        measure(pa.table(SCORED), twice, "w", "eta")
    others = pa.table({**SCORED, "parcel_id": ["v", "w", "x", "y", "z"]})
    assert measure(others, pa.table(LAW), "w", "eta") == "no noise floor: the truth of world w knows none of the judged parcels"


def world(settings: Settings, source: str) -> None:
    World(name=settings.world_name, source=source, country="BR", currency="BRL", zone="America/Sao_Paulo").write(settings.paths.world_file)


def plant(folder: Path) -> Path:
    """The truth of a simulated world in ``folder``, as the simulator writes it."""
    path = folder / "truth" / "eta_law" / "2024-01-01.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table(LAW), path)
    file = {"table": "eta_law", "day": "2024-01-01", "path": "eta_law/2024-01-01.parquet", "rows": 5, "digest": digest_file(path)}
    marketplace = {"format": 1, "name": "simulator", "country": "BR", "currency": "BRL", "zone": "America/Sao_Paulo"}
    days = {"first_day": "2024-01-01", "newest_day": "2024-01-01"}
    write_text(folder / "truth" / "manifest.json", json.dumps({**marketplace, **days, "files": [file]}))
    return folder


def test_a_real_world_and_one_without_its_truth_have_no_floor_and_say_so(own_settings: Settings, tmp_path: Path) -> None:
    data = plant(tmp_path / "data")
    world(own_settings, "olist")
    assert truth_folder(own_settings, data) is None
    said = "no noise floor: the data of world olist comes without a planted truth"
    assert floor_of_scores(own_settings, data, pa.table(SCORED), "eta@1") == said
    world(own_settings, "simulator")
    assert truth_folder(own_settings, data) == data
    assert truth_folder(own_settings, tmp_path / "elsewhere") is None
    manifest = data / "truth" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"eta_law"', '"weather"'))
    assert "no truth of 'eta_law'; there is: weather" in str(floor_of_scores(own_settings, data, pa.table(SCORED), "eta@1"))
    assert not report_path(own_settings).exists()


@pytest.mark.parametrize("given", ["", "observed"])
def test_a_simulated_world_has_its_floor_written_to_a_report(own_settings: Settings, tmp_path: Path, given: str) -> None:
    data = plant(tmp_path / "data") / given
    world(own_settings, "simulator")
    found = floor_of_scores(own_settings, data, pa.table(SCORED), "eta@1")
    assert isinstance(found, NoiseFloor)
    assert NoiseFloor.model_validate_json(report_path(own_settings).read_text(encoding="utf-8")) == found
    assert found.data_kind == "simulated"
