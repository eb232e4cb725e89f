"""The journal beside the bundles: what it holds, what a database that lost rows takes back from it, and what it can't."""

import datetime as dt
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from registry_backup import Backup

from tradewind_contracts.errors import StateError
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_registry import Registry, VersionDraft
from tradewind_registry.database import Database
from tradewind_registry.journal import Journal
from tradewind_registry.journal.comparing import Standing, compare
from tradewind_registry.journal.entries import BLOCK
from tradewind_registry.journal.files import RemoteFiles
from tradewind_registry.journal.restoring import keep_as_lost, put_back, write_lacking

AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

Make = Callable[..., Any]


def _standing(settings: Settings, deep: bool = True) -> Standing:
    database = Database(settings.database_url)
    try:
        with database.reading() as session:
            return compare(session, Journal.at(settings.bundle_store_url), "eta", deep=deep)
    finally:
        database.close()


def _mend(settings: Settings) -> list[str]:
    database = Database(settings.database_url)
    try:
        return put_back(database, _standing(settings), who="ann", at=AT)
    finally:
        database.close()


def _in_step(settings: Settings) -> bool:
    return all(
        not (standing.is_behind or standing.is_unwritten or standing.forks or standing.damaged or standing.unknown)
        for standing in (_standing(settings, deep=False), _standing(settings, deep=True))
    )


def _everything(registry: Registry) -> dict[str, Any]:
    versions = registry.versions("eta")
    return {
        "versions": versions,
        "verdicts": [registry.verdicts(version) for version in versions],
        "overrules": [[o.model_dump(exclude={"verdict_id"}) for o in registry.overrules(version)] for version in versions],
        "judgements": [[(j.gate, j.holds(Clock().now()), j.reason) for j in registry.judgements(version)] for version in versions],
        "history": registry.history("eta"),
        "aliases": registry.aliases("eta"),
    }


@pytest.fixture
def today(
    passed_versions: Registry,
    registry_settings: Settings,
    draft: Callable[..., VersionDraft],
    bundle: Callable[..., Path],
    verdict: Callable[..., Verdict],
    tmp_path: Path,
) -> tuple[Registry, Backup]:
    """A registry after a day of work, and the backup from the evening before."""
    passed_versions.promote("eta", 1, why="first", who="ann")
    passed_versions.promote("eta", 2, why="better", who="ann")
    passed_versions.close()
    backup = Backup(registry_settings, tmp_path)
    passed_versions.rollback("eta", why="late in the north", who="bob")
    passed_versions.promote("eta", 3, why="mended", who="cia")
    passed_versions.promote("eta", 2, "challenger", why="beside", who="cia")
    version = passed_versions.register(draft("inputs 4"), bundle("tree 4"))
    passed_versions.record_verdicts("eta", 4, [verdict(gate, passed=gate != version.gates[0]) for gate in version.gates])
    passed_versions.overrule(
        "eta", 4, version.gates[0], why="the lane is closed", who="dan", expires_at=Clock().now() + dt.timedelta(days=30)
    )
    passed_versions.promote("eta", 4, why="overruled", who="dan")
    passed_versions.record_verdicts("eta", 1, [verdict(version.gates[0], passed=False, value=2.0)])
    return passed_versions, backup


def test_every_write_stands_in_the_journal(today: tuple[Registry, Backup], registry_settings: Settings) -> None:
    assert _in_step(registry_settings)
    journal = Journal.at(registry_settings.bundle_store_url)
    assert journal.models() == ["eta"]
    assert journal.highest("eta") == 4
    assert journal.highest("unheard_of") == 0


def test_a_database_of_yesterday_gets_all_of_today_back(today: tuple[Registry, Backup], registry_settings: Settings) -> None:
    registry, backup = today
    known = _everything(registry)
    registry.close()
    backup.restore()
    assert [version.number for version in registry.versions("eta")] == [1, 2, 3]
    standing = _standing(registry_settings, deep=False)
    assert [version.number for version in standing.versions] == [4]
    assert [len(moves) for _, moves in sorted(standing.moves.items())] == [1, 3]
    told = _mend(registry_settings)
    assert _everything(registry) == known
    assert _in_step(registry_settings)
    assert len(told) == 5
    assert _restored(registry) == told
    assert registry.rollback("eta", why="goes on as if nothing had been", who="ann").to_number == 3
    assert _mend(registry_settings) == []


