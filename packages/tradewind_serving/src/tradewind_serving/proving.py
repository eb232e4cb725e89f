"""Loading one version and proving it, before it may answer: its bytes, its golden rows, and that its features are served."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tradewind_contracts.bundle import BundleContract
from tradewind_contracts.digests import digest_folder
from tradewind_contracts.errors import IntegrityError
from tradewind_serving.answers import ServedVersion

ANSWERED_QUANTILES = (0.1, 0.5, 0.9)
"""What an answer has fields for."""


class Predictor(Protocol):
    """What a family's ``predictor.load`` gives."""

    @property
    def contract(self) -> BundleContract:
        """The bundle's contract."""
        ...

    def predict(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Quantiles in days, (n, quantiles), from columns (n,) by name."""
        ...


Load = Callable[[Path], Predictor]


@dataclass(frozen=True)
class Served:
    """A proven version: what answers, and what an answer says about it."""

    version: ServedVersion
    predictor: Predictor

    @property
    def contract(self) -> BundleContract:
        """The bundle's contract."""
        return self.predictor.contract


def prove(folder: Path, version: ServedVersion, load: Load, check: Callable[[BundleContract], None]) -> Served:
    """The bundle in ``folder`` as ``version``, once its digest matches, ``load`` found its golden rows right and ``check`` passed.

    Raises:
        IntegrityError: any of that does not hold; the message names version and reason.
    """
    found = digest_folder(folder)
    if found != version.digest:
        raise IntegrityError(
            f"{version.name}@{version.number}: the bundle's digest is {found}, expected {version.digest}; it is not served"
        )
    predictor = load(folder)
    contract = predictor.contract
    if contract.family != version.name:
        raise IntegrityError(f"{version.name}@{version.number}: the bundle is of family {contract.family!r}; it is not served")
    if tuple(contract.quantiles) != ANSWERED_QUANTILES:
        raise IntegrityError(
            f"{version.name}@{version.number}: quantiles {contract.quantiles}, the service answers {list(ANSWERED_QUANTILES)}; it is not served"
        )
    check(contract)
    return Served(version, predictor)
