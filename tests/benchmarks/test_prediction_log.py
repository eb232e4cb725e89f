"""What the prediction log costs an answer, and what a busy day costs to compact. Printed; run them by hand on a quiet machine."""

import datetime as dt
import gc
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pytest
import serving_world
from prediction_rows import ANSWERED, prediction_rows
from served_process import home_with_a_champion, served_process

from tests.benchmarks.measuring import measured
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables.predictions import LOGGED
from tradewind_lifecycle.predictions.adding import add_rows, as_declared
from tradewind_lifecycle.predictions.compacting import MOST_FILES, compact_predictions
from tradewind_lifecycle.predictions.landed import landed_folder, read_day

pytestmark = [pytest.mark.benchmark, pytest.mark.filterwarnings("ignore")]

PAIRS, WARM = 10_000, 300
REQUEST = {"merchant_id": "m1", "destination_postal_code": "22250", "weight_g": 700, "price": 59.9, "freight": 12.5, "order_id": "o1"}

RATE, HOURS, PARTS_AN_HOUR, FEATURES = 50, 24, 6, 40


def test_an_answer_with_the_log_takes_as_long_as_one_without(tmp_path: Path) -> None:
    settings = home_with_a_champion(tmp_path)
    without = settings.model_copy(update={"prediction_log": False})
    with served_process(settings) as (on, _), served_process(without) as (off, _):
        taken = _interleaved(on, off)
    logged, plain = (np.array(taken[url]) * 1000 for url in (on, off))
    for name, level in (("p50", 50), ("p99", 99)):
        a, b = float(np.percentile(logged, level)), float(np.percentile(plain, level))
        sys.stdout.write(f"{name}: {a:.3f} ms with the log, {b:.3f} ms without, ratio {a / b:.3f}\n")
    sys.stdout.write(f"{PAIRS:,} requests each, in pairs, {1000 * 2 / (logged.mean() + plain.mean()) / 2:.0f} requests/s to each\n")


def _interleaved(on: str, off: str) -> dict[str, list[float]]:
    """Seconds of each request; who is asked first changes with each pair."""
    taken: dict[str, list[float]] = {on: [], off: []}
    with httpx.Client(timeout=5, trust_env=False) as http:
        gc.collect()
        gc.disable()
        try:
            for pair in range(PAIRS + WARM):
                for url in (on, off) if pair % 2 else (off, on):
                    began = time.perf_counter()
                    http.post(f"{url}/predict", json=REQUEST)
                    seconds = time.perf_counter() - began
                    if pair >= WARM:
                        taken[url].append(seconds)
        finally:
            gc.enable()
    return taken


def test_a_day_at_fifty_requests_a_second_is_compacted_to_a_file_an_hour(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", source="olist")
    world = serving_world.write_world(settings)
    folder, began = landed_folder(settings), time.perf_counter()
    for rows in _parts():
        add_rows(folder, rows, world.zone)
    day = read_day(folder, ANSWERED.date())
    sys.stdout.write(f"written: {day.rows:,} rows in {len(day.files)} files, {time.perf_counter() - began:.0f} s\n")
    done, cost = measured(lambda: compact_predictions(settings))
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    sys.stdout.write(
        f"{done.said()}: {cost.seconds:.0f} s, {cost.cpu_seconds:.0f} CPU s, {cost.peak_bytes / 1e6:.0f} MB more memory, {size / 1e6:.0f} MB on disk\n"
    )
    assert len(read_day(folder, ANSWERED.date()).files) <= MOST_FILES


def _parts() -> Iterator[pa.Table]:
    """A day's rows in the parts that segments of ten minutes land as, each row with as many features as a model has."""
    count, source = RATE * 3600 // PARTS_AN_HOUR, np.random.default_rng(1)
    [row] = prediction_rows(1).to_pylist()
    names = pa.array([f"merchant_handling_30d__feature_number_{n}" for n in range(FEATURES)] * count)
    # Half of a vector differs between parcels, half is of the day's network, categories and lanes.
    few = np.round(source.normal(100, 20, 50), 3)
    for part in range(HOURS * PARTS_AN_HOUR):
        at = ANSWERED + dt.timedelta(seconds=part * 3600 // PARTS_AN_HOUR)
        ticks = np.datetime64(at.replace(tzinfo=None), "us") + (np.arange(count) * (1_000_000 // RATE)).astype("timedelta64[us]")
        instants = pa.array(ticks).cast(pa.timestamp("us", tz="UTC"))
        values = np.column_stack([source.normal(100, 20, (count, FEATURES // 2)), source.choice(few, (count, FEATURES // 2))])
        offsets = pa.array(np.arange(count + 1, dtype=np.int32) * FEATURES)
        own = {
            "decision_id": pa.array([str(uuid.UUID(bytes=source.bytes(16), version=4)) for _ in range(count)]),
            "answered_at": instants,
            "logged_at": instants,
            "ordered_at": instants,
            "order_id": pa.array([f"{part:04d}-{n:08d}" for n in range(count)]),
            "p50_days": pa.array(source.gamma(4, 2, count)),
            "latency_ms": pa.array(source.gamma(2, 1, count)),
            "numbers": pa.MapArray.from_arrays(offsets, names, pa.array(values.ravel())),
        }
        same = {field.name: pa.array([row[field.name]] * count, field.type) for field in LOGGED if field.name not in own}
        yield as_declared(pa.table(own | same))
