"""The planted truth is for evaluations: nobody else reads it, and nobody imports who reads it on the way to a model."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EVALUATIONS = {"tradewind_lifecycle/noise_floor.py", "tradewind_cli/simulating.py"}
"""Who may read truth: the noise floor, and the command that tells how much dirt it planted."""
IMPORTED_BY = {
    "dagster_project/defs/models/assets.py",
    "tradewind_cli/backtesting.py",
    "tradewind_cli/summaries.py",
    "tradewind_cli/tables.py",
}
"""Who may call the noise floor: its own asset, and the commands that show it."""


def sources() -> dict[str, ast.Module]:
    """Each module of ours outside of the simulator, by its path from its package on."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "packages/*.py", "feature_repo/*.py", "dagster_project/*.py", "services/*.py"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    paths = [Path(line) for line in listed if "tradewind_simulator" not in line and (ROOT / line).exists()]
    return {str(path).rpartition("/src/")[2]: ast.parse((ROOT / path).read_text(encoding="utf-8")) for path in paths}


def imported(tree: ast.Module) -> set[str]:
    """Every module that is imported anywhere in ``tree``, also as ``from package import module``."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_only_the_named_evaluations_import_the_truth_reader() -> None:
    readers = {name for name, tree in sources().items() if "tradewind_simulator.truth" in imported(tree)}
    assert readers == EVALUATIONS


def test_only_the_noise_floors_own_asset_and_the_commands_that_show_it_import_it() -> None:
    assert {name for name, tree in sources().items() if "tradewind_lifecycle.noise_floor" in imported(tree)} == IMPORTED_BY


@pytest.mark.parametrize("folder", ["dbt/models", "dbt/macros", "dbt/tests", "feature_repo", "services"])
def test_no_path_into_the_truth_stands_where_features_labels_or_answers_are_made(folder: str) -> None:
    mentions = [str(path) for path in (ROOT / folder).rglob("*") if path.suffix in (".sql", ".yml", ".py") and "truth/" in path.read_text()]
    assert mentions == []
