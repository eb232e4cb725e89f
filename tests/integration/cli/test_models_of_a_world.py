"""`tradewind models`: which world is meant, and what another world's version is refused."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tradewind_cli.main import app
from tradewind_contracts.digests import digest_bytes
from tradewind_contracts.errors import NotFoundError, SettingsError
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_registry import ConflictError, GateError, Registry, VersionDraft, WorldError

AT = dt.datetime(2018, 4, 1, tzinfo=dt.UTC)


@pytest.fixture
def registered(home: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with eta@1 of olist and eta@2 of simulator, whose gates passed, and no alias; the environment names the home."""
    monkeypatch.setenv("TRADEWIND_HOME", str(home))
    said = json.loads((root / "tests/fixtures/version_draft.json").read_text())
    with Registry.open(Settings(home=home)) as registry:
        for world, kind in (("olist", "real"), ("simulator", "simulated")):
            folder = tmp_path / world
            folder.mkdir()
            (folder / "model.txt").write_text(world)
            fields = {"inputs_key": digest_bytes(world.encode()), "world": world, "facts": {"data_kind": kind}}
            version = registry.register(VersionDraft.model_validate(said | fields), folder)
            passed = [
                Verdict(gate=g, claim="holds", passed=True, value=1.0, threshold=0.0, reason="1 is ≥ 0", decided_at=AT)
                for g in version.gates
            ]
            registry.record_verdicts("eta", version.number, passed)
    return home


@pytest.fixture
def second_of_olist(registered: Path, root: Path, tmp_path: Path) -> int:
    """The number of a second version of olist whose gates passed."""
    said = json.loads((root / "tests/fixtures/version_draft.json").read_text())
    with Registry.open(Settings(home=registered, world="olist")) as registry:
        version = registry.register(VersionDraft.model_validate(said | {"inputs_key": "0" * 64}), tmp_path / "olist")
        registry.record_verdicts("eta", version.number, registry.verdicts(registry.resolve("eta@1")))
    return version.number


def models(*arguments: str) -> str:
    return CliRunner().invoke(app, ["models", *arguments], standalone_mode=False, catch_exceptions=False).output


def test_a_promotion_is_of_the_versions_world_and_an_alias_of_the_simulators_by_default(registered: Path) -> None:
    said = models("promote", "eta@2", "--why", "first").splitlines()
    assert said[:2] == ["eta@2: 2 gates, 2 passed", "passed: beats_lane_median, covers"]
    assert said[2].startswith("eta@champion of world simulator: eta@2; running services")
    assert "\neta@champion of world olist: eta@1;" in models("promote", "eta@1", "--why", "first")
    assert "as before" in models("promote", "eta@1", "--why", "again", "--world", "olist")
    assert models("card", "eta@champion").startswith(
        "# Model card: eta@2 of world simulator\n\nThese numbers were measured on **simulated** data"
    )
    assert models("card", "eta@champion", "--world", "olist").startswith("# Model card: eta@1 of world olist")
    assert "promote" in models("history", "eta", "--source", "olist")
    listed = models("list").splitlines()
    assert [line.split()[:4] for line in listed[1:3]] == [
        ["eta@2", "simulator", "simulated", "champion"],
        ["eta@1", "olist", "real", "champion"],
    ]
    assert [line.split()[0] for line in models("list", "eta", "--source", "olist").splitlines()[1:]] == ["eta@1"]


def test_a_version_of_another_world_is_refused_and_what_is_not_set_there_is_said(registered: Path) -> None:
    with pytest.raises(WorldError, match="eta@champion of world simulator can't point to eta@1, which is of world olist"):
        models("promote", "eta@1", "--why", "hope", "--source", "simulator")
    models("promote", "eta@1", "--why", "first", "--world", "olist")
    with pytest.raises(NotFoundError, match=r"no alias eta@champion in world simulator; aliases: eta@champion → 1 \(world olist\)"):
        models("show", "eta@champion")
    elsewhere = r"eta@champion of world olist points to eta@1 \(add `--world olist`\)"
    with pytest.raises(NotFoundError, match=f"eta@champion is not set in world simulator; {elsewhere}; there is nothing to roll back"):
        models("rollback", "eta")
    assert "has been set yet in world simulator; eta@champion of world olist points to eta@1 (add" in models("history", "eta")
    with pytest.raises(NotFoundError, match="no model pace; there are: eta"):
        models("rollback", "pace")
    assert "(there are versions of: olist, simulator)" in models("list", "--world", "olits")
    with pytest.raises(NotFoundError, match="no earlier version"):
        models("rollback", "eta", "--why", "late", "--world", "olist")


