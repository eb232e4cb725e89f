"""A sealed training set in one line: every order placed before an instant, its features at purchase, its outcome as known then.

import tradewind_lifecycle as tw

frame = tw.training_set("eta", as_of="2018-04-01", source="olist").frame()

Any instant up to the world's clock; the world stays as it is. At the clock itself it is, byte for byte, what a training run seals.
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import tradewind_features
from tradewind_contracts.digests import digest_file, digest_json
from tradewind_contracts.errors import IntegrityError, NotFoundError, SettingsError
from tradewind_contracts.files import atomic_file, write_text
from tradewind_contracts.instants import UTC, iso, parse_instant
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings, settings
from tradewind_contracts.world import World
from tradewind_lifecycle import labels, training_sets
from tradewind_lifecycle.feature_store import HALF, feature_repo_dir
from tradewind_lifecycle.provenance import code_digest, lock_digest
from tradewind_lifecycle.training_sets import AGE_SUFFIX, EVENT, FRAME, SealedSet, read_sealed
from tradewind_models.eta import EtaConfig
from tradewind_models.eta.predictor import FAMILY

if TYPE_CHECKING:
    import pandas as pd

OUTCOME = ("handed_over_at", "outcome_at", "duration_days", "observed_until_at")
"""Columns of what happened after the order, cut at as_of: null where it had not happened by then. They are the label, never a feature."""
SERVICES: Mapping[str, str] = {FAMILY: EtaConfig().service}
"""The feature service of each model family."""
_ASKED = "asked"
"""Below the training sets: which set a question was answered with, so that the same question is not joined twice."""


@dataclass(frozen=True)
class SealedFrame:
    """A sealed training set with a family's columns told apart. ``reused``: it was sealed before, and its bytes were proven again.

    The frame has one row per parcel in order of purchase: what the order was, its outcome (``outcome``), the features at purchase
    (``features``: ``<view>__<feature>``, null where not known then), and the age of each view's row in hours (``ages``).
    """

    family: str
    sealed: SealedSet
    reused: bool

    @property
    def digest(self) -> str:
        """The digest of frame and facts: its name for ever."""
        return self.sealed.digest

    @property
    def path(self) -> Path:
        """The Parquet file; read-only by agreement."""
        return self.sealed.path / FRAME

    @property
    def as_of(self) -> dt.datetime:
        """The instant whose knowledge it holds (UTC)."""
        return dt.datetime.fromisoformat(str(self.sealed.facts["as_of"]))

    @property
    def columns(self) -> list[str]:
        """All columns, in order."""
        return list(pq.read_schema(self.path).names)

    @property
    def ages(self) -> list[str]:
        """The columns with the age of a view's row, in hours."""
        return [name for name in self.columns if name.endswith(AGE_SUFFIX)]

    @property
    def features(self) -> list[str]:
        """The feature columns, in the order of the feature service."""
        views = tuple(f"{view}__" for view in self.sealed.facts["spec_digests"])
        return [name for name in self.columns if name.startswith(views) and not name.endswith(AGE_SUFFIX)]

    @property
    def outcome(self) -> list[str]:
        """The outcome columns that it has."""
        return [name for name in OUTCOME if name in self.columns]

    def table(self) -> pa.Table:
        """The frame as Arrow."""
        return self.sealed.table()

    def frame(self) -> "pd.DataFrame":
        """The frame as pandas."""
        return self.table().to_pandas()

    def write(self, out: Path) -> Path:
        """Copy the Parquet file to ``out``, whole or not at all."""
        out.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(out) as partial:
            partial.write_bytes(self.path.read_bytes())
        return out


