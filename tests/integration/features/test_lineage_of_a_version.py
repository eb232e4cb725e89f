"""The lineage of a registered version in a published world, and the commands that show it: computed, kept, and honest about what is not known."""

import json
import shutil
from pathlib import Path

import feature_world
import pytest
from feature_world import AS_OF
from typer.testing import CliRunner

from tradewind_cli.main import app
from tradewind_contracts.digests import digest_bytes
from tradewind_contracts.errors import NotFoundError, StateError
from tradewind_contracts.manifest import Manifest, PublishedTable
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_lifecycle import feature_store
from tradewind_lifecycle.catalogue import read_catalogue
from tradewind_lifecycle.lineage import consumers, world_graph
from tradewind_lifecycle.lineage.ancestry import lineage_of
from tradewind_lifecycle.lineage.impact import impact
from tradewind_lifecycle.lineage.noticed import Impact
from tradewind_lifecycle.lineage.things import Lineage
from tradewind_lifecycle.lineage.tree import tree
from tradewind_registry import Registry, VersionDraft

REVIEWS, PACE = "merchant_reviews_180d", "merchant_pace_365d"
GATES = len(json.loads((Path(__file__).parents[2] / "fixtures" / "version_draft.json").read_text())["gates"])
OLD = digest_bytes(b"an older definition")


@pytest.fixture(scope="module")
def world(ready: Settings, tmp_path_factory: pytest.TempPathFactory, root: Path) -> Settings:
    """The small world with a landing manifest, eta@1 without an alias, and eta@2, the champion, which reads one view in an older definition."""
    home = tmp_path_factory.mktemp("lineage") / "home"
    shutil.copytree(ready.paths.home, home)
    settings = ready.model_copy(update={"home": home})
    entry = PublishedTable(path="reviews-0.parquet", digest="0" * 64, rows=3, columns={})
    landed = Manifest(
        stage="landing", tables={"reviews": entry}, facts={"input_digest": "a" * 64, "report": {"files": {"reviews.csv": {}}}}
    )
    landed.write(settings.paths.landing)
    specs = feature_store.applied_specs(settings).of_service("eta_v1")
    said = json.loads((root / "tests/fixtures/version_draft.json").read_text())
    importance = {"freight": 0.25, f"{PACE}__transit_pace_30d": 0.5, f"{REVIEWS}__review_score_mean_180d": 0.0}
    with Registry.open(settings) as registry:
        for number, views in ((1, specs), (2, specs | {REVIEWS: OLD})):
            folder = tmp_path_factory.mktemp("bundle")
            (folder / "model.txt").write_text(str(number))
            fields = {"inputs_key": digest_bytes(str(number).encode()), "world": "olist", "importance": importance, "view_specs": views}
            registry.register(VersionDraft.model_validate(said | fields), folder)
        passed = [
            Verdict(gate=gate, claim="holds", passed=True, value=1.0, threshold=0.0, reason="so", decided_at=AS_OF)
            for gate in said["gates"]
        ]
        registry.record_verdicts("eta", 2, passed)
        registry.promote("eta", 2, "champion", why="first", who="test")
    # As a build of the declared SQL would leave it: to compile takes dbt 7 CPU seconds, and one test does.
    path = settings.paths.world / world_graph.FOLDER / "columns.json"
    world_graph.keep(path, world_graph.graph_key("olist"), read_catalogue().lineage.to_json())
    return settings


def test_a_version_is_followed_back_to_the_archive_and_on_to_its_service(world: Settings) -> None:
    found = lineage_of("eta@champion", world)
    up = [found.by_id[thing].kind for thing in found.steps_up()]
    assert found.root == "version:eta@2"
    assert set(up) >= {"bundle", "code", "lock", "dagster run", "training set", "feature service", "feature view", "feature", "label", "column", "landing table", "landed file", "archive"}  # fmt: skip
    assert [found.by_id[thing].name for thing in found.steps_down()][1:] == ["eta@champion of olist", "eta", "scores/eta_nightly"]
    assert found.by_id["archive:" + "a" * 16].facts["files"] == "reviews.csv"
    assert found.by_id["version:eta@2"].facts["gates"] == f"{GATES} of {GATES} passed"
    assert found.by_id[f"feature:{PACE}:transit_pace_30d"].facts["gain"] == 0.5


def test_each_feature_of_a_lineage_ends_at_its_origins_in_the_catalogue(world: Settings) -> None:
    found, catalogue = lineage_of("eta@2", world), read_catalogue()
    features = [thing for thing in found.things if thing.kind == "feature"]
    assert len(features) > 30
    for feature in features:
        ends = set(found.model_copy(update={"root": feature.id}).steps_up())
        columns = {found.by_id[end].name for end in ends if not found.made_of.get(end) or found.by_id[end].name.startswith("landing.")}
        landed = {name for name in columns if name.count(".") == 2 and name.startswith(("landing.", "request."))}
        view, own = catalogue.find(feature.name)
        assert own is not None
        assert landed == set(catalogue.sources(view, own) or {}), feature.name


