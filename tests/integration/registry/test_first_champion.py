"""A world whose first version may not be served has no champion, and says why."""

from collections.abc import Callable

import pytest

from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_lifecycle.training import champion_after
from tradewind_registry import GateError, Registry

Verdicts = Callable[..., Verdict]


def test_a_world_without_any_champion_says_which_gates_kept_the_first_version_from_it(
    passed_versions: Registry, registry_settings: Settings, verdict: Verdicts
) -> None:
    passed_versions.record_verdicts("eta", 1, [verdict("covers", passed=False)])
    version = passed_versions.resolve("eta@1")
    with pytest.raises(GateError, match=r"world olist has no champion yet, and eta@1 may not be served: covers: 1\.0 is not ≤ 1;"):
        champion_after(registry_settings, version)
    passed_versions.promote("eta", 2, why="better", who="ann")
    assert champion_after(registry_settings, version).number == 2