def test_a_registry_without_database_is_rebuilt_whole(today: tuple[Registry, Backup], registry_settings: Settings) -> None:
    registry, _ = today
    known = _everything(registry)
    registry.close()
    Database(registry_settings.database_url).close()
    _forget_everything(registry_settings)
    assert registry.models() == []
    _mend(registry_settings)
    assert _everything(registry) == known


def test_no_number_is_given_twice_after_a_restoration(
    today: tuple[Registry, Backup], draft: Callable[..., VersionDraft], bundle: Callable[..., Path], registry_settings: Settings
) -> None:
    registry, backup = today
    registry.close()
    backup.restore()
    with pytest.raises(StateError, match=r"database knows eta@3, the journal beside the bundles eta@4.*tradewind doctor --mend"):
        registry.register(draft("inputs 5"), bundle("tree 5"))
    assert [version.number for version in registry.versions("eta")] == [1, 2, 3]
    assert registry.register(draft("inputs 2"), bundle("tree 2")).number == 2, "what is known is still found"
    _mend(registry_settings)
    assert registry.register(draft("inputs 5"), bundle("tree 5")).number == 5


def test_moves_that_another_move_took_the_place_of_are_told_and_kept_in_the_audit(
    today: tuple[Registry, Backup], registry_settings: Settings
) -> None:
    registry, backup = today
    registry.close()
    backup.restore()
    registry.promote("eta", 3, why="at night, on the restored database", who="eve")
    standing = _standing(registry_settings, deep=False)
    assert [line for line in standing.moves] == [("olist", "challenger")], "another alias is not concerned"
    assert len(standing.forks) == 3
    assert standing.forks[0].what.startswith("rollback of eta@champion of world olist from 2 to 1 by bob")
    _mend(registry_settings)
    history = registry.history("eta", "champion")
    assert [move.to_number for move in history] == [1, 2, 3], "no move is slipped in before one that was made since"
    database = Database(registry_settings.database_url)
    keep_as_lost(database, "eta", _standing(registry_settings).forks, who="ann", at=AT)
    database.close()
    assert _in_step(registry_settings), "kept in the audit, it is told no more"
    assert len([entry for entry in registry.audit() if entry.action == "lost"]) == 3


@pytest.mark.parametrize("is_noted", [True, False])
def test_lost_moves_never_go_on_where_an_alias_was_moved_otherwise_since(
    today: tuple[Registry, Backup], registry_settings: Settings, monkeypatch: pytest.MonkeyPatch, is_noted: bool
) -> None:
    def refuses(*_: object) -> None:
        raise StateError("the store is away")

    registry, backup = today
    registry.close()
    backup.restore()
    with monkeypatch.context() as away:
        if not is_noted:
            away.setattr("tradewind_registry.journal.files.LocalFiles.write", refuses)
        registry.rollback("eta", why="at night, on the restored database", who="eve")
    # The lost promotion from eta@1 to eta@3 would fit by its numbers: where it began is where eve went to, in another history.
    standing = _standing(registry_settings, deep=False)
    assert [line for line in standing.moves] == [("olist", "challenger")]
    assert any("promote of eta@champion of world olist from 1 to 3" in fork.what for fork in standing.forks)
    _mend(registry_settings)
    assert registry.aliases("eta")["champion"] == 1, "what eve did at night stands"
    assert [move.who for move in registry.history("eta", "champion")] == ["ann", "ann", "eve"]


