"""A run that fails says why in our words: the refusal that was raised, not the frames around it."""

import contextlib
from collections.abc import Iterator

from dagster._core.errors import DagsterAssetCheckFailedError

from tradewind_contracts.errors import QualityError
from tradewind_contracts.refusals import refusal_in
from tradewind_contracts.settings import Settings


@contextlib.contextmanager
def raised(settings: Settings) -> Iterator[None]:
    """Raise the refusal inside of whatever Dagster raises; a failed blocking check becomes a ``QualityError`` that names the claims."""
    try:
        yield
    except DagsterAssetCheckFailedError as error:
        raise QualityError(f"{_claims(settings) or error}; nothing that follows was built or published") from error
    except Exception as error:
        refusal = refusal_in(error, settings.paths.home)
        if refusal is None:
            raise
        raise refusal from None


def _claims(settings: Settings) -> str:
    """The critical claims that failed in the first stage that has any: the run stopped there."""
    from tradewind_lifecycle.checking import failed_critical
    from tradewind_lifecycle.quality_results import read_results

    for stage in ("landing", "marts", "features", "training_set"):
        failed = failed_critical(read_results(stage, settings))
        if failed:
            named = "; ".join(f"{result.table}: {result.claim} ({result.failing_rows:,} of {result.rows:,} rows)" for result in failed[:5])
            return f"{stage}: {len(failed)} critical claims failed: {named}"
    return ""
