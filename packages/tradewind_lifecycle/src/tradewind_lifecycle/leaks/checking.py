"""All three detectors together, as one list of claims that a gate or a command can judge."""

from collections.abc import Callable

from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import CheckResult
from tradewind_lifecycle.leaks.canary import check_canary
from tradewind_lifecycle.leaks.power import check_power
from tradewind_lifecycle.leaks.publications import check_rewritten
from tradewind_lifecycle.training_sets import read_sealed


def check_leaks(settings: Settings, sealed_digest: str, say: Callable[[str], None] = lambda _: None) -> list[CheckResult]:
    """Claims of the published features, of the join, and of the sealed training set.

    Raises:
        StateError: nothing is published or registered, or no outcome is known at the clock.
        NotFoundError: no such training set.
    """
    return check_rewritten(settings, say) + check_training_set(settings, sealed_digest)


def check_training_set(settings: Settings, sealed_digest: str) -> list[CheckResult]:
    """Claims of the join that training sets are made by (critical), and of the sealed set's features one by one (warnings).

    Raises:
        StateError: nothing is published or registered, or no outcome is known at the clock.
        NotFoundError: no such training set.
    """
    return check_canary(settings) + check_power(read_sealed(sealed_digest, settings), settings)