def test_a_write_without_entry_is_made_up_by_the_next(
    passed_versions: Registry,
    registry_settings: Settings,
    draft: Callable[..., VersionDraft],
    bundle: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuses(*_: object) -> None:
        raise StateError("the store is away")

    with monkeypatch.context() as away, caplog.at_level(logging.WARNING):
        away.setattr("tradewind_registry.journal.files.LocalFiles.write", refuses)
        passed_versions.register(draft("inputs 4"), bundle("tree 4"))
        passed_versions.promote("eta", 1, why="first", who="ann")
    assert [record.message.split(",")[0] for record in caplog.records] == ["eta@4 was written", "eta@champion of world olist was written"]
    assert _standing(registry_settings, deep=False).unwritten_versions == [4]
    passed_versions.register(draft("inputs 5"), bundle("tree 5"))
    passed_versions.promote("eta", 2, why="second", who="ann")
    assert _in_step(registry_settings)


def test_a_journal_that_is_gone_is_written_anew(today: tuple[Registry, Backup], registry_settings: Settings) -> None:
    files = sorted((registry_settings.paths.bundles / "journal").rglob("*.json"))
    for file in files:
        file.unlink()
    standing = _standing(registry_settings, deep=False)
    database = Database(registry_settings.database_url)
    write_lacking(database, Journal.at(registry_settings.bundle_store_url), standing)
    database.close()
    assert _in_step(registry_settings)
    assert {file.name for file in files} >= {path.name for path in (registry_settings.paths.bundles / "journal").rglob("*.json")}


def test_a_torn_entry_is_named_and_never_believed(today: tuple[Registry, Backup], registry_settings: Settings) -> None:
    registry, backup = today
    (entry,) = (registry_settings.paths.bundles / "journal/eta/versions").rglob("000000004-*.json")
    entry.write_bytes(entry.read_bytes()[:-20])
    registry.close()
    backup.restore()
    standing = _standing(registry_settings, deep=False)
    assert standing.versions == []
    assert [(fork.path.endswith(entry.name), "torn" in fork.what) for fork in standing.damaged] == [(True, True)]
    assert any("itself is lost" in fork.what for fork in standing.forks), "its verdicts have nowhere to go"


def test_ten_thousand_versions_are_told_from_two_listings(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = own_settings.paths.bundles / "journal/eta/versions"
    for block in range(10):
        (folder / f"{block:06d}").mkdir(parents=True)
        for number in range(block * BLOCK, (block + 1) * BLOCK) if block == 9 else [block * BLOCK + 7]:
            (folder / f"{block:06d}" / f"{number:09d}-0123456789abcdef.json").touch()
    journal = Journal.at(own_settings.bundle_store_url)
    asked: list[str] = []
    names = journal.files.names
    monkeypatch.setattr(journal.files, "names", lambda folder: asked.append(folder) or names(folder))
    assert journal.highest("eta") == 9_999
    assert len(asked) == 2


def test_a_remote_store_keeps_the_journal_too(
    registry_settings: Settings, draft: Callable[..., VersionDraft], bundle: Callable[..., Path], verdict: Callable[..., Verdict]
) -> None:
    settings = registry_settings.model_copy(update={"bundle_url": f"memory://{registry_settings.paths.home.as_posix()}/store"})
    with Registry.open(settings) as registry:
        for n in (1, 2):
            version = registry.register(draft(f"inputs {n}"), bundle(f"tree {n}"))
            registry.record_verdicts("eta", n, [verdict(gate) for gate in version.gates])
            registry.promote("eta", n, why="next", who="ann")
        assert registry.orphans() == []
    assert _in_step(settings)
    files = RemoteFiles(settings.bundle_url)
    assert files.names("eta/moves/olist@champion") == ["000000"]
    files.delete("eta/versions/000000/" + files.names("eta/versions/000000")[0])
    assert _standing(settings, deep=False).unwritten_versions == [1]


def _restored(registry: Registry) -> list[str]:
    return [f"{entry.subject}: {entry.detail['what']}" for entry in registry.audit() if entry.action == "restored"]


def _forget_everything(settings: Settings) -> None:
    from sqlalchemy import create_engine, text

    from tradewind_registry.schema import Base

    if settings.database_url.startswith("sqlite"):
        for path in settings.paths.registry.glob("registry.db*"):
            path.unlink()
        Registry.open(settings).close()
        return
    engine = create_engine(settings.database_url)
    with engine.begin() as connection:
        connection.execute(text("set session_replication_role = replica"))
        for table in Base.metadata.sorted_tables:
            connection.execute(text(f"delete from {table.name}"))
        connection.execute(text("set session_replication_role = default"))
    engine.dispose()
