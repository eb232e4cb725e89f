"""What a person reads in a terminal."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tradewind_contracts.errors import NotFoundError
from tradewind_contracts.instants import Clock
from tradewind_contracts.verdicts import Verdict
from tradewind_registry import Registry, VersionDraft
from tradewind_registry.views import history_text, list_text, show_text, stands_text


def test_the_list_shows_gates_aliases_and_the_main_metric_beside_the_baselines(passed_versions: Registry) -> None:
    passed_versions.promote("eta", 2, why="better", who="ann")
    lines = list_text(passed_versions).splitlines()
    assert [line.split()[:4] for line in lines[1:]] == [
        ["eta@3", "olist", "real", "–"],
        ["eta@2", "olist", "real", "champion"],
        ["eta@1", "olist", "real", "–"],
    ]
    assert all("2 of 2 passed  mae_days 4.21 (promise 12.4, lane_median_days 4.39)" in line for line in lines[1:])


def test_showing_a_version_tells_each_seal_and_each_gate(passed_versions: Registry) -> None:
    version = passed_versions.resolve("eta@3")
    text = show_text(passed_versions, "eta@3")
    seals = [
        version.bundle_digest,
        version.training_set_digest,
        version.entity_rows_digest,
        version.lock_digest,
        version.commit,
        version.run_id,
    ]
    assert all(seal in text for seal in [*seals, *version.view_specs.values()])
    assert all(f"{gate} " in text for gate in version.gates)


def test_the_history_tells_who_moved_what_and_why_the_newest_first(passed_versions: Registry) -> None:
    assert history_text(passed_versions, "eta") == "no alias of eta has been set yet in world olist"
    passed_versions.promote("eta", 1, why="the first", who="ann", run_id="run-1")
    passed_versions.promote("eta", 2, why="better", who="bob")
    passed_versions.rollback("eta", why="late in the north", who="eve")
    where, header, *lines = history_text(passed_versions, "eta").splitlines()
    assert where == "world olist: champion eta@1, challenger not set"
    assert header.split() == ["when", "alias", "moved", "by", "who", "run", "why"]
    assert [line.split("  ")[-1].strip() for line in lines] == ["late in the north", "better", "the first"]
    assert "2 → 1  rollback  eve  –" in lines[0]
    assert "– → 1  promote   ann  run-1" in lines[2]
    assert history_text(passed_versions, "eta", limit=2).splitlines()[-1] == "the newest 2 of 3 moves; --all lists them all"
    passed_versions.promote("eta", 3, "challenger", why="try", who="ann")
    assert history_text(passed_versions, "eta").startswith("world olist: champion eta@1, challenger eta@3\n")


def test_a_long_reason_goes_on_in_its_own_column_on_a_terminal_and_stays_one_line_in_a_file(passed_versions: Registry) -> None:
    why = "a reason of many words that no terminal of eighty columns has room for beside the rest of it"
    passed_versions.promote("eta", 1, why=why, who="ann", run_id="39afc7af-2386-4e52-a93d-85b70d4dbe0b")
    assert why in history_text(passed_versions, "eta")
    narrow = history_text(passed_versions, "eta", width=80).splitlines()
    assert max(len(line) for line in narrow) <= 80
    column = narrow[1].index("why")
    assert " ".join(line[column:] for line in narrow[2:]) == why
    assert "39afc7af " in narrow[2]


def test_the_list_says_how_many_versions_it_leaves_out(passed_versions: Registry) -> None:
    lines = list_text(passed_versions, limit=2).splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["eta@3", "eta@2"]
    assert lines[3:] == ["eta: the newest 2 of 3 versions; --all lists them all"]
    assert "--all" not in list_text(passed_versions, limit=3)


def test_what_a_person_overruled_is_shown_with_the_version(passed_versions: Registry, verdict: Callable[..., Verdict]) -> None:
    version = passed_versions.resolve("eta@1")
    assert "overruled" not in show_text(passed_versions, "eta@1")
    passed_versions.record_verdicts("eta", 1, [verdict("covers", passed=False)])
    assert "covers             FAILED   1.0 is not ≤ 1" in show_text(passed_versions, "eta@1")
    now = Clock().now()
    passed_versions.overrule("eta", 1, "covers", why="for long", who="bob", expires_at=now + dt.timedelta(days=3))
    passed_versions.overrule("eta", 1, "covers", why="a false alarm", who="eve", expires_at=now + dt.timedelta(days=1))
    text = show_text(passed_versions, "eta@1")
    assert "covers             overruled  1.0 is not ≤ 1 (overruled by eve until" in text
    *_, header, last, first = text.splitlines()
    assert header.split() == ["overruled", "state", "who", "at", "until", "why"]
    assert last.split()[:3] == ["covers", "counts", "eve"]
    assert first.split()[:3] == ["covers", "replaced", "bob"]
    later = stands_text("eta@1", passed_versions.judgements(version), now + dt.timedelta(days=2))
    assert later.splitlines()[:2] == ["eta@1: 2 gates, 1 passed, 1 overrule expired", "passed: beats_lane_median"]
    assert "FAILED, overrule expired" in later


def test_lists_ask_the_database_as_often_for_many_versions_as_for_few(
    passed_versions: Registry, draft: Callable[..., VersionDraft], bundle: Callable[..., Path], request: pytest.FixtureRequest
) -> None:
    asked: list[str] = []

    def note(*given: Any) -> None:
        asked.append(given[2])

    event.listen(Engine, "before_cursor_execute", note)
    request.addfinalizer(lambda: event.remove(Engine, "before_cursor_execute", note))

    def count(deed: Callable[[], object]) -> int:
        asked.clear()
        deed()
        return len(asked)

    def deeds() -> list[int]:
        version = passed_versions.resolve("eta@1")
        return [
            count(lambda: passed_versions.summaries("eta")),
            count(lambda: list_text(passed_versions, limit=2)),
            count(lambda: history_text(passed_versions, "eta")),
            count(lambda: passed_versions.judgements(version)),
            count(lambda: passed_versions.resolve("eta@1")),
            count(lambda: passed_versions.promote("eta", 1, why="again", who="ann")),
            count(lambda: passed_versions.rollback("eta", why="back", who="ann")),
            count(lambda: passed_versions.register(draft(f"more {len(passed_versions.versions('eta'))}"), bundle("more"))) // 10,
        ]

    for n in (1, 2):
        passed_versions.promote("eta", n, why="step", who="ann")
    few = deeds()
    for n in range(20):
        passed_versions.register(draft(f"inputs of {n}"), bundle(f"tree of {n}"))
    for n in (2, 3, 2):
        passed_versions.promote("eta", n, why="step", who="ann")
    assert deeds() == few
    assert max(few) < 30


def test_an_empty_registry_and_an_unknown_model_say_so(registry: Registry) -> None:
    assert list_text(registry) == "no versions yet; `make run` registers one"
    for view in (list_text, history_text):
        with pytest.raises(NotFoundError, match="no model risk"):
            view(registry, "risk")
