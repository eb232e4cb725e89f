"""The declared catalogue: finding things by name and by words, where the workspace names them, and the steps that remove them."""

from pathlib import Path
from typing import Any

import pytest

from tradewind_contracts.errors import NotFoundError, StateError
from tradewind_lifecycle.catalogue.declared import Catalogue, catalogue_of, read_catalogue
from tradewind_lifecycle.catalogue.mentions import declaration, mentions, named_in_code, schema_entry
from tradewind_lifecycle.catalogue.models import ModelVersion
from tradewind_lifecycle.catalogue.origins import origins, shared_conditions, tables_between
from tradewind_lifecycle.catalogue.searching import search
from tradewind_lifecycle.catalogue.unused import removals, unused_features, unused_views
from tradewind_lifecycle.lineage import ColumnGraph, Use

GRAPH = ColumnGraph(
    {
        "features.ftr_shop__stars_9d.stars_mean": {"landing.reviews.stars": Use.VALUE, "landing.reviews.*": Use.CONDITION, "landing.orders.shop_id": Use.CONDITION, "landing.orders.at": Use.ROWS},
        "features.ftr_shop__stars_9d.stars_count": {"landing.reviews.*": Use.CONDITION, "landing.reviews.stars": Use.CONDITION, "landing.orders.shop_id": Use.CONDITION},
        "features.ftr_shop__place.lat": {"marts.dim_shops.lat": Use.VALUE},
        "marts.dim_shops.lat": {"landing.shops.lat": Use.VALUE},
        "features.ask.near": {"features.ftr_shop__place.lat": Use.VALUE, "request.question.here": Use.VALUE},
    }
)  # fmt: skip


def view(name: str, model: str, entity: str, *columns: tuple[str, str], ttl: float = 72.0) -> dict[str, Any]:
    return {
        "name": name, "model": model, "entity": entity, "join_key": f"{entity}_id", "ttl_hours": ttl, "description": f"About {entity}s.",
        "owner": "commerce", "tags": {"model": model}, "columns": [{"name": n, "type": "Float64", "description": text} for n, text in columns],
    }  # fmt: skip


