"""A folder for gigabytes, gone after the benchmark: pytest's own temporary folders stay for three runs."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tradewind-bench-") as folder:
        yield Path(folder)
