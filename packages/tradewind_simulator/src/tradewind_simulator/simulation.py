"""``simulate`` and ``extend``: a folder that holds a world, whole or not at all."""

import contextlib
import glob
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from pydantic import ValidationError

from tradewind_contracts.digests import digest_bytes
from tradewind_contracts.errors import IntegrityError, SettingsError, StateError
from tradewind_contracts.files import sole_holder, write_text
from tradewind_simulator import checkpoints, truth
from tradewind_simulator.engine import Engine
from tradewind_simulator.interventions import parse
from tradewind_simulator.manifests import OBSERVED, FileEntry, FolderManifest
from tradewind_simulator.parameters import COUNTRY, CURRENCY, MOST_DAYS, Parameters

NAME = "simulator"
PARAMETERS = "parameters.json"
_PROGRESS_SECONDS = 2.0


@dataclass(frozen=True)
class Simulated:
    """What a simulation wrote: rows by observed table and by truth table, local days, seconds."""

    rows: dict[str, int]
    truth_rows: dict[str, int]
    days: int
    newest_day: str
    seconds: float


def silent(line: str) -> None:
    """Progress that nobody wants to hear."""


def simulate(parameters: Parameters, out: Path, progress: Callable[[str], None] = silent, interventions: Sequence[str] = ()) -> Simulated:
    """Simulate a world from its first day on and write it to the folder ``out``: ``observed``, ``truth`` and ``state``.

    ``interventions``: see ``interventions.parse``. ``progress`` gets a line every few seconds.

    Raises:
        SettingsError: an intervention can't be read or names what is not there.
        StateError: ``out`` exists, another simulation writes there, or the file system refuses; ``out`` is absent then.
    """
    levers = parse(interventions)
    out = out.absolute()
    if out.exists():
        raise StateError(f"{out}: exists; name another folder with --out, delete it, or add days to it with --continue")
    with _refusals(out), sole_holder(out.parent / f".{out.name}.lock", f"{out}: another simulation is writing it"):
        for left in out.parent.glob(f".{glob.escape(out.name)}.*.partial"):
            shutil.rmtree(left, ignore_errors=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
        try:
            engine = Engine(parameters, levers)
            done = _run(engine, partial, parameters.days, (), (), _made_by(parameters, levers.texts), progress)
            write_text(partial / truth.FOLDER / PARAMETERS, _described(parameters, levers.texts))
            partial.chmod(0o755)
            os.sync()
            partial.replace(out)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return done


def extend(out: Path, days: int = 1, progress: Callable[[str], None] = silent) -> Simulated:
    """Add ``days`` local days to the world in ``out``: what stands there is not touched, the new files are added.

    The result is the same, byte for byte, as simulating all days at once.

    Raises:
        SettingsError: ``days`` is not positive, or more than a world can have.
        SourceError: ``out`` is no simulated world.
        StateError: its checkpoint is missing or of another version of the simulator, or the file system refuses; the world is as it was.
        IntegrityError: its checkpoint is damaged, or its parameters are not those that it was begun with.
    """
    if days < 1:
        raise SettingsError(f"--days {days}: expected at least 1 day to add")
    out = out.absolute()
    # What is no world is refused before a lock is left beside it; what counts is what stands once the lock is held.
    FolderManifest.read(out / OBSERVED)
    with _refusals(out), sole_holder(out.parent / f".{out.name}.lock", f"{out}: another simulation is writing it"):
        observed = FolderManifest.read(out / OBSERVED)
        arrays, waiting, facts = checkpoints.load(out, observed.newest_day)
        engine, made_by = _continued(out, facts)
        engine.restore(arrays, waiting, facts)
        if engine.day + days > MOST_DAYS:
            raise SettingsError(f"--days {days}: a world has at most {MOST_DAYS:,} days, and {engine.day:,} are there")
        planted = _forget_later(out, observed.newest_day)
        try:
            return _run(engine, out, days, observed.files, planted, made_by, progress)
        except BaseException:
            _forget_later(out, FolderManifest.read(out / OBSERVED).newest_day)
            raise


def _run(
    engine: Engine,
    folder: Path,
    days: int,
    before: Sequence[FileEntry],
    planted: Sequence[FileEntry],
    made_by: Mapping[str, str],
    progress: Callable[[str], None],
) -> Simulated:
    started = told = perf_counter()
    observed, truths = list(before), list(planted)
    first = engine.day
    rows, truth_rows = dict(engine.exports.rows), dict(engine.truth.rows)
    for done in range(1, days + 1):
        seen, so = engine.step(folder / OBSERVED, folder / truth.FOLDER)
        observed += seen
        truths += so
        if perf_counter() - told > _PROGRESS_SECONDS or done == days:
            told = perf_counter()
            progress(
                f"{engine.newest_day}: {done:,} of {days:,} days, {engine.exports.rows['orders']:,} order rows, "
                f"{engine.exports.rows['scan_events']:,} scans, {told - started:.0f} s"
            )
    arrays, waiting, facts = engine.state()
    checkpoints.save(folder, engine.newest_day, arrays, waiting, {**facts, **made_by})
    for files, where in ((truths, truth.FOLDER), (observed, OBSERVED)):
        _manifest(engine, files).write(folder / where)
    checkpoints.forget_others(folder, engine.newest_day)
    return Simulated(
        rows=_added(engine.exports.rows, rows),
        truth_rows=_added(engine.truth.rows, truth_rows),
        days=engine.day - first,
        newest_day=engine.newest_day,
        seconds=perf_counter() - started,
    )


def _added(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    return {name: rows - before.get(name, 0) for name, rows in now.items()}


def _made_by(parameters: Parameters, levers: Sequence[str]) -> dict[str, str]:
    """What a world is a function of. Its checkpoint carries it, so that no day of another one is added."""
    return {"code": checkpoints.code_digest(), "begun_with": digest_bytes(_described(parameters, levers).encode())}


def _continued(out: Path, facts: Mapping[str, object]) -> tuple[Engine, dict[str, str]]:
    """The engine of the world in ``out`` before it takes its state, and what made the world."""
    if facts.get("code") != checkpoints.code_digest():
        raise StateError(
            f"{out}: another version of the simulator made it, and the days of two versions are not one world; "
            "simulate it anew with this version, or add days with the one that made it"
        )
    parameters, levers = _recorded(out)
    made_by = _made_by(parameters, levers)
    if facts.get("begun_with") != made_by["begun_with"]:
        raise IntegrityError(
            f"{out / truth.FOLDER / PARAMETERS}: not what the world was begun with; restore it, or simulate the world anew"
        )
    return Engine(parameters, parse(levers)), made_by


def _forget_later(out: Path, newest_day: str) -> tuple[FileEntry, ...]:
    """Let go of what an extension left that did not end: files of days after ``newest_day``. Returns the truth that stands."""
    planted = FolderManifest.read(out / truth.FOLDER)
    standing = tuple(file for file in planted.files if file.day <= newest_day)
    if len(standing) < len(planted.files):
        planted.model_copy(update={"newest_day": newest_day, "files": standing}).write(out / truth.FOLDER)
    for folder in (OBSERVED, truth.FOLDER):
        for path in (out / folder).glob("*/????-??-??.parquet"):
            if path.stem > newest_day:
                path.unlink()
    checkpoints.forget_others(out, newest_day)
    return standing


def _manifest(engine: Engine, files: Sequence[FileEntry]) -> FolderManifest:
    return FolderManifest(
        name=NAME,
        country=COUNTRY,
        currency=CURRENCY,
        zone=engine.parameters.zone,
        first_day=engine.parameters.first_day.isoformat(),
        newest_day=engine.newest_day,
        files=tuple(files),
    )


def _described(parameters: Parameters, levers: Sequence[str]) -> str:
    return json.dumps({"parameters": json.loads(parameters.model_dump_json()), "interventions": list(levers)}, indent=1) + "\n"


def _recorded(out: Path) -> tuple[Parameters, list[str]]:
    path = out / truth.FOLDER / PARAMETERS
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Parameters.model_validate(found["parameters"]), [str(text) for text in found["interventions"]]
    except FileNotFoundError as error:
        raise StateError(f"{path}: not there, so no day can be added; simulate the world again") from error
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            f"{path}: not the parameters of this simulator ({str(error).splitlines()[0]}); simulate the world again"
        ) from error


@contextlib.contextmanager
def _refusals(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateError(f"{out}: can't be written ({error.strerror or error}); make room or mend the rights and run again") from error
