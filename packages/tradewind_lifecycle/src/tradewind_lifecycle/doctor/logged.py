"""The prediction log's open segments: those whose process is dead wait to be sealed, so that they can land."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tradewind_contracts.segments import OPEN, is_written, list_segments, seal_left_ones
from tradewind_lifecycle.doctor.examination import Examination
from tradewind_lifecycle.doctor.findings import Finding, Severity

_RAW = "raw"


def check_prediction_log(exam: Examination) -> Iterator[Finding]:
    """Open segments that nobody writes to: their service died. What they hold is whole but for the last second."""
    folder = exam.settings.paths.prediction_log / _RAW
    segments = [path for path in list_segments(folder) if path.suffix == OPEN]
    left = [path for path in segments if not is_written(path)]
    if left:
        yield Finding(
            "prediction log",
            Severity.WARNING,
            f"{len(left)} segment{'s' if len(left) != 1 else ''} of the prediction log were left open by a service that died",
            str(folder),
            "nothing is lost but the answers of its last second; they take more room until they are sealed",
            f"{exam.mend_command} seals them (so does the next landing)",
            partial(_seal, folder),
        )
    if folder.is_dir():
        exam.looked.append("the prediction log")


def _seal(folder: Path) -> list[str]:
    told: list[str] = []
    sealed = seal_left_ones(folder, told.append)
    return [*(f"sealed {path.name}" for path in sealed), *told]
