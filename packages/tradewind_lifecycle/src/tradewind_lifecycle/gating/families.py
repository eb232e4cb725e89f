"""The families and what each declares, found by their folders: a new one touches nothing here.

``tradewind_models.<family>.gates`` holds ``GATES``; ``tradewind_models.<family>.predictor`` has ``load`` and ``golden_columns``.
"""

import importlib
import importlib.util
import pkgutil

import tradewind_models
from tradewind_contracts.errors import NotFoundError
from tradewind_contracts.verdicts import Gate
from tradewind_lifecycle.gating.bundles import Answering


def families() -> list[str]:
    """The families that declare gates, sorted."""
    packages = sorted(found.name for found in pkgutil.iter_modules(tradewind_models.__path__) if found.ispkg)
    return [name for name in packages if importlib.util.find_spec(f"tradewind_models.{name}.gates") is not None]


def gates_of(family: str) -> tuple[Gate, ...]:
    """The gates of ``family``, as it declares them.

    Raises:
        NotFoundError: no such family, or it declares none.
    """
    if family not in families():
        raise NotFoundError(f"no family {family!r} declares gates in tradewind_models; there are: {', '.join(families())}")
    found: tuple[Gate, ...] = importlib.import_module(f"tradewind_models.{family}.gates").GATES
    return found


def predictor_of(family: str) -> Answering:
    """The module that answers from bundles of ``family``.

    Raises:
        NotFoundError: no such family.
    """
    try:
        found: Answering = importlib.import_module(f"tradewind_models.{family}.predictor")
    except ModuleNotFoundError as error:
        raise NotFoundError(f"family {family!r}: no tradewind_models.{family}.predictor to load its bundles by") from error
    return found
