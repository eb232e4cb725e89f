"""Cards of a real registry: written beside the other reports, read where nothing but the database is, and asked for by the command."""

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tradewind_cli.models.app import app
from tradewind_contracts.errors import NotFoundError
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_lifecycle.cards import card_page, card_text, write_card
from tradewind_lifecycle.reproducing import Refitted, Reproduction
from tradewind_lifecycle.reproducing.records import keep
from tradewind_registry import Registry, RegistryClient, Version, VersionDraft

AT = dt.datetime(2018, 4, 1, tzinfo=dt.UTC)


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home, world="olist")


@pytest.fixture
def version(settings: Settings, draft: Callable[..., VersionDraft], tmp_path: Path) -> Version:
    """eta@1 of world olist: one gate passed, the other failed and overruled, champion."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "model.txt").write_text("trees")
    with Registry.open(settings) as registry:
        made = registry.register(draft(world="olist"), folder)
        verdicts = [
            Verdict(
                gate=gate,
                claim="holds",
                passed=passed,
                value=value,
                threshold=1.0,
                reason=f"{value} beside 1",
                decided_at=AT,
                evidence={"plot": "count", "failed": 0, "of": 3} if passed else {},
            )
            for gate, passed, value in (("beats_lane_median", True, 0.5), ("covers", False, 2.0))
        ]
        registry.record_verdicts("eta", made.number, verdicts)
        until = dt.datetime.now(dt.UTC) + dt.timedelta(days=3)
        registry.overrule("eta", made.number, "covers", why="a strike is over", who="ann", expires_at=until)
        registry.promote("eta", made.number, "champion", why="first", who="ann")
    return made


def test_a_card_is_written_with_its_page_and_every_plot_beside_it(settings: Settings, version: Version) -> None:
    with RegistryClient.open(settings) as client:
        path = write_card(client, version, settings)
    card, page = path.read_text(), (path.parent / "card.html").read_text()
    assert path == settings.paths.reports / "models" / "eta@1" / "card.md"
    named = {line.rsplit("](", 1)[1].rstrip(")") for line in card.splitlines() if line.startswith("![")}
    assert {"gate-beats_lane_median.svg", "gate-covers.svg", "calibration.svg", "importance.svg", "metrics.svg"} <= named
    assert named == {file.name for file in path.parent.glob("*.svg")}
    assert page.count("<svg ") == len(named)
    assert "May be served on a person's word: covers until " in card
    assert "a strike is over" in page
    assert "<code>champion</code>" in page


def test_with_nothing_but_the_database_the_card_says_all_that_its_rows_say(settings: Settings, version: Version, tmp_path: Path) -> None:
    elsewhere = Settings(home=tmp_path / "elsewhere", world="olist", registry_url=f"sqlite:///{tmp_path / 'copied.db'}")
    shutil.copyfile(settings.paths.registry / "registry.db", tmp_path / "copied.db")
    shutil.rmtree(settings.home)
    with RegistryClient.open(elsewhere) as client:
        card, page = card_text(client, "eta@champion", elsewhere), card_page(client, "eta@champion", elsewhere)
    assert version.bundle_digest in card
    assert "| covers | ann | a strike is over |" in card
    assert version.bundle_digest in page
    assert "Nobody has made it again here" in page


def test_a_reproduction_that_was_kept_stands_in_the_card(settings: Settings, version: Version) -> None:
    fit = Refitted(outcome="same", expected=version.bundle_digest, found=version.bundle_digest, rows=10)
    made = Reproduction(
        reference="eta@1", bundle_digest=version.bundle_digest, world="olist", at=AT, commit="1" * 40, seconds=1.0, refitted=fit
    )
    keep(made, settings)
    keep(made.model_copy(update={"bundle_digest": "f" * 64, "at": AT + dt.timedelta(days=1)}), settings)
    with RegistryClient.open(settings) as client:
        card = card_text(client, "eta@1", settings)
    assert card.count("the same bundle digest") == 1, "the same number of another registry is not meant"


def test_the_command_prints_markdown_and_writes_a_page_where_it_is_told(
    settings: Settings, version: Version, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRADEWIND_HOME", str(settings.home))

    def run(*arguments: str) -> str:
        asked = ["card", "eta@champion", "--source", "olist", *arguments]
        return CliRunner().invoke(app, asked, standalone_mode=False, catch_exceptions=False).stdout

    printed = run()
    assert printed.startswith("# Model card: eta@1 of world olist")
    assert run("--html", str(tmp_path / "out" / "card.html"), "--out", str(tmp_path / "card.md")) == ""
    assert (tmp_path / "out" / "card.html").read_text().startswith("<!doctype html>")
    assert (tmp_path / "card.md").read_text().strip() == printed.strip()
    with pytest.raises(NotFoundError, match="eta@9"):
        CliRunner().invoke(app, ["card", "eta@9", "--source", "olist"], standalone_mode=False, catch_exceptions=False)
