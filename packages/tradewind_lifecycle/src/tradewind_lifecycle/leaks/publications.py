"""Which two builds of the features are held against each other, and what came of it as claims.

The publication before, where the present one only has more data: the same recipe over a landing that was extended. Else what the features
would have been had nobody known more than at the world's clock (:mod:`~tradewind_lifecycle.leaks.cutting`).
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from tradewind_contracts.digests import digest_json
from tradewind_contracts.errors import StateError
from tradewind_contracts.instants import iso
from tradewind_contracts.manifest import APPENDED_TO, Manifest, PublishedTable
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import CheckResult, Severity
from tradewind_contracts.world import World
from tradewind_features.datasets import open_path
from tradewind_lifecycle.builds import recipe
from tradewind_lifecycle.leaks.cutting import FeatureModel, NotRebuildableError, cut_features, feature_models
from tradewind_lifecycle.leaks.rewritten import CREATED, EVENT, RowChanges, compare_datasets, compare_rows
from tradewind_lifecycle.publishing import PREVIOUS
from tradewind_lifecycle.reuse import BUILD_KEY

SUITE = "is_never_rewritten"
HALF = "features"
BACK = dt.timedelta(days=7)
"""How far before the newest rows a cut lies at least, so that there is something to forget. Chosen: a week has every weekday's facts."""


@dataclass(frozen=True)
class Held:
    """One dataset held against another build of itself; ``why_not``: why there is nothing to compare it with, and ``changes`` is empty."""

    table: str
    against: str
    changes: RowChanges
    why_not: str = ""
    is_judged: bool = True
    """Whether it was compared, or needs no comparing; else somebody should know."""
    added_behind: str = ""
    """The model's declared reason for rows that are added behind."""


def check_rewritten(settings: Settings, say: Callable[[str], None] = lambda _: None) -> list[CheckResult]:
    """Two claims for each feature table: no visible row changed or vanished (critical), and none was added behind (warning).

    Where no other build can be had, the claim is an unkept warning that says why.

    Raises:
        StateError: no features are published, or dbt has not built this world.
    """
    return [result for held in hold(settings, say) for result in _claims(held)]


def hold(settings: Settings, say: Callable[[str], None] = lambda _: None) -> list[Held]:
    """Each published feature table held against the publication before, or against its build as of the clock.

    Raises:
        StateError: no features are published, or dbt has not built this world.
    """
    present = Manifest.read(settings.paths.published / HALF)
    models = feature_models(settings)
    before, reason = comparable(settings, present)
    if before is not None:
        return [_against_before(name, before, present, model, settings) for name, model in models.items()]
    at = cut_at(settings, present)
    say(f"{reason}: features are built as of {iso(at)} and compared")
    against = f"its build from what was known at {iso(at)}"
    try:
        with cut_features(settings, at) as connection:
            return [
                Held(name, against, _since_cut(name, present, model, settings, connection, at), added_behind=model.added_behind)
                for name, model in models.items()
            ]
    except NotRebuildableError as error:
        return [Held(name, against, RowChanges(rows=0), f"{reason}; {error}", is_judged=False) for name in models]


def comparable(settings: Settings, present: Manifest) -> tuple[Manifest | None, str]:
    """The publication before, if the present one only has more data; else ``None`` and why.

    Raises:
        StateError: nothing has landed.
    """
    path = settings.paths.published / HALF / PREVIOUS
    if not path.exists():
        return None, "nothing was published before"
    before = Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    landed = before.facts.get("landing")
    if before.facts.get(BUILD_KEY) != digest_json({"landing": landed, **recipe(settings)}):
        return None, "the publication before was built by another recipe"
    landing = Manifest.read(settings.paths.landing)
    if landed not in (landing.digest, landing.facts.get(APPENDED_TO)) or present.facts.get("landing") != landing.digest:
        return None, "the landing was not extended but made anew"
    gone = [table.path for table in before.tables.values() if not (path.parent / table.path).exists()]
    return (None, f"of the publication before, {', '.join(gone)} is gone") if gone else (before, "")