def test_a_bare_rollback_works_and_says_that_nobody_gave_a_reason(registered: Path, second_of_olist: int) -> None:
    models("promote", "eta@1", "--why", "first", "--source", "olist")
    models("promote", f"eta@{second_of_olist}", "--why", "better", "--source", "olist")
    said = models("rollback", "eta", "--source", "olist").splitlines()
    assert said[0] == f"eta@champion of world olist: eta@1 instead of eta@{second_of_olist}; running services follow within seconds"
    assert "models history eta --source olist" in said[1]
    where, _, last, *_ = models("history", "eta", "--source", "olist").splitlines()
    assert where == "world olist: champion eta@1, challenger not set"
    assert last.endswith("no reason given")
    models("promote", f"eta@{second_of_olist}", "--why", "try", "--alias", "challenger", "--source", "olist")
    assert models("history", "eta", "--source", "olist").startswith(f"world olist: champion eta@1, challenger eta@{second_of_olist}")


def test_of_two_promotions_at_once_the_second_is_told_who_was_first(
    registered: Path, second_of_olist: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote = Registry.promote

    def while_somebody_else_does(self: Registry, *args: Any, **fields: Any) -> Any:
        with Registry.open(Settings(home=registered, world="olist")) as other:
            promote(other, "eta", 1, why="quicker", who="eve")
        return promote(self, *args, **fields)

    monkeypatch.setattr(Registry, "promote", while_somebody_else_does)
    with pytest.raises(ConflictError, match=r"eta@champion points to eta@1 by now; eve moved it at 20.* \(promote\): quicker; nothing was"):
        models("promote", f"eta@{second_of_olist}", "--why", "better", "--source", "olist")


def test_a_failed_gate_is_overruled_with_a_reason_and_an_end_and_shown_wherever_it_counts(registered: Path) -> None:
    with Registry.open(Settings(home=registered, world="olist")) as registry:
        failed = Verdict(gate="covers", claim="holds", passed=False, value=0.6, threshold=0.7, reason="0.6 is not ≥ 0.7", decided_at=AT)
        registry.record_verdicts("eta", 1, [failed])
    with pytest.raises(GateError, match=r"covers: 0\.6 is not ≥ 0\.7"):
        models("promote", "eta@1", "--why", "hope", "--source", "olist")
    for given, said in (
        ((), "say when the overrule expires"),
        (("--days", "7", "--until", "2099-01-01"), "say when the overrule expires"),
        (("--days", "91"), "at most 90 days ahead"),
        (("--days", "1e12"), "expected a number of days"),
        (("--until", "2018-01-01"), "an instant after now"),
        (("--until", "soon"), "is not an instant"),
    ):
        with pytest.raises(SettingsError, match=said):
            models("overrule", "eta@1", "--gate", "covers", "--why", "the strike is over", *given)
    lines = models("overrule", "eta@1", "--gate", "covers", "--why", "the strike is over", "--days", "7").splitlines()
    assert lines[0].startswith("eta@1: covers is overruled by ")
    assert lines[1:3] == ["eta@1: 2 gates, 1 passed, 1 overruled", "passed: beats_lane_median"]
    promoted = models("promote", "eta@1", "--why", "needed", "--source", "olist")
    assert "covers  overruled  0.6 is not ≥ 0.7 (overruled by " in promoted
    assert "eta@champion of world olist: eta@1;" in promoted
    assert "the strike is over" in models("show", "eta@1")


def test_a_difference_is_told_as_text_and_as_json(registered: Path) -> None:
    assert models("diff", "eta@1", "eta@2").startswith("eta@1 → eta@2\n\nFeatures: 3 in both; none added; none removed\n")
    assert json.loads(models("diff", "eta@1", "eta@2", "--json"))["data"]["world"] == {"before": "olist", "after": "simulator"}


def test_doctor_looks_at_every_world_unless_one_is_named(registered: Path) -> None:
    def doctor(*arguments: str) -> str:
        return CliRunner().invoke(app, ["doctor", *arguments], standalone_mode=False, catch_exceptions=False).output

    said = doctor()
    assert "world olist: " in said
    assert "world simulator: " in said
    found = json.loads(doctor("--json"))
    assert [each["world"] for each in found["worlds"]] == ["olist", "simulator"]
    assert found["clean"] is all(each["clean"] for each in found["worlds"])
    assert json.loads(doctor("--json", "--world", "olist"))["world"] == "olist"
    with pytest.raises(NotFoundError, match=r"no world olits in .*; there are: olist, simulator"):
        doctor("--world", "olits")


def test_a_reason_is_text_and_what_a_key_or_a_paste_left_in_it_holds_up_nothing(registered: Path, second_of_olist: int) -> None:
    models("promote", "eta@1", "--why", "first \x1b[31m\x07 of\nall \u202e\udcff", "--world", "olist")
    assert models("history", "eta", "--world", "olist").splitlines()[-1].split()[-4:] == ["first", "[31m", "of", "all"]
    with pytest.raises(SettingsError, match="why: 2,001 characters; expected 2,000 at most"):
        models("promote", f"eta@{second_of_olist}", "--why", "x" * 2_001)
    with Registry.open(Settings(home=registered, world="olist")) as registry:
        for why in ("late\x1b[2J", "late\0", "late \udcff", "late \u202e"):
            with pytest.raises(SettingsError, match="why: holds control characters, or bytes that are no UTF-8"):
                registry.promote("eta", second_of_olist, why=why, who="ann")
