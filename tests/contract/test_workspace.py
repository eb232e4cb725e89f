"""The workspace keeps its own rules: sizes, names, dependencies, locks, documented commands."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted(p for p in (ROOT / "packages").iterdir() if (p / "pyproject.toml").exists())
NAMES_THAT_SAY_NOTHING = re.compile(r"(^|_)(utils?|helpers?|common|misc|manager|v2|new|final|latest)(_|\.|$)")
LONGEST_MODULE = 400


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    return [ROOT / line for line in listed if line and (ROOT / line).exists()]


def test_no_module_is_longer_than_two_subjects_would_be() -> None:
    long = {str(p.relative_to(ROOT)): n for p in tracked("*.py", "*.sql") if (n := len(p.read_text().splitlines())) > LONGEST_MODULE}
    assert long == {}


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [str(p.relative_to(ROOT)) for p in tracked("*.py", "*.sql") if NAMES_THAT_SAY_NOTHING.search(p.name)] == []


def test_no_binary_model_or_pickle_is_tracked() -> None:
    assert tracked("*.pkl", "*.pickle", "*.joblib", "*.onnx", "*.parquet", "*.duckdb", "*.db") == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-serving.lock"])
def test_a_lock_is_hash_pinned_and_names_no_registry(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pins = re.findall(r"^([a-zA-Z0-9_.\[\]-]+)==", text, flags=re.MULTILINE)
    assert len(pins) > 30
    assert re.findall(r"https?://|file://|--index|--find-links", text) == []
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_the_serving_lock_is_a_part_of_the_workspace_lock_and_leaves_the_heavy_out() -> None:
    def pins(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-zA-Z0-9_.-]+)(?:\[[^\]]*\])?==([^ \\;]+)", (ROOT / name).read_text(), flags=re.MULTILINE))

    whole, serving = pins("requirements.lock"), pins("requirements-serving.lock")
    assert {n: v for n, v in serving.items() if whole.get(n) != v} == {}
    assert {"feast", "great-expectations", "dagster", "torch", "pandas", "dbt-core"} & serving.keys() == set()


def test_the_installed_stack_has_no_compiled_twin_of_sqlglot() -> None:
    installed = {d.metadata["Name"].lower() for d in importlib.metadata.distributions()}
    assert {"sqlglotrs", "sqlglotc"} & installed == set()


def _declared(package: Path) -> set[str]:
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    stated = list(project["dependencies"])
    for extra in project.get("optional-dependencies", {}).values():
        stated += extra
    return {re.split(r"[\[<>=!~ ;]", line, maxsplit=1)[0].lower().replace("_", "-") for line in stated} | {project["name"]}


def _imported(package: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in (package / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom) and node.level == 0
                else []
            )
            found.update({name.split(".")[0]: path.name for name in names})
    return found


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p.name)
def test_a_package_imports_only_what_its_pyproject_declares(package: Path) -> None:
    distributions = importlib.metadata.packages_distributions()
    # dagster_project and feature_repo are folders of the workspace, launched by the command and read by the lifecycle.
    ours = set(sys.stdlib_module_names) | {"dagster_project", "feature_repo", "services"}
    declared = _declared(package)
    undeclared = {
        name: where
        for name, where in _imported(package).items()
        if name not in ours and not {d.lower().replace("_", "-") for d in [name, *distributions.get(name, [])]} & declared
    }
    assert undeclared == {}


LOADED_BY_NAME = {"psycopg": "by SQLAlchemy's URL", "kagglehub": "by importlib, an optional extra", "bentoml": "as a process"}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p.name)
def test_a_package_declares_only_what_it_imports(package: Path) -> None:
    distributions = importlib.metadata.packages_distributions()
    imported = {d.lower().replace("_", "-") for name in _imported(package) for d in [name, *distributions.get(name, [])]}
    assert (
        _declared(package) - imported - LOADED_BY_NAME.keys() - {tomllib.loads((package / "pyproject.toml").read_text())["project"]["name"]}
        == set()
    )


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p.name)
def test_a_package_is_typed_and_says_what_it_is(package: Path) -> None:
    (module,) = (package / "src").iterdir()
    assert (module / "py.typed").exists()
    assert (package / "README.md").read_text().startswith(f"# {module.name.replace('_', '-')}\n")
    assert ast.get_docstring(ast.parse((module / "__init__.py").read_text()))


def test_every_make_target_that_the_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    documents = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    named = {t for d in documents for t in re.findall(r"`make ([a-z][a-z-]*)", d.read_text())}
    assert named - targets == set()
    assert {"run", "test", "check", "dev", "serve"} <= named


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = []
    for document in tracked("*.md"):
        for link in re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", document.read_text()):
            if not (document.parent / link).exists():
                broken.append(f"{document.relative_to(ROOT)} -> {link}")
    assert broken == []


def test_only_settings_reads_the_environment() -> None:
    readers = []
    for path in tracked("packages/*.py", "feature_repo/*.py", "dagster_project/*.py", "services/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in {"getenv", "environ"}
                and isinstance(node.value, ast.Name)
                and node.value.id == "os"
            ):
                readers.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    allowed = re.compile(
        r"os\.environ \| |\*\*os\.environ|os\.environ\[[^]]+\] = |os\.environ\.(update|setdefault|pop)|os\.environ\.get\(name\) for name in values"
    )
    # Allowed: handing an environment to a child process, and putting this process's own back as it was.
    unlawful = [r for r in readers if not allowed.search((ROOT / r.split(":")[0]).read_text().splitlines()[int(r.split(":")[1]) - 1])]
    assert unlawful == []


def test_nobody_but_the_clock_asks_what_time_it_is() -> None:
    askers = []
    for path in tracked("packages/*.py", "feature_repo/*.py", "dagster_project/*.py", "services/*.py"):
        if path.name == "instants.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in {"now", "utcnow", "today"}
                and isinstance(node.value, ast.Attribute | ast.Name)
            ):
                name = ast.unparse(node.value)
                if name in {"datetime", "dt.datetime", "datetime.datetime", "date", "dt.date", "pd.Timestamp", "pandas.Timestamp"}:
                    askers.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert askers == []


def test_every_silenced_check_says_why() -> None:
    silenced = re.compile(r"#\s*(?:noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?|type: ignore(?:\[[a-z-]+\])?)(.*)$")
    bare = []
    for path in tracked("packages/*.py", "feature_repo/*.py", "dagster_project/*.py", "services/*.py"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = silenced.search(line)
            if found and len(re.findall(r"[a-z]{2,}", found.group(1))) < 2:
                bare.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[-60:]}")
    assert bare == []
