"""One tiny world, simulated once for all tests that only look at it."""

from pathlib import Path

import pytest
from tiny_world import tiny

from tradewind_simulator import simulate


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("world") / "tiny"
    simulate(tiny(), out)
    return out
