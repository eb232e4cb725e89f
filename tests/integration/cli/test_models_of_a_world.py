"""`tradewind models`: which world is meant, and what another world's version is refused."""

import datetime as dt
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tradewind_cli.main import app
from tradewind_contracts.digests import digest_bytes
from tradewind_contracts.errors import NotFoundError
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_registry import Registry, VersionDraft, WorldError

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


def models(*arguments: str) -> str:
    return CliRunner().invoke(app, ["models", *arguments], standalone_mode=False, catch_exceptions=False).output


def test_a_promotion_is_of_the_world_that_is_named_and_of_the_simulators_by_default(registered: Path) -> None:
    assert models("promote", "eta@2", "--why", "first").startswith("eta@champion of world simulator: eta@2; running services")
    assert models("promote", "eta@1", "--why", "first", "--source", "olist").startswith("eta@champion of world olist: eta@1;")
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
        models("promote", "eta@1", "--why", "hope")
    models("promote", "eta@1", "--why", "first", "--world", "olist")
    with pytest.raises(NotFoundError, match=r"no alias eta@champion in world simulator; aliases: eta@champion → 1 \(world olist\)"):
        models("show", "eta@champion")
    with pytest.raises(NotFoundError, match="no earlier version"):
        models("rollback", "eta", "--why", "late", "--world", "olist")