def test_a_definition_that_is_not_todays_is_said_in_the_tree_and_in_an_impact(world: Settings) -> None:
    found = lineage_of("eta@2", world)
    assert found.by_id[f"feature_view:{REVIEWS}"].facts["definition"] == "gone"
    assert found.by_id[f"feature_view:{PACE}"].facts["definition"] == "today's"
    assert f"eta@2 was trained on other definitions of {REVIEWS} (gone)" in tree(found)
    assert lineage_of("eta@1", world).notes == ()
    notes = impact("landing.reviews.score", world).notes
    assert any(f"eta@2 was trained on other definitions of {REVIEWS} (not kept)" in note for note in notes)


def test_an_impact_names_the_living_first_and_counts_the_others(world: Settings) -> None:
    found = impact("landing.reviews.score", world)
    assert [(each.reference, each.aliases) for each in found.versions] == [("eta@2", ("champion",))]
    assert found.others == {"olist": 1}
    assert [each.name for each in (*found.services, *found.nightly)] == ["eta", "scores/eta_nightly"]


def test_without_a_registry_an_impact_says_so_and_a_lineage_refuses(ready: Settings, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", source="olist")
    found = impact("landing.reviews.score", settings)
    assert [view.name for view in found.views] == [REVIEWS]
    assert "no model registry here yet" in found.notes[0]
    assert "has not landed" in found.said
    with pytest.raises(StateError, match="registry"):
        lineage_of("eta@1", settings)
    assert not settings.paths.home.exists(), "to look changes nothing"


def test_a_world_that_was_not_built_is_compiled_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = feature_world.land_world(tmp_path / "home")
    told: list[str] = []
    first = world_graph.world_graph(settings, told.append)
    assert told == ["world olist was not built whole from this dbt project: compiling it once, 8 s"]
    declared = read_catalogue().lineage
    # The staging of another source knows other landing columns; what is made of landed tables is made in the same way.
    for name in (
        "features.ftr_merchant__reviews_180d.review_score_mean_180d",
        "features.parcel_request.distance_km",
        "marts.fct_parcels.is_late",
    ):
        assert first.graph.sources(name) == declared.sources(name)

    def refuse(_: str) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(world_graph, "compiled_manifest", refuse)
    assert world_graph.world_graph(settings, told.append).graph.inputs == first.graph.inputs
    assert len(told) == 1
    kept = next((settings.paths.world / world_graph.FOLDER).glob("*.json"))
    kept.write_text("{", encoding="utf-8")
    with pytest.raises(AssertionError, match="compiled again"):
        world_graph.world_graph(settings)


def command(settings: Settings, *arguments: str, width: int = 110) -> str:
    environment = {"COLUMNS": str(width), "TRADEWIND_HOME": str(settings.home), "TRADEWIND_SOURCE": "olist"}
    return CliRunner(env=environment).invoke(app, list(arguments), standalone_mode=False, catch_exceptions=False).stdout


@pytest.mark.parametrize("width", [80, 120])
def test_the_command_shows_models_first_within_the_terminal(world: Settings, width: int) -> None:
    lines = command(world, "impact", "reviews.score", "--ways", width=width).splitlines()
    assert lines[0] == "landing.reviews.score (column), world olist"
    assert lines[2].startswith("models 1 living version, and without an alias 1 of olist")
    assert any("eta@2 (champion of olist): value" in line for line in lines)
    assert "landing.reviews.score → staging." in " ".join("".join(lines).replace("│", " ").split())
    assert max(map(len, lines)) <= width
    assert not any(line != line.rstrip() for line in lines)


def test_both_commands_give_json_and_charts_and_write_them_to_files(world: Settings, tmp_path: Path) -> None:
    assert Impact.model_validate_json(command(world, "impact", "landing.reviews.score", "--format", "json")).versions
    found = Lineage.model_validate_json(command(world, "lineage", "eta@2", "--format", "json"))
    assert found == lineage_of("eta@2", world)
    out = tmp_path / "chart.mmd"
    assert command(world, "lineage", "eta", "--format", "mermaid", "--depth", "3", "--out", str(out)) == ""
    assert out.read_text(encoding="utf-8").startswith("flowchart LR\n")
    shallow, deep = (command(world, "lineage", "eta", "--depth", depth).count("\n") for depth in ("2", "9"))
    assert shallow < 25 < 100 < deep


def test_an_unknown_version_and_an_unknown_column_are_refused(world: Settings) -> None:
    with pytest.raises(NotFoundError, match="no version eta@9"):
        command(world, "lineage", "eta@9")
    with pytest.raises(NotFoundError, match=r"did you mean landing\.reviews\.score"):
        command(world, "impact", "landing.reviews.scor")


def test_of_many_versions_the_living_and_the_newest_are_read_and_the_rest_is_said(world: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "LOOKED_AT", 0)
    found = impact("landing.reviews.score", world)
    assert ([each.reference for each in found.versions], found.others) == (["eta@2"], {})
    assert "1 older versions without an alias were not looked at" in found.notes


def test_what_was_kept_for_something_else_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "lineage" / "columns.json"
    assert world_graph.kept(path, "a") is None
    world_graph.keep(path, "a", {"x": 1})
    assert (world_graph.kept(path, "a"), world_graph.kept(path, "b")) == ({"x": 1}, None)
    path.write_text("[", encoding="utf-8")
    assert world_graph.kept(path, "a") is None
