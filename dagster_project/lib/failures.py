"""A run that fails says why in our words: the refusal that was raised, not the frames around it."""

import contextlib
from collections.abc import Iterator

import dagster as dg
from dagster._core.errors import DagsterAssetCheckFailedError

from tradewind_contracts.errors import QualityError, TradewindError


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Raise the refusal inside of whatever Dagster raises; a failed blocking check becomes a ``QualityError``."""
    try:
        yield
    except DagsterAssetCheckFailedError as error:
        raise QualityError(f"{error}; nothing after it was built or published") from error
    except dg.DagsterError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, TradewindError):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            raise
        raise cause from None