def training_set(
    family: str,
    as_of: str | dt.date | None = None,
    *,
    source: str | None = None,
    world: str | None = None,
    home: Path | str | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> SealedFrame:
    """The sealed training set of ``family`` at ``as_of``, made only if nobody asked for the same before.

    Args:
        family: a model family, such as ``eta``.
        as_of: ISO 8601 text or a date (the start of that local day), or an instant (zoned; naive: local); the world's clock by default.
        source: the world that this source fills; else the settings'.
        world: the world, if it is not named as its source.
        home: the home folder; else the settings'.
        progress: hears a line now and then while the features are joined.

    Raises:
        NotFoundError: no such family.
        SettingsError: ``as_of`` is no instant, lies after the world's clock, or before every order.
        StateError: no world has landed there, or nothing is published.
        IntegrityError: what is published, or the set that was sealed before, is not what it was.
    """
    changes = {"source": source, "world": world, "home": Path(home) if home is not None else None}
    # The process's settings stay: a notebook may ask two worlds in turn.
    chosen = settings().model_copy(update={name: value for name, value in changes.items() if value is not None})
    return sealed_frame(chosen, family, as_of, progress)


def sealed_frame(
    settings: Settings, family: str, as_of: str | dt.date | None = None, progress: Callable[[str], None] = lambda _: None
) -> SealedFrame:
    """:func:`training_set` in the world that ``settings`` mean."""
    if family not in SERVICES:
        raise NotFoundError(f"no model family {family!r}; there are: {', '.join(SERVICES)}")
    at = _instant(as_of, World.read(settings.paths.world_file))
    note = settings.paths.training_sets / _ASKED / f"{_question(settings, family, at)}.json"
    known = _known(note, settings)
    if known is not None:
        return SealedFrame(family, known, reused=True)
    every = labels.read_labels(settings)
    entity_rows = labels.known_at(every, at)
    if not entity_rows.num_rows:
        first = pc.min(every[EVENT]).as_py()
        raise SettingsError(f"as_of {iso(at)}: no order was placed before it (the first: {iso(first) if first else 'there is none'})")
    table = training_sets.build(SERVICES[family], entity_rows, settings, progress)
    facts = training_sets.facts_of(SERVICES[family], entity_rows, settings) | {"as_of": iso(at)}
    before = {path.name for path in settings.paths.training_sets.glob("*")}
    sealed = training_sets.seal(table, facts, settings)
    write_text(note, json.dumps({"digest": sealed.digest}) + "\n")
    return SealedFrame(family, sealed, reused=sealed.digest in before)


def _instant(said: str | dt.date | None, world: World) -> dt.datetime:
    """The instant that is meant (UTC), at the clock or before it."""
    now = world.clock.now()
    if said is None:
        return now
    at = parse_instant(said if isinstance(said, str) else said.isoformat(), world.zone).astimezone(UTC)
    if at > now:
        raise SettingsError(
            f"as_of {iso(at)} lies after the clock of world {world.name} ({iso(now)}): what will be known then is not known; choose an earlier one"
        )
    return at


def _question(settings: Settings, family: str, as_of: dt.datetime) -> str:
    """The digest of all that the answer is a function of: what is published, registered and pushed, the code, the lock."""
    paths = settings.paths
    registry = paths.feast_registry
    pushed = sorted(path for path in paths.pushed.rglob("*.parquet")) if paths.pushed.is_dir() else []
    return digest_json(
        {
            "family": family,
            "service": SERVICES[family],
            "as_of": iso(as_of),
            "published": Manifest.read(paths.published / HALF).digest,
            "registry": digest_file(registry) if registry.exists() else "",
            "pushed": [f"{path.relative_to(paths.pushed)} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in pushed],
            "code": [code_digest(folder) for folder in (Path(tradewind_features.__file__).parent, feature_repo_dir())],
            "steps": [digest_file(Path(str(module.__file__))) for module in (labels, training_sets)],
            "lock": lock_digest(),
        }
    )


def _known(note: Path, settings: Settings) -> SealedSet | None:
    """The set that the same question was answered with, proven again; None where nobody asked, or it is gone."""
    try:
        digest = str(json.loads(note.read_text(encoding="utf-8"))["digest"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{note}: not the note of an answer ({error}); delete it and ask again") from error
    try:
        return read_sealed(digest, settings)
    except NotFoundError:
        return None