def cut_at(settings: Settings, present: Manifest) -> dt.datetime:
    """Where the landing is cut: the world's clock, or a week before the newest feature rows where that is earlier."""
    folder = settings.paths.published / HALF
    newest = [_newest(name, folder / table.path, EVENT) for name, table in present.tables.items() if EVENT in table.columns and table.rows]
    if not newest:
        raise StateError(f"{folder}: no feature rows are published; `make run` publishes them")
    return min(World.read(settings.paths.world_file).clock.now(), max(newest) - BACK)


def _against_before(name: str, before: Manifest, present: Manifest, model: FeatureModel, settings: Settings) -> Held:
    folder, against = settings.paths.published / HALF, "the publication before"
    if name not in before.tables:
        return Held(name, against, RowChanges(rows=0), "published for the first time")
    former, latter = before.tables[name], present.table(name)
    why_not = _redefined(former, latter)
    if why_not or not former.rows:
        return Held(name, against, RowChanges(rows=0), why_not or "there were no rows")
    known_until = _newest(name, folder / former.path, CREATED)
    changes = compare_datasets(name, folder / former.path, folder / latter.path, model.key, known_until)
    return Held(name, against, changes, added_behind=model.added_behind)


def _redefined(former: PublishedTable, latter: PublishedTable) -> str:
    if former.definition != latter.definition:
        return "redefined since"
    return "" if former.columns == latter.columns else "its columns are others since"


def _since_cut(
    name: str, present: Manifest, model: FeatureModel, settings: Settings, connection: duckdb.DuckDBPyConnection, at: dt.datetime
) -> RowChanges:
    seen = f"{EVENT} <= timestamptz '{at.isoformat()}'"
    dataset = open_path(name, settings.paths.published / HALF / present.table(name).path).within(None, at)
    oldest = connection.execute(f"select min({EVENT}) from {dataset.scan()}").fetchone()  # noqa: S608 - made by a dataset
    # What is past the retention is not published, and no change.
    since = f" and {EVENT} >= timestamptz '{oldest[0].isoformat()}'" if oldest is not None and oldest[0] is not None else " and false"
    before = f"select * from {HALF}.{name} where {seen}{since}"  # noqa: S608 - a dbt model's name
    after = f"select * from {dataset.scan()} where {seen}"  # noqa: S608 - made by a dataset
    return compare_rows(connection, before, after, model.key, at)


def _newest(name: str, path: Path, column: str) -> dt.datetime:
    dataset = open_path(name, path)
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        found = connection.execute(f"select max({column}) from {dataset.scan()}").fetchone()  # noqa: S608 - made by a dataset
    if found is None or found[0] is None:
        raise StateError(f"{path}: no row of {name} has {column}")
    newest: dt.datetime = found[0].astimezone(dt.UTC)
    return newest


def _claims(held: Held) -> list[CheckResult]:
    changes = held.changes
    observed: dict[str, Any] = {"against": held.against, **({"not_compared": held.why_not} if held.why_not else {})}
    samples: list[dict[str, Any]] = json.loads(json.dumps(changes.samples, default=str))
    failing = changes.changed + changes.vanished
    rewritten = CheckResult(
        suite=SUITE,
        table=held.table,
        claim="no row that was visible has changed or vanished",
        severity=Severity.CRITICAL if held.is_judged else Severity.WARNING,
        passed=failing == 0 and held.is_judged,
        rows=changes.rows,
        failing_rows=failing,
        observed=observed
        | ({"changed": changes.changed, "vanished": changes.vanished, "columns": changes.columns, "days": changes.days} if failing else {}),
        samples=[sample for sample in samples if sample["fate"] != "added"],
    )
    declared: Mapping[str, Any] = {"declared": held.added_behind} if held.added_behind else {}
    behind = CheckResult(
        suite=SUITE,
        table=held.table,
        claim="no row was added behind what was visible, but for declared reasons",
        severity=Severity.WARNING,
        passed=changes.added == 0 or bool(held.added_behind),
        rows=changes.rows,
        failing_rows=0 if held.added_behind else changes.added,
        observed=observed | {"added": changes.added, **declared},
        samples=[sample for sample in samples if sample["fate"] == "added"],
    )
    return [rewritten, behind]
