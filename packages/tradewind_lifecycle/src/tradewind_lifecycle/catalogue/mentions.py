"""Where the workspace names a view, its dbt model or a feature: what somebody who removes it has to touch."""

import ast
import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tradewind_lifecycle.catalogue.declared import COLUMN_LINEAGE, FEATURE_VIEWS, Feature, View

_FOLDERS = ("feature_repo", "dbt/models", "dbt/macros", "packages", "services", "dagster_project", "tests", "docs")
_SUFFIXES = frozenset({".py", ".sql", ".yml", ".yaml", ".md"})
_GENERATED = (COLUMN_LINEAGE.parent.as_posix(), FEATURE_VIEWS.parent.as_posix())
_QUALIFIED = re.compile(r"[a-z][a-z0-9_]*(?::|__)[a-z0-9_]+")
_CODE = ("packages/", "services/", "dagster_project/")


@dataclass(frozen=True, order=True)
class Mention:
    """A line of a file of the workspace (POSIX path relative to its root), and the last one where it is a block."""

    path: str
    line: int
    last: int

    def is_in(self, block: "Mention") -> bool:
        """Whether it stands inside of ``block``."""
        return self.path == block.path and block.line <= self.line <= block.last

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" + (f"-{self.last}" if self.last != self.line else "")


def declaration(view: View, root: Path) -> Mention | None:
    """The statement in ``feature_repo`` that declares ``view``: the one that names its dbt model, or the function of an on-demand view."""
    for path in _files(root):
        if path.startswith("feature_repo/") and path.endswith(".py"):
            for statement in ast.parse(_text(root, path)).body:
                if _declares(statement, view):
                    decorators = statement.decorator_list if isinstance(statement, ast.FunctionDef) else []
                    return Mention(path, min([statement.lineno, *(d.lineno for d in decorators)]), statement.end_lineno or statement.lineno)
    return None


def schema_entry(view: View, root: Path) -> Mention | None:
    """The entry of the view's dbt model among the YAML files of dbt's feature models."""
    for path in _files(root):
        if path.startswith("dbt/models/features/") and path.endswith(".yml"):
            lines = _text(root, path).splitlines()
            starts = [number for number, line in enumerate(lines, 1) if re.match(r"  - name: ", line)]
            for start, end in zip(starts, [*starts[1:], len(lines) + 1], strict=True):
                if lines[start - 1].split("name:")[1].strip() == view.model:
                    return Mention(path, start, end - 1)
    return None


def mentions(names: Iterable[str], root: Path) -> list[Mention]:
    """Each line that names one of ``names`` (as a whole word, or before ``__``, ``:`` and ``.``); generated files are left out."""
    word = re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(map(re.escape, sorted(names, reverse=True)))})(?![A-Za-z0-9]|_(?!_))")
    found = []
    for path in _files(root):
        text = _text(root, path)
        if word.search(text):
            found += [Mention(path, number, number) for number, line in enumerate(text.splitlines(), 1) if word.search(line)]
    return found


def named_in_code(feature: Feature, root: Path) -> list[Mention]:
    """The lines of code (not of declarations, tests or docs) that name a feature, as ``view:feature`` or ``view__feature``."""
    names = _names_in_code(root)
    return sorted({*names.get(feature.reference, ()), *names.get(feature.column, ())})


def _declares(statement: ast.stmt, view: View) -> bool:
    if isinstance(statement, ast.FunctionDef):
        return statement.name == view.name
    texts = (node.value for node in ast.walk(statement) if isinstance(node, ast.Constant))
    return isinstance(statement, ast.Assign) and bool(view.model) and view.model in texts


@functools.lru_cache(maxsize=4)
def _names_in_code(root: Path) -> dict[str, list[Mention]]:
    """Every word with a colon or two underscores in it that code has, and where."""
    found: dict[str, list[Mention]] = {}
    for path in _files(root):
        if path.startswith(_CODE) and "/tests/" not in path and path.endswith(".py"):
            for number, line in enumerate(_text(root, path).splitlines(), 1):
                for word in _QUALIFIED.findall(line):
                    found.setdefault(word, []).append(Mention(path, number, number))
    return found


@functools.lru_cache(maxsize=4)
def _files(root: Path) -> tuple[str, ...]:
    found = []
    for folder in _FOLDERS:
        for path in (root / folder).rglob("*"):
            name = path.relative_to(root).as_posix()
            if path.suffix in _SUFFIXES and not name.startswith(_GENERATED) and path.is_file():
                found.append(name)
    return tuple(sorted(found))


@functools.lru_cache(maxsize=4096)
def _text(root: Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8")
