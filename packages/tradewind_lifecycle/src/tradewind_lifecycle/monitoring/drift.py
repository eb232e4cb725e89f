"""Drift of one window: its questions, their freshness and the answers beside the shapes that the version sealed. No outcome is needed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from tradewind_lifecycle.monitoring.distances import share_rise
from tradewind_lifecycle.monitoring.shapes import AGE_SUFFIX, ALARM_SHARE, OUTPUTS, excess_of, null_share, numbers_of

DAILY_HOURS = 72.0
"""Views whose sealed 90 % point is above this age change seldom; they grow old by nature, and are not called stale."""
NAMED = 3
"""Inputs that a reason names."""


class Moved(BaseModel):
    """One input or output: how far it moved, and what it was and is now (None for texts)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    moved: float
    before: float | None = None
    now: float | None = None
    said_of: str = "median"

    def words(self) -> str:
        """It as a part of a sentence."""
        change = "" if self.before is None or self.now is None else f", {self.said_of} {self.before:.4g} → {self.now:.4g}"
        return f"{self.name} {self.moved:+.2f}{change}"


class Drift(BaseModel):
    """What moved in a window, most moved first: ``inputs`` and ``outputs`` in standard deviations (texts: PSI), ``unknown`` as rise of a
    share, ``stale`` in hours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    inputs: tuple[Moved, ...]
    unknown: tuple[Moved, ...]
    stale: tuple[Moved, ...]
    outputs: tuple[Moved, ...]


def drift_of(rows: pa.Table, shapes: Mapping[str, Any]) -> Drift:
    """The drift of flat log rows (``windows.flat``) from sealed shapes."""
    widened = rows.append_column("width_days", pa.array(numbers_of(rows, OUTPUTS[-1]) - numbers_of(rows, OUTPUTS[0])))
    inputs = [_moved(shape, widened, name, float(shape["usual"])) for name, shape in shapes["inputs"].items()]
    unknown = [_unknown(shape, rows, name) for name, shape in shapes["inputs"].items()]
    stale = [_stale(shape, rows, view) for view, shape in shapes["ages"].items() if _is_daily(shape)]
    outputs = [_moved(shape, widened, name, 0.0) for name, shape in shapes["outputs"].items()]
    return Drift(rows=rows.num_rows, inputs=_sorted(inputs), unknown=_sorted(unknown), stale=_sorted(stale), outputs=_sorted(outputs))


def _moved(shape: Mapping[str, Any], rows: pa.Table, name: str, usual: float) -> Moved:
    moved = max(0.0, excess_of(shape, rows, name) - usual)
    return Moved(name=name, moved=moved, before=_middle(shape), now=_median(rows, name) if "points" in shape else None)


def _unknown(shape: Mapping[str, Any], rows: pa.Table, name: str) -> Moved:
    before, now = float(shape["nulls"]), null_share(rows, name)
    sealed = float(shape["known"]) / max(1 - before, 1e-9) if before < 1 else float(rows.num_rows)
    rise = share_rise(before, sealed, now, rows.num_rows, ALARM_SHARE)
    return Moved(name=name, moved=rise, before=before, now=now, said_of="unknown share")


def _stale(shape: Mapping[str, Any], rows: pa.Table, view: str) -> Moved:
    now, oldest = _median(rows, view + AGE_SUFFIX), shape["p10_p50_p90"][2]
    return Moved(name=view, moved=0.0 if now is None else max(0.0, now - oldest), before=_middle(shape), now=now, said_of="median hours")


def _is_daily(shape: Mapping[str, Any]) -> bool:
    oldest = shape["p10_p50_p90"][2]
    return oldest is not None and oldest <= DAILY_HOURS


def _middle(shape: Mapping[str, Any]) -> float | None:
    return shape["p10_p50_p90"][1] if "points" in shape else None


def _median(rows: pa.Table, name: str) -> float | None:
    values = numbers_of(rows, name)
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else None


def _sorted(found: list[Moved]) -> tuple[Moved, ...]:
    return tuple(sorted(found, key=lambda moved: (-moved.moved, moved.name)))
