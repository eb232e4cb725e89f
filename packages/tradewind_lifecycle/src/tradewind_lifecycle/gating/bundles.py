"""Measuring the gates that open a bundle: its golden rows, how fast it answers one row, how large it is."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.gates import GoldenRowsGate, LatencyGate, SizeGate
from tradewind_lifecycle.gating import evidence
from tradewind_lifecycle.gating.measurements import BundleMeasured, Measurements, Outcome

WARM_UP = 50
CALLS = 400
"""Calls that are timed, after the warm-up. Chosen: the median of several hundred moves by a few percent."""
MEGABYTE = 1e6


class Answering(Protocol):
    """What is asked of a family's predictor module (``tradewind_models.<family>.predictor``): the fourth verb, and its golden rows."""

    def load(self, folder: Path) -> Any:
        """The predictor of a bundle, once its golden rows were found to hold."""

    def golden_columns(self, folder: Path) -> Mapping[str, np.ndarray]:
        """The inputs of its golden rows, by column."""


def measure_bundle(folder: Path, family: Answering, timed: bool = True, clock: Callable[[], float] = time.perf_counter) -> BundleMeasured:
    """Load the bundle in ``folder`` and answer its first golden row again and again; not timed, it is only loaded and weighed."""
    megabytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MEGABYTE
    began = clock()
    try:
        predictor = family.load(folder)
    except IntegrityError as error:
        return BundleMeasured(broken=str(error), megabytes=megabytes)
    load_ms = (clock() - began) * 1e3
    if not timed:
        return BundleMeasured(megabytes=megabytes, load_ms=load_ms)
    row = {name: values[:1] for name, values in family.golden_columns(folder).items()}
    calls = [_milliseconds(predictor, row, clock) for _ in range(WARM_UP + CALLS)]
    return BundleMeasured(megabytes=megabytes, load_ms=load_ms, call_ms=tuple(calls[WARM_UP:]))


def golden_rows(_: GoldenRowsGate, found: Measurements) -> Outcome:
    """1 where the bundle is not what it was, 0 where it is."""
    if isinstance(found.bundle, str):
        return Outcome(None, found.bundle, evidence=evidence.count(0, 0))
    broken = found.bundle.broken
    return Outcome(float(bool(broken)), broken, evidence=evidence.count(int(bool(broken)), 1))


def latency(gate: LatencyGate, found: Measurements) -> Outcome:
    """The median of the timed calls; the interval in the evidence is that of the middle four fifths of them."""
    if isinstance(found.bundle, str) or not found.bundle.call_ms:
        why = found.bundle if isinstance(found.bundle, str) else found.bundle.broken or "no call was timed"
        return Outcome(None, why, evidence=evidence.interval(None, None, None, gate.threshold, "ms"))
    low, middle, high, rare = (float(value) for value in np.quantile(found.bundle.call_ms, [0.1, 0.5, 0.9, 0.99]))
    detail = f"99 % of {len(found.bundle.call_ms)} calls within {rare:.3g} ms, loaded in {found.bundle.load_ms or 0.0:.0f} ms"
    return Outcome(middle, detail, evidence=evidence.interval(middle, low, high, gate.threshold, "ms"))


def size(gate: SizeGate, found: Measurements) -> Outcome:
    """The bytes of all files together."""
    if isinstance(found.bundle, str) or found.bundle.megabytes is None:
        why = found.bundle if isinstance(found.bundle, str) else found.bundle.broken
        return Outcome(None, why, evidence=evidence.bars({}, gate.threshold, "MB"))
    return Outcome(found.bundle.megabytes, evidence=evidence.bars({"bundle": found.bundle.megabytes}, gate.threshold, "MB"))


def _milliseconds(predictor: Any, row: Mapping[str, np.ndarray], clock: Callable[[], float]) -> float:
    began = clock()
    predictor.predict(row)
    return (clock() - began) * 1e3
