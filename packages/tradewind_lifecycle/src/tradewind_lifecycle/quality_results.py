"""Results of quality checks as they stand in the home: ``quality/<stage>.json``."""

import json

from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import CheckResult


def read_results(stage: str, settings: Settings) -> list[CheckResult]:
    """The results of the newest check of ``stage``; empty where there was none.

    Raises:
        IntegrityError: the file is not a list of results.
    """
    path = settings.paths.quality / f"{stage}.json"
    if not path.exists():
        return []
    try:
        return [CheckResult.model_validate(item) for item in json.loads(path.read_text(encoding="utf-8"))]
    except (ValueError, TypeError) as error:
        said = str(error).splitlines()[0]
        raise IntegrityError(f"{path}: not results of a quality check ({said}); delete it and run again") from error
