"""What a version is watched against: the shapes that it sealed and the errors that it was judged by."""

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict

from tradewind_contracts.instants import iso
from tradewind_lifecycle import spans
from tradewind_lifecycle.candidates import Candidate
from tradewind_lifecycle.monitoring.references import shapes_of_candidate
from tradewind_lifecycle.monitoring.shapes import AGE_SUFFIX, FORM
from tradewind_lifecycle.sealing import plain_metrics
from tradewind_lifecycle.training_sets import SealedSet
from tradewind_models.eta.evaluation import MODEL
from tradewind_models.eta.gates import LANE_MEDIAN
from tradewind_registry import Version


class Watched(BaseModel):
    """A version by name, with its sealed ``shapes`` (empty: it was registered before shapes were sealed), its sealed MAE in days and the lane median's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    as_of: dt.datetime
    shapes: dict[str, Any]
    mae_days: float | None
    lane_mae_days: float | None = None

    @property
    def inputs(self) -> list[str]:
        """The input columns that it looks at."""
        return list(self.shapes.get("inputs", {}))

    @property
    def views(self) -> list[str]:
        """The views whose ages it sealed."""
        return [name.removesuffix(AGE_SUFFIX) for name in self.shapes.get("ages", {})]

    @property
    def unreadable(self) -> str:
        """Why its shapes can't be used; empty where they can."""
        if not self.shapes:
            return f"{self.name} sealed no reference shapes (registered before they were); the next version will"
        if self.shapes.get("form") != FORM:
            return f"{self.name} sealed shapes of form {self.shapes.get('form')}; this code reads form {FORM}"
        return ""


def watched_version(version: Version) -> Watched:
    """A registered version."""
    return Watched(
        name=version.reference,
        as_of=version.as_of,
        shapes=version.reference_shapes,
        mae_days=version.metrics.get("mae_days"),
        lane_mae_days=version.baselines.get(LANE_MEDIAN, {}).get("mae_days"),
    )


def watched_candidate(candidate: Candidate, sealed: SealedSet) -> Watched:
    """A candidate that no registry knows, under the name of its instant: what would have been registered then."""
    as_of, overall = spans.as_of_of(sealed), candidate.evaluation["overall"]
    return Watched(
        name=f"eta as of {iso(as_of)[:10]}",
        as_of=as_of,
        shapes=shapes_of_candidate(candidate, sealed),
        mae_days=plain_metrics(overall[MODEL]).get("mae_days"),
        lane_mae_days=plain_metrics(overall.get(LANE_MEDIAN, {})).get("mae_days"),
    )
