"""Loading one version and proving it, before it may answer: its bytes, its golden rows, and that its features are served."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
Check = Callable[[BundleContract, Mapping[str, str]], None]
"""Refuses a contract that can't be filled from the views of these digests (view → digest of its definition)."""


@dataclass(frozen=True)
class Sealed:
    """A version as it was sealed: which one, and for each view that it was trained on the digest of its definition."""

    version: ServedVersion
    view_specs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Served:
    """A proven version: what answers, what an answer says about it, and by which definitions its views are read."""

    version: ServedVersion
    predictor: Predictor
    view_specs: Mapping[str, str] = field(default_factory=dict)

    @property
    def contract(self) -> BundleContract:
        """The bundle's contract."""
        return self.predictor.contract


def prove(folder: Path, sealed: Sealed, load: Load, check: Check) -> Served:
    """The bundle in ``folder`` as the ``sealed`` version, once its digest matches, ``load`` found its golden rows right and ``check`` passed.

    Raises:
        IntegrityError: any of that does not hold; the message names version and reason.
    """
    version = sealed.version
    found = digest_folder(folder)
    if found != version.digest:
        raise IntegrityError(
            f"{version.name}@{version.number}: the bundle's digest is {found}, expected {version.digest}; it is not served"
        )
    try:
        predictor = load(folder)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"{version.name}@{version.number}: this service's code can't load the bundle ({type(error).__name__}: {error}); it is not served"
        ) from error
    contract = predictor.contract
    if contract.family != version.name:
        raise IntegrityError(f"{version.name}@{version.number}: the bundle is of family {contract.family!r}; it is not served")
    if tuple(contract.quantiles) != ANSWERED_QUANTILES:
        raise IntegrityError(
            f"{version.name}@{version.number}: quantiles {contract.quantiles}, the service answers {list(ANSWERED_QUANTILES)}; it is not served"
        )
    check(contract, sealed.view_specs)
    return Served(version, predictor, sealed.view_specs)
