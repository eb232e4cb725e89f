"""Checks that gates stand on, each made once for its inputs: parity of the online store, leaks in features and in a training set.

The graph makes them as asset checks; whoever asks again with the same inputs (published features, world and clock, code, training
set) gets the results that stand in ``quality/``, and whoever asks with other inputs gets them made anew: none is ever stale.
"""

from collections.abc import Callable
from pathlib import Path

import tradewind_features
import tradewind_lifecycle
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import CheckResult
from tradewind_lifecycle.checking import kept
from tradewind_lifecycle.feature_store import feature_repo_dir
from tradewind_lifecycle.provenance import code_digest

PARITY, LEAKS_IN_FEATURES, LEAKS_IN_TRAINING_SET = "parity", "leaks_in_features", "leaks_in_training_set"

Say = Callable[[str], None]


def parity(settings: Settings) -> list[CheckResult]:
    """Online vectors beside their offline derivation, those that services recorded included.

    Raises:
        StateError: nothing is published or materialized.
    """

    def evaluate() -> list[CheckResult]:
        # Feast is loaded only where there is something to compare anew; so it is below.
        from tradewind_lifecycle.parity import check_parity

        return check_parity(settings)

    served = sorted(path.name for path in settings.paths.served_vectors.glob("[!.]*.parquet"))
    return kept(PARITY, {**_inputs(settings), "served": served}, evaluate, settings)


def leaks_in_features(settings: Settings, say: Say = lambda _: None) -> list[CheckResult]:
    """Whether a published feature row that was visible has changed since; some seconds where features must be built as of the clock.

    Raises:
        StateError: no features are published, or dbt has not built this world.
    """

    def evaluate() -> list[CheckResult]:
        from tradewind_lifecycle.leaks import check_rewritten

        return check_rewritten(settings, say)

    return kept(LEAKS_IN_FEATURES, _inputs(settings), evaluate, settings)


def leaks_in_training_set(settings: Settings, sealed_digest: str) -> list[CheckResult]:
    """Whether a planted outcome reaches a training row (critical), and whether a feature of the sealed set is too good to be true.

    Raises:
        StateError: nothing is published or registered, or no outcome is known at the clock.
        NotFoundError: no such training set.
    """

    def evaluate() -> list[CheckResult]:
        from tradewind_lifecycle.leaks import check_training_set

        return check_training_set(settings, sealed_digest)

    return kept(LEAKS_IN_TRAINING_SET, {**_inputs(settings), "set": sealed_digest}, evaluate, settings)


def _inputs(settings: Settings) -> dict[str, object]:
    packages = (tradewind_lifecycle, tradewind_features)
    folders = [*(Path(str(package.__file__)).parent for package in packages), feature_repo_dir()]
    code = {folder.name: code_digest(folder) for folder in folders}
    return {"published": Manifest.read(settings.paths.published / "features").digest, "code": code}
