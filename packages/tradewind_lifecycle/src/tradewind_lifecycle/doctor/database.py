"""The registry's database: whether it can be reached, is whole, of this revision, and knows all that the journal knows."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from tradewind_contracts.errors import StateError, TradewindError
from tradewind_lifecycle.doctor.examination import Examination
from tradewind_lifecycle.doctor.findings import Finding, Severity
from tradewind_registry import queries
from tradewind_registry.client import RegistryClient
from tradewind_registry.database import Database
from tradewind_registry.journal import Journal
from tradewind_registry.journal.comparing import Standing, compare
from tradewind_registry.journal.restoring import keep_as_lost, put_back, restored_words, write_lacking
from tradewind_registry.registry import Registry

_SHOWN = 6
"""Rows that a finding lists before it counts the rest."""


def check_database(exam: Examination) -> Iterator[Finding]:
    """Reach, wholeness and revision; leaves the opened registry in the examination where it can be read."""
    database = Database(exam.settings.database_url)
    try:
        if database.is_empty():
            yield from _absent(exam, database)
        elif not database.exists():
            yield _other_revision(exam, database)
        else:
            yield from _unwritable(exam)
            _refuse_damaged(exam)
            exam.registry = RegistryClient.open(exam.settings)
            exam.looked.append(f"registry {database.shown_url}")
    except StateError as error:
        yield Finding(
            "database",
            Severity.CRITICAL,
            str(error),
            database.shown_url,
            "no version can be registered or promoted; services go on with the version that they have, and start with the one baked in",
            "bring it back: start the server, mend rights or room, or restore the newest backup; what the backup lacks "
            f"{exam.mend_command} then puts back from the journal beside the bundles",
        )
    finally:
        database.close()


def check_journal(exam: Examination) -> Iterator[Finding]:
    """What database and journal each lack of the other, and where they tell different stories."""
    if exam.registry is None:
        return
    journal = Journal.at(exam.settings.bundle_store_url)
    database = Database(exam.settings.database_url)
    try:
        with database.reading() as session:
            for model in sorted({*queries.models_in(session), *journal.models()}):
                exam.standings[model] = compare(session, journal, model, deep=exam.deep)
    finally:
        database.close()
    for standing in exam.standings.values():
        yield from _judged(exam, standing)
    versions = sum(len(standing.counts.numbers) for standing in exam.standings.values())
    exam.looked.append(f"the journal beside the bundles ({versions:,} versions{', each entry read' if exam.deep else ''})")


def _judged(exam: Examination, standing: Standing) -> Iterator[Finding]:
    where = f"{exam.settings.bundle_store_url}/journal/{standing.model}"
    if standing.is_behind:
        yield Finding(
            "journal",
            Severity.CRITICAL,
            f"the database is older than the store; it lacks {_listed([f'{subject} ({what})' for subject, what in restored_words(standing)])}",
            where,
            "aliases may stand where they stood yesterday, and nothing is registered, so that no number is given twice",
            exam.mend_command,
            lambda: _put_back(exam, standing.model),
        )
    if standing.forks:
        yield Finding(
            "journal",
            Severity.WARNING,
            f"the database went another way than the journal: {_listed([fork.what for fork in standing.forks])}",
            where,
            "what was done before the database was restored can't be slipped in before what was done since; aliases stay where they are",
            f"look at {exam.command('models', 'history', standing.model)} and promote or overrule again what is still meant; "
            f"{exam.mend_command} keeps each lost step in the audit and tells it no more",
            lambda: _keep(exam, standing),
        )
    if standing.is_unwritten:
        yield _unwritten(exam, standing, where)
    for fork in standing.damaged:
        yield _torn(exam, standing.model, fork.path, fork.what)
    if standing.unknown:
        yield Finding(
            "journal",
            Severity.NOTE,
            f"{standing.model}: nothing knows version {_listed([str(number) for number in standing.unknown])}",
            where,
            "a database was restored before these were written down; their numbers stay unused",
            "nothing to do",
        )


def _unwritten(exam: Examination, standing: Standing, where: str) -> Finding:
    moves = sum(map(len, standing.unwritten_moves.values()))
    return Finding(
        "journal",
        Severity.WARNING,
        f"the journal lacks {len(standing.unwritten_versions)} versions, verdicts of {len(standing.unwritten_judgements)} versions and "
        f"{moves} moves of {standing.model} that the database has",
        where,
        "were the database lost now, these would not come back (a crash, or a store out of reach, just after a write; or an older Tradewind)",
        exam.mend_command,
        lambda: _write_lacking(exam, standing.model),
    )


def _torn(exam: Examination, model: str, path: str, what: str) -> Finding:
    def delete() -> list[str]:
        Journal.at(exam.settings.bundle_store_url).files.delete(path)
        _write_lacking(exam, model)
        return [f"deleted the torn entry {path}; what the database holds of it is written again"]

    return Finding(
        "journal",
        Severity.WARNING,
        what,
        f"{exam.settings.bundle_store_url}/journal/{path}",
        "the disk or somebody changed it: were the database lost now, this would not come back",
        exam.mend_command,
        delete,
    )


def _absent(exam: Examination, database: Database) -> Iterator[Finding]:
    known = Journal.at(exam.settings.bundle_store_url).models()
    if not known:
        exam.looked.append(f"registry {database.shown_url}: nothing registered yet")
        return
    yield Finding(
        "database",
        Severity.CRITICAL,
        f"there is no registry database, and the journal knows {', '.join(known)}",
        database.shown_url,
        "nothing can be registered, promoted or resolved",
        f"restore the newest backup, if there is one; then, or without one, {exam.mend_command} puts back what the journal knows "
        "(versions, verdicts, overrules, moves; not the audit)",
        lambda: _rebuild(exam, known),
    )


def _other_revision(exam: Examination, database: Database) -> Finding:
    def migrate() -> list[str]:
        Registry.open(exam.settings).close()
        return ["brought the database to this revision"]

    return Finding(
        "database",
        Severity.CRITICAL,
        "the database is of another revision than this Tradewind",
        database.shown_url,
        "services of this Tradewind can't read it",
        f"{exam.mend_command} brings an older one to this revision; for a newer one, update this Tradewind",
        migrate,
    )


def _unwritable(exam: Examination) -> Iterator[Finding]:
    path = _sqlite_path(exam)
    blocked = [str(place) for place in (path, path.parent) if not os.access(place, os.W_OK)] if path else []
    if blocked:
        yield Finding(
            "database",
            Severity.WARNING,
            f"this user may not write {' and '.join(blocked)}",
            str(path),
            "services go on; nobody can register, promote or roll back",
            f"give the user who runs Tradewind leave to write: `chmod u+w {' '.join(blocked)}`, or mount the disk for writing",
        )


def _refuse_damaged(exam: Examination) -> None:
    path = _sqlite_path(exam)
    if path is None:
        return
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        aside = path.with_name(path.name + ".damaged")
        raise StateError(
            f"the file is damaged ({found}); stop what writes, `mv {path} {aside}`, and restore the newest backup if there is one"
        )


def _sqlite_path(exam: Examination) -> Path | None:
    url = exam.settings.database_url
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def _put_back(exam: Examination, model: str) -> list[str]:
    database = Database(exam.settings.database_url)
    try:
        with database.reading() as session:
            standing = compare(session, Journal.at(exam.settings.bundle_store_url), model, deep=exam.deep)
        return [f"put back {line}" for line in put_back(database, standing, who=exam.who, at=exam.now)]
    finally:
        database.close()


def _keep(exam: Examination, standing: Standing) -> list[str]:
    database = Database(exam.settings.database_url)
    try:
        keep_as_lost(database, standing.model, standing.forks, who=exam.who, at=exam.now)
    finally:
        database.close()
    return [f"kept in the audit as lost: {fork.what}" for fork in standing.forks]


def _write_lacking(exam: Examination, model: str) -> list[str]:
    database, journal = Database(exam.settings.database_url), Journal.at(exam.settings.bundle_store_url)
    try:
        with database.reading() as session:
            standing = compare(session, journal, model)
        write_lacking(database, journal, standing)
    finally:
        database.close()
    return [f"wrote what the journal lacked of {model}"]


def _rebuild(exam: Examination, models: list[str]) -> list[str]:
    Registry.open(exam.settings).close()
    told, refused = [], []
    for model in models:
        try:
            told += _put_back(exam, model)
        except TradewindError as error:
            refused.append(f"{model}: {error}")
    if refused:
        raise StateError(f"the database was made, and of some models nothing was put back: {'; '.join(refused)}")
    return told


def _listed(things: list[str]) -> str:
    more = f" and {len(things) - _SHOWN} more" if len(things) > _SHOWN else ""
    return ", ".join(things[:_SHOWN]) + more
