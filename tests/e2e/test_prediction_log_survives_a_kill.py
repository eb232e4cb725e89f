"""A service is killed under load: what it answered more than a second before is in the log, once, as it was answered."""

import datetime as dt
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import serving_world
from served_process import home_with_a_champion, kill, served_process

from tradewind_contracts.segments import list_segments
from tradewind_lifecycle.predictions import read_predictions
from tradewind_lifecycle.predictions.landing import land_predictions

LOSS_SECONDS = 1.0
CLIENTS = 3
LOAD_SECONDS = 4.0
REQUEST = {"merchant_id": "m1", "destination_postal_code": "22250", "weight_g": 700, "price": 59.9, "freight": 12.5}


def test_a_kill_under_load_loses_nothing_that_was_answered_a_second_before(tmp_path: Path) -> None:
    settings = home_with_a_champion(tmp_path)
    with served_process(settings) as (url, process):
        answered, killed_at = _load_and_kill(url, process)
    settled = {decision for at, decision in answered if at < killed_at - LOSS_SECONDS}
    assert len(settled) > 100
    assert [path.suffix for path in list_segments(settings.paths.prediction_log / "raw")] == [".arrows"], "nobody had time to seal it"
    land_predictions(settings)
    found = read_predictions(settings, serving_world.NOW, serving_world.NOW + dt.timedelta(seconds=1), ["decision_id"])
    logged = found["decision_id"].to_pylist()
    known = {decision for _, decision in answered}
    sys.stdout.write(f"{len(answered)} answers, {len(settled)} of them settled, {len(logged)} in the log\n")
    assert settled <= set(logged)
    assert len(logged) == len(set(logged))
    # Answered and logged, and cut off before the client had it: one request of each client at most.
    assert len(set(logged) - known) <= CLIENTS
    assert land_predictions(settings).landed == 0


def _load_and_kill(url: str, process: subprocess.Popen[bytes]) -> tuple[list[tuple[float, str]], float]:
    """When each answer came to its client, with its decision; and when the kill was sent."""
    answered: list[tuple[float, str]] = []
    ended = threading.Event()

    def ask(client: int) -> None:
        number = 0
        with httpx.Client(base_url=url, timeout=5, trust_env=False) as http:
            while not ended.is_set():
                number += 1
                try:
                    said = http.post("/predict", json=REQUEST | {"order_id": f"{client}-{number}"})
                except httpx.HTTPError:
                    return
                answered.append((time.monotonic(), said.json()["decision_id"]))

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    ended.wait(LOAD_SECONDS)
    killed_at = time.monotonic()
    kill(process)
    ended.set()
    for thread in threads:
        thread.join()
    return answered, killed_at
