"""The shapes that a candidate seals when it becomes a version."""

import pyarrow as pa

from tradewind_lifecycle import spans
from tradewind_lifecycle.candidates import Candidate
from tradewind_lifecycle.holdouts import frame_of
from tradewind_lifecycle.monitoring.shapes import OUTPUTS, Shapes, between, reference_shapes
from tradewind_lifecycle.training_sets import SealedSet
from tradewind_models.eta.predictor import load


def shapes_of_candidate(candidate: Candidate, sealed: SealedSet) -> Shapes:
    """The shapes that a version of ``candidate``, fitted on ``sealed``, is watched against: its holdout, answered by the bundle that is served.

    The evaluation's own answers follow each day's calibration; the bundle has one table, that of as_of. Against the former, each version
    would seem to have moved on the day on which it is sealed.

    Raises:
        IntegrityError: the bundle does not answer its golden rows.
    """
    cut = spans.cut_of(spans.as_of_of(sealed))
    start, end = cut, cut + spans.HOLDOUT_SPAN
    table, names = sealed.table(), [field.column for field in candidate.config.features]
    texts = [name for name in names if pa.types.is_string(table.schema.field(name).type)]
    answers = load(candidate.bundle).predict(frame_of(between(table, start, end), candidate.config, end).columns)
    return reference_shapes(
        table,
        [name for name in names if name not in texts],
        texts,
        start=start,
        end=end,
        answers={name: answers[:, position] for position, name in enumerate(OUTPUTS)},
        outcomes=candidate.predictions,
    )
