"""The folders of the workspace that are not distributions: importable once their root is on the path."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
"""The root of the checkout."""


def importable() -> None:
    """Let this process import ``dagster_project`` and ``feature_repo``, whatever folder the command was started in."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
