"""Building the Bento of the service ``eta``: service code, our own packages that it needs, the lock, and a version baked in.

The Bento's version is the digest of all that goes in, so what is built already is not built again. Each world notes which one serves it.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path

from tradewind_contracts.digests import digest_file, digest_json
from tradewind_contracts.errors import StateError
from tradewind_contracts.files import write_text
from tradewind_contracts.settings import Settings
from tradewind_registry.client import RegistryClient
from tradewind_registry.records import Version

SERVICE = "eta"

OWN_PACKAGES = ("tradewind_contracts", "tradewind_features", "tradewind_models", "tradewind_registry", "tradewind_serving")
"""What the service imports of ours. As source, not as wheels: they are found first, also where they are installed editable."""

LOCK = "requirements-serving.lock"

BUILD_SECONDS = 120
"""Deadline of `bentoml build`. Chosen: it takes 3 s."""


@dataclass(frozen=True)
class BuiltBento:
    """A Bento on disk. ``digest`` is of all that went into it; ``reused`` where it was there already."""

    tag: str
    path: Path
    digest: str
    reused: bool


def workspace_root() -> Path:
    """The root of this checkout, where ``services/`` and the lock stand."""
    return Path(__file__).resolve().parents[4]


def build_bento(settings: Settings, version: Version, progress: Callable[[str], None] = lambda _: None) -> BuiltBento:
    """The Bento that serves ``version`` where the registry is out of reach; built only where it is not there whole.

    Raises:
        IntegrityError: the version's bundle is not what was sealed.
        StateError: `bentoml build` failed, or the disk refuses.
    """
    registry = RegistryClient.open(settings)
    try:
        bundle = registry.open_bundle(version)
    finally:
        registry.close()
    contents = _contents(bundle)
    note = {
        "model": version.model,
        "number": version.number,
        "digest": version.bundle_digest,
        "world": version.world,
        "view_specs": dict(sorted(version.view_specs.items())),
    }
    listing = {name: digest_file(path) for name, path in contents.items()}
    digest = digest_json({"files": listing, "baked": note, "bentoml": installed_version("bentoml")})
    tag = f"{SERVICE}:{digest[:16]}"
    path = settings.paths.bentos / "bentos" / SERVICE / digest[:16]
    if _is_whole(path, listing):
        # What `bentoml serve eta` takes: `bentoml build` writes it too, but only when it builds.
        write_text(path.with_name("latest"), path.name)
        write_text(settings.paths.served_bento, path.name + "\n")
        return BuiltBento(tag, path, digest, reused=True)
    # What a killed build left: `bentoml build` would refuse to write over it.
    shutil.rmtree(path, ignore_errors=True)
    try:
        settings.paths.bentos.mkdir(parents=True, exist_ok=True)
        # Not in the home: BentoML refuses to build below a folder whose name begins with a dot, and a home may stand in one.
        with tempfile.TemporaryDirectory(prefix="tradewind-bento-") as context:
            _lay_out(Path(context), contents)
            write_text(Path(context) / "baked" / "version.json", json.dumps(note, indent=2, sort_keys=True) + "\n")
            progress(f"bentoml build {tag}")
            _build(Path(context), digest[:16], settings)
    except OSError as error:
        raise StateError(f"{settings.paths.bentos}: the Bento can't be written ({error.strerror or error})") from error
    if not _is_whole(path, listing):
        raise StateError(f"{path}: `bentoml build` ended well and the Bento is not whole; its log is in {_log(settings)}")
    write_text(settings.paths.served_bento, path.name + "\n")
    return BuiltBento(tag, path, digest, reused=False)


def _contents(bundle: Path) -> dict[str, Path]:
    """Every file that goes in: its place in the Bento and where it comes from."""
    root = workspace_root()
    contents = {"bentofile.yaml": root / "services" / SERVICE / "bentofile.yaml", LOCK: root / LOCK}
    contents |= {"services/__init__.py": root / "services" / "__init__.py"}
    contents |= {f"services/{SERVICE}/{name}": path for name, path in _files(root / "services" / SERVICE, (".py", ".md"))}
    for package in OWN_PACKAGES:
        contents |= {f"{package}/{name}": path for name, path in _files(_package_folder(package), (".py", ".typed"))}
    contents |= {f"baked/bundle/{path.relative_to(bundle).as_posix()}": path for path in sorted(bundle.rglob("*")) if path.is_file()}
    absent = [str(path) for path in contents.values() if not path.exists()]
    if absent:
        raise StateError(f"the Bento needs {', '.join(absent)}; run from a whole checkout (`make lock` writes the lock)")
    return contents


def _files(folder: Path, suffixes: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in suffixes and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix(), path


def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise StateError(f"{package} is not installed; `make setup` does")
    return Path(next(iter(spec.submodule_search_locations)))


def _lay_out(context: Path, contents: dict[str, Path]) -> None:
    for name, path in contents.items():
        target = context / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _is_whole(path: Path, listing: dict[str, str]) -> bool:
    # BentoML writes its own form of bentofile.yaml.
    source = path / "src"
    return (path / "bento.yaml").exists() and all(
        (source / name).is_file() and digest_file(source / name) == digest for name, digest in listing.items() if name != "bentofile.yaml"
    )


def _build(context: Path, version: str, settings: Settings) -> None:
    log = _log(settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "bentoml", "build", "--version", version, str(context)]
    try:
        done = subprocess.run(  # noqa: S603 (our own interpreter and arguments)
            command,
            cwd=context,
            env={"BENTOML_HOME": str(settings.paths.bentos), "BENTOML_DO_NOT_TRACK": "True", "PYTHONUTF8": "1", "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StateError(f"`bentoml build` did not end within {BUILD_SECONDS} s") from error
    write_text(log, done.stdout)
    if done.returncode != 0:
        said = " / ".join(line for line in done.stdout.strip().splitlines()[-3:])
        raise StateError(f"`bentoml build` failed with exit code {done.returncode}: {said} (log: {log})")


def _log(settings: Settings) -> Path:
    return settings.paths.logs / "bentoml-build.log"
