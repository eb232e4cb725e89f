"""What a world carries from one day to the next, on disk: so that a day can be added without simulating the past again."""

import json
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from tradewind_contracts.digests import digest_file, digest_json
from tradewind_contracts.errors import IntegrityError, StateError
from tradewind_contracts.files import write_text
from tradewind_contracts.tables import TABLES
from tradewind_simulator.entities import Arrays

FOLDER = "state"
_ROOT = Path(__file__).parent


def code_digest() -> str:
    """The digest of what decides what a simulation writes besides its parameters: the simulator's code and the tables' declarations."""
    report = _ROOT / "report"
    code = {path.relative_to(_ROOT).as_posix(): digest_file(path) for path in sorted(_ROOT.rglob("*.py")) if report not in path.parents}
    return digest_json({"code": code, "tables": {name: repr(table) for name, table in TABLES.items()}})


def save(data: Path, day: str, arrays: Mapping[str, Arrays], waiting: Mapping[str, pa.Table], facts: Mapping[str, object]) -> None:
    """Write the state at the end of ``day`` (ISO) below ``data``: arrays by mechanism, rows that wait for their day, plain facts."""
    folder = data / FOLDER / day
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, columns in arrays.items():
        np.savez(folder / f"{name}.npz", **columns)  # type: ignore[arg-type]  # numpy's stub takes the first keyword for another argument
    for table, rows in waiting.items():
        with ipc.new_file(str(folder / f"{table}.arrow"), rows.schema) as sink:
            sink.write_table(rows)
    write_text(folder / "facts.json", json.dumps(facts, indent=1, sort_keys=True) + "\n")


def load(data: Path, day: str) -> tuple[dict[str, Arrays], dict[str, pa.Table], dict[str, object]]:
    """What ``save`` wrote for ``day``.

    Raises:
        StateError: there is no checkpoint of that day.
        IntegrityError: it is damaged.
    """
    folder = data / FOLDER / day
    if not (folder / "facts.json").is_file():
        raise StateError(f"{folder}: no checkpoint of {day} is here, so no day can be added; simulate the world again")
    try:
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        arrays: dict[str, Arrays] = {}
        for path in sorted(folder.glob("*.npz")):
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as columns:
                arrays[path.stem] = {name: columns[name] for name in columns.files}
        waiting = {path.stem: ipc.open_file(str(path)).read_all() for path in sorted(folder.glob("*.arrow"))}
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile, zlib.error, pa.ArrowException) as error:
        raise IntegrityError(f"{folder}: a damaged checkpoint ({error}); simulate the world again") from error
    return arrays, waiting, facts


def forget_others(data: Path, day: str) -> None:
    """Let go of the checkpoints of all days but ``day``."""
    for folder in (data / FOLDER).iterdir():
        if folder.name != day:
            shutil.rmtree(folder, ignore_errors=True)