MANIFEST: dict[str, Any] = {
    "views": [
        view("shop_stars_9d", "ftr_shop__stars_9d", "shop", ("stars_mean", "Mean review."), ("stars_count", "Reviews."), ("stars_fresh", "Not built yet.")),
        view("shop_place", "ftr_shop__place", "shop", ("lat", "Latitude."), ttl=0.0),
        view("town_rain_1d", "ftr_town__rain_1d", "town", ("rain", "Rain of a day.")),
    ],
    "on_demand_views": [
        {"name": "ask", "description": "Of a question.", "owner": "commerce", "tags": {}, "inputs": ["shop_place"], "request": [{"name": "here"}], "columns": [{"name": "near", "type": "Float64", "description": "How near."}]}
    ],
    "services": [
        {"name": "ranking_v1", "description": "Ranks.", "owner": "commerce", "tags": {"family": "ranking"}, "views": ["shop_stars_9d", "ask"], "features": ["shop_stars_9d:stars_mean"]}
    ],
}  # fmt: skip
MODELS = {"ftr_town__rain_1d": {"description": "One row per town and day.", "path": "dbt/models/features/ftr_town__rain_1d.sql"}}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small workspace that names the views in all the usual places."""
    root = tmp_path_factory.mktemp("workspace")
    files = {
        "feature_repo/towns.py": 'from x import view\n\ntown_rain_1d = view(\n    "ftr_town__rain_1d",\n    {"rain": ("double", "Rain.")},\n)\n\nVIEWS = [town_rain_1d]\n',
        "feature_repo/asking.py": "import x\n\n\n@x.on_demand(\n    near=1,\n)\ndef ask(inputs):\n    return inputs\n",
        "feature_repo/services.py": 'services = ["shop_stars_9d"]\n',
        "feature_repo/store.yaml": "registry: {\n",
        "dbt/models/features/ftr_town__rain_1d.sql": "-- of a town\nselect 1 as rain\n",
        "dbt/models/features/_town__models.yml": "models:\n  - name: ftr_town__other\n    columns: [rain]\n  - name: ftr_town__rain_1d\n    columns:\n      - name: rain\n",
        "dbt/models/exposures.yml": "- ref('ftr_town__rain_1d')\n",
        "packages/p/src/p/code.py": 'COLUMN = "shop_stars_9d__stars_count"\n',
        "packages/p/tests/test_it.py": 'COLUMN = "town_rain_1d__rain"\n',
        "docs/catalogue/page.md": "town_rain_1d\n",
        "docs/guide.md": "not_town_rain_1d town_rain_1dx\n",
        "services/ranking/service.py": "",
        "tests/unit/test_towns.py": 'name = "town_rain_1d"\n',
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture(scope="module")
def catalogue(workspace: Path) -> Catalogue:
    return catalogue_of(MANIFEST, GRAPH, MODELS, workspace)


def version(number: int, *columns: str, aliases: tuple[str, ...] = ("champion",)) -> ModelVersion:
    return ModelVersion(f"ranking@{number}", "w", aliases, "ranking_v1", dict.fromkeys(columns, 0.5), {"shop_stars_9d": "d"})


def test_views_and_features_are_found_by_each_of_their_names(catalogue: Catalogue) -> None:
    assert catalogue.find("shop_place")[0].name == "shop_place"
    for reference in ("shop_stars_9d:stars_mean", "shop_stars_9d__stars_mean", "stars_mean"):
        found, feature = catalogue.find(reference)
        assert (found.name, feature.name if feature else None) == ("shop_stars_9d", "stars_mean")


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("shop_satrs", r"did you mean shop_stars_9d"),
        ("star_mean", r"did you mean shop_stars_9d:stars_mean"),
        (
            "shop_place:lng",
            r"view shop_place has no feature 'lng'; did you mean lat\?|view shop_place has no feature 'lng' \(there are: lat\)",
        ),
        ("zzz", r"no feature view or feature 'zzz' \(there are: shop_stars_9d, shop_place, town_rain_1d, ask\)"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is_near(catalogue: Catalogue, said: str, answer: str) -> None:
    with pytest.raises(NotFoundError, match=answer):
        catalogue.find(said)


def test_a_feature_name_that_two_views_have_asks_which(workspace: Path) -> None:
    twice = MANIFEST | {"views": [*MANIFEST["views"], view("shop_other", "ftr_shop__other", "shop", ("lat", "Latitude."))]}
    with pytest.raises(NotFoundError, match="'lat' is a feature of several views; say which: shop_place:lat, shop_other:lat"):
        catalogue_of(twice, GRAPH, {}, workspace).find("lat")


def test_origins_say_how_each_landing_column_is_used(catalogue: Catalogue) -> None:
    found = origins(catalogue, *named(catalogue, "shop_stars_9d:stars_mean"))
    assert found is not None
    assert (found.values, found.conditions, found.rows, found.counted) == (
        ("reviews.stars",),
        ("orders.shop_id",),
        ("orders.at",),
        ("reviews",),
    )
    count = origins(catalogue, *named(catalogue, "stars_count"))
    assert count is not None
    assert count.made_of == "rows of reviews"
    near = origins(catalogue, *named(catalogue, "ask:near"))
    assert near is not None
    assert near.values == ("shops.lat", "request.here")
    assert origins(catalogue, *named(catalogue, "stars_fresh")) is None
    assert shared_conditions(catalogue, catalogue.view("shop_stars_9d")) == ("orders.shop_id",)
    assert tables_between(catalogue, catalogue.view("ask")) == {
        "landing": ("shops",), "request": ("question",), "marts": ("dim_shops",), "features": ("ftr_shop__place",),
    }  # fmt: skip


def named(catalogue: Catalogue, reference: str) -> Any:
    return catalogue.find(reference)


@pytest.mark.parametrize(
    ("words", "first", "places"),
    [
        ("stars mean", "shop_stars_9d:stars_mean", ("name",)),
        ("MEAN Stars", "shop_stars_9d:stars_mean", ("name",)),
        ("rain", "town_rain_1d:rain", ("name",)),
        ("town", "town_rain_1d", ("name",)),
        ("latitude", "shop_place:lat", ("meaning",)),
        ("shops.lat near", "ask:near", ("made of", "name")),
        ("sahp", None, ()),
        ("revews", "shop_stars_9d:stars_count", ("meaning",)),
        ("commerce rain", "town_rain_1d", ("owner", "name")),
        ("", None, ()),
        ("rain stars", None, ()),
    ],
)
def test_a_search_finds_what_has_all_words_the_name_before_the_rest(
    catalogue: Catalogue, words: str, first: str | None, places: tuple[str, ...]
) -> None:
    found = search(catalogue, words)
    assert (found[0].reference if found else None) == first
    assert not found or found[0].places == places


def test_the_places_that_name_a_view_are_found_and_generated_ones_left_out(catalogue: Catalogue, workspace: Path) -> None:
    rain = catalogue.view("town_rain_1d")
    assert str(declaration(rain, workspace)) == "feature_repo/towns.py:3-6"
    assert str(declaration(catalogue.view("ask"), workspace)) == "feature_repo/asking.py:4-8"
    assert str(schema_entry(rain, workspace)) == "dbt/models/features/_town__models.yml:4-6"
    assert declaration(catalogue.view("shop_place"), workspace) is None
    found = [str(each) for each in mentions({"town_rain_1d"}, workspace)]
    assert found == ["feature_repo/towns.py:3", "feature_repo/towns.py:8", "packages/p/tests/test_it.py:1", "tests/unit/test_towns.py:1"]
    assert [str(each) for each in named_in_code(named(catalogue, "stars_count")[1], workspace)] == ["packages/p/src/p/code.py:1"]
    assert named_in_code(named(catalogue, "rain")[1], workspace) == [], "tests are no use of it"


def test_a_view_that_no_service_takes_is_unused_and_the_steps_name_each_place(catalogue: Catalogue, workspace: Path) -> None:
    (found,) = removals(catalogue, [], workspace)
    assert (found.name, found.needed_by) == ("town_rain_1d", ())
    places = [place for step in found.steps for place in step.where]
    assert places == [
        "feature_repo/towns.py:3-6",
        "dbt/models/features/ftr_town__rain_1d.sql",
        "dbt/models/features/_town__models.yml:4-6",
        "dbt/models/exposures.yml:1",
        "packages/p/tests/test_it.py:1",
        "tests/unit/test_towns.py:1",
    ]


def test_a_view_is_used_by_what_is_made_of_it_and_by_code_and_by_living_models_only(catalogue: Catalogue, workspace: Path) -> None:
    def unused(*versions: ModelVersion) -> list[str]:
        return [found.name for found in unused_views(catalogue, versions, workspace)]

    assert unused(version(1, "shop_stars_9d__stars_mean")) == ["town_rain_1d"]
    # Nobody reads ranking_v1 any more: only what code names stays.
    assert unused(version(1, aliases=())) == ["shop_place", "town_rain_1d", "ask"]


def test_a_feature_that_no_living_model_takes_is_unused_with_its_lines(catalogue: Catalogue, workspace: Path) -> None:
    versions = [version(1, "ask__near"), version(0, "shop_stars_9d__stars_mean", aliases=())]
    assert [feature.reference for feature in unused_features(catalogue, versions, workspace)] == [
        "shop_stars_9d:stars_mean", "shop_stars_9d:stars_fresh",
    ]  # fmt: skip
    found = [each for each in removals(catalogue, versions, workspace) if ":" in each.name]
    assert [each.name for each in found] == ["shop_stars_9d:stars_mean", "shop_stars_9d:stars_fresh"]
    assert found[0].needed_by == ("ranking@1 (champion of w)",)
    assert "no living model takes it (ranking@1)" in found[0].why


def test_a_generated_file_that_is_absent_or_torn_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"column_lineage\.json: the generated file can't be read .*`make docs` writes it anew"):
        read_catalogue(tmp_path)
