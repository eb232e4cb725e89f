"""Impact and lineage over the declared workspace: sound both ways, reached by a way that holds, and named as a person names things."""

import itertools
import re
from collections.abc import Iterable

import pytest

from tradewind_contracts.errors import NotFoundError
from tradewind_lifecycle.catalogue import read_catalogue
from tradewind_lifecycle.lineage import ROWS, ColumnGraph, Use
from tradewind_lifecycle.lineage.consumers import Consumer
from tradewind_lifecycle.lineage.definitions import RegisteredViews
from tradewind_lifecycle.lineage.impact import LABEL_TABLE, OUTCOMES, impact_of
from tradewind_lifecycle.lineage.mermaid import escaped, flowchart, impact_chart, lineage_chart
from tradewind_lifecycle.lineage.names import asked
from tradewind_lifecycle.lineage.noticed import Impact
from tradewind_lifecycle.lineage.things import Lineage, Link, Thing
from tradewind_lifecycle.lineage.tree import tree
from tradewind_lifecycle.lineage.ways import downstream, upstream
from tradewind_lifecycle.lineage.world_graph import WorldGraph

CATALOGUE = read_catalogue()
WORLD = WorldGraph(CATALOGUE, CATALOGUE.lineage, "as generated")
LANDED = [node for node in CATALOGUE.lineage.nodes if node.startswith("landing.")]
VIEWS = {view.name: "d" * 64 for view in CATALOGUE.views if "eta_v1" in view.services}


def version(number: int, *aliases: str, world: str = "olist", views: dict[str, str] | None = None, **importance: float) -> Consumer:
    return Consumer(f"eta@{number}", "eta", world, aliases, "eta_v1", f"{number}" * 64, importance, VIEWS if views is None else views)


def impact(name: str, *versions: Consumer, registered: RegisteredViews | None = None) -> Impact:
    fields = [field for each in versions for field in each.fields]
    return impact_of(asked(name, CATALOGUE, CATALOGUE.lineage, fields), WORLD, versions, registered, "olist")


def test_a_landing_column_impacts_a_feature_just_where_the_features_sources_hold_it() -> None:
    sources = {feature.reference: CATALOGUE.sources(view, feature) or {} for view in CATALOGUE.views for feature in view.features}
    assert len(LANDED) > 200
    for column in LANDED:
        found = {feature.name: feature.how for view in impact(column).views for feature in view.features}
        expected = {reference: made[column].name.lower() for reference, made in sources.items() if column in made}
        assert found == expected, column


def test_each_way_is_made_of_steps_that_are_there_and_is_as_strong_as_it_is_said() -> None:
    graph = CATALOGUE.lineage
    for column in LANDED[::7]:
        ways = downstream(graph, [column])
        assert dict(ways.uses) == graph.downstream(column)
        for node, use in ways.uses.items():
            way = ways.way(node)
            assert (way[0], way[-1]) == (column, node)
            assert min(graph.inputs[after][before] for before, after in itertools.pairwise(way)) == use


def test_upstream_reaches_what_the_graph_reaches() -> None:
    node = "features.ftr_merchant__reviews_180d.review_score_mean_180d"
    assert dict(upstream(CATALOGUE.lineage, [node]).uses) == CATALOGUE.lineage.upstream(node)


def test_the_strongest_of_several_ways_counts_and_the_shortest_of_those_is_shown() -> None:
    graph = ColumnGraph(
        {
            "b.t.x": {"a.t.x": Use.VALUE},
            "c.t.x": {"b.t.x": Use.VALUE, "a.t.x": Use.ROWS},
            "d.t.x": {"c.t.x": Use.CONDITION, "a.t.x": Use.ROWS},
        }
    )
    ways = downstream(graph, ["a.t.x"])
    assert (ways.uses["c.t.x"], ways.way("c.t.x")) == (Use.VALUE, ("a.t.x", "b.t.x", "c.t.x"))
    assert (ways.uses["d.t.x"], ways.way("d.t.x")) == (Use.CONDITION, ("a.t.x", "b.t.x", "c.t.x", "d.t.x"))


def test_the_outcome_reaches_the_label_and_through_it_every_version() -> None:
    found = impact("landing.parcels.delivered_at", version(2, "champion"), version(1), version(3, "champion", world="simulator"))
    assert [each.reference for each in found.versions] == ["eta@2", "eta@3"], "the world's own first"
    assert {each.column: each.how for each in found.versions[0].label}["outcome_at"] == "value"
    assert found.others == {"olist": 1}
    assert found.training_sets == {"olist": ("2" * 64, "1" * 64), "simulator": ("3" * 64,)}
    assert [(each.name, each.version) for each in found.services] == [("eta", "eta@2")]
    assert [each.name for each in found.nightly] == ["scores/eta_nightly"]


def test_a_feature_without_importance_is_impact_and_its_importance_is_said() -> None:
    known = version(1, "champion", merchant_reviews_180d__review_score_mean_180d=0.0)
    features = {each.column: each.importance for each in impact("landing.reviews.score", known).versions[0].features}
    assert features == {"merchant_reviews_180d__review_score_mean_180d": 0.0, "merchant_reviews_180d__reviews_count_180d": None}


def test_a_field_of_the_request_is_impact_for_the_models_that_take_it_as_it_is() -> None:
    found = impact("request.weight_g", version(1, "champion", weight_g=0.25), version(2, "challenger", price=0.5))
    assert [(each.reference, each.features[0].column, each.features[0].importance) for each in found.versions] == [
        ("eta@1", "weight_g", 0.25)
    ]
    price = impact("request.price", version(2, "challenger", price=0.5))
    assert [view.name for view in price.views] == ["parcel_request"]
    assert {each.column for each in price.versions[0].features} == {"price", "parcel_request__freight_price_log_ratio"}


def test_training_asks_with_the_labels_rows_so_that_their_columns_reach_what_is_computed_of_a_request() -> None:
    found = impact(f"{LABEL_TABLE}.price", version(1, "champion", price=0.5, parcel_request__freight_price_log_ratio=0.1))
    assert {each.column for each in found.versions[0].features} == {"price", "parcel_request__freight_price_log_ratio"}
    assert found.views == (), "no row that is served comes from there"


def test_a_version_of_another_definition_is_named_with_it() -> None:
    other = VIEWS | {"merchant_reviews_180d": "0" * 64, "merchant_profile": "1" * 64}
    registered = RegisteredViews({**VIEWS, "merchant_reviews_180d_v1": "0" * 64}, {})
    found = impact("landing.reviews.score", version(1, "champion", views=other), registered=registered)
    assert found.versions[0].other_definitions == {"merchant_profile": "", "merchant_reviews_180d": "merchant_reviews_180d_v1"}
    assert (
        "eta@1 was trained on other definitions of merchant_profile (not kept), merchant_reviews_180d (merchant_reviews_180d_v1)"
        in found.notes[0]
    )
    assert impact("landing.reviews.score", version(1, "champion"), registered=registered).notes == ()


def test_what_nothing_is_made_of_says_where_its_namesakes_are() -> None:
    found = impact("landing.orders.promised_at", version(1, "champion"))
    assert (found.views, found.versions) == ((), ())
    assert "landing.parcels.promised_at has the same name" in found.notes[0]


def test_outcomes_are_the_columns_that_a_cut_of_the_labels_changes() -> None:
    import datetime as dt

    import pyarrow as pa

    from tradewind_lifecycle.labels import known_at

    at = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    stamps = pa.array([at + dt.timedelta(days=9)], pa.timestamp("us", "UTC"))
    columns = {node.rpartition(".")[2]: stamps for node in CATALOGUE.lineage.columns_of(LABEL_TABLE)}
    before = pa.table({**columns, "event_timestamp": pa.array([at], stamps.type), "duration_days": [9.0]})
    after = known_at(before, at + dt.timedelta(days=1))
    assert tuple(name for name in OUTCOMES) == tuple(name for name in before.column_names if before[name] != after[name])


@pytest.mark.parametrize(
    ("name", "whole", "kind"),
    [
        ("landing.orders.promised_at", "landing.orders.promised_at", "column"),
        ("parcels.promised_at", "landing.parcels.promised_at", "column"),
        ("fct_parcels.is_late", "marts.fct_parcels.is_late", "column"),
        ("landing.orders", "landing.orders", "table"),
        (f"landing.orders.{ROWS}", f"landing.orders.{ROWS}", "rows"),
        ("merchant_profile", "merchant_profile", "feature view"),
        ("merchant_profile:state", "merchant_profile:state", "feature"),
        ("merchant_profile__state", "merchant_profile:state", "feature"),
        ("ftr_merchant__profile", "features.ftr_merchant__profile", "table"),
        ("request.price", "request.price", "field of a request"),
        (" Landing.Orders ", "landing.orders", "table"),
    ],
)  # fmt: skip
def test_things_are_called_as_people_call_them(name: str, whole: str, kind: str) -> None:
    found = asked(name, CATALOGUE, CATALOGUE.lineage)
    assert (found.name, found.kind) == (whole, kind)
    assert found.columns


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("landing.orders.promissed_at", "did you mean landing.orders.promised_at"),
        ("landing.order", "did you mean landing.orders"),
        ("merchant_profil", "did you mean merchant_profile"),
        ("merchant_profile:stat", "did you mean merchant_profile:state"),
        ("price", "may be several; say which"),
        ("request.colour", "nothing is called"),
        ("", "nothing is called"),
        ("qqqqqqqq", "search"),
    ],
)
def test_an_unknown_name_says_what_is_near(name: str, said: str) -> None:
    with pytest.raises(NotFoundError, match=re.escape(said)):
        asked(name, CATALOGUE, CATALOGUE.lineage)


def test_an_impact_goes_to_json_and_back() -> None:
    found = impact("landing.parcels.delivered_at", version(2, "champion", freight=0.5), version(1))
    assert Impact.model_validate_json(found.model_dump_json()) == found


LINE = re.compile(r'^(flowchart LR|    %% [^\n]*|    n\d+\["[^"<>`\\\n]*"\]|    n\d+ (-->|-\.->)(\|(condition|rows)\|)? n\d+)$')


def assert_is_a_chart(text: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The part of Mermaid's grammar that we write, strictly: its nodes and arrows."""
    lines = text.removesuffix("\n").split("\n")
    assert lines[0] == "flowchart LR"
    assert [line for line in lines if not LINE.match(line)] == []
    nodes = [line.strip().partition("[")[0] for line in lines if '["' in line and "    %%" not in line]
    arrows = [(line.split()[0], line.split()[-1]) for line in lines if "->" in line and "%%" not in line and '["' not in line]
    assert len(set(nodes)) == len(nodes)
    assert {end for arrow in arrows for end in arrow} <= set(nodes)
    return nodes, arrows


def test_the_chart_of_an_impact_leads_from_the_column_to_the_service() -> None:
    nodes, arrows = assert_is_a_chart(impact_chart(impact("landing.reviews.score", version(1, "champion"))))
    ahead, reached = ["n0"], {"n0"}
    while ahead:
        ahead = [after for before, after in arrows if before == ahead[0] and after not in reached] + ahead[1:]
        reached |= set(ahead)
    assert reached == set(nodes)


def test_no_name_breaks_a_chart() -> None:
    names = ['a"]; click x', "b --> c", "<script>", "`c`", "d#quot;", "e\nf", "end", "%% g", "h|i|", "\\"]
    nodes, arrows = assert_is_a_chart(flowchart({name: name for name in names}, [(names[0], names[1], "rows")], "two\nlines"))
    assert (len(nodes), arrows) == (len(names), [("n0", "n1")])
    assert escaped('"') == "#quot;"


def chain(length: int) -> Lineage:
    """A version of one column that is made of another, and so on, down to a landing table and its file."""
    names = ["version:v", *(f"column:c{number}" for number in range(length)), "landing_table:landing.t", "landed_file:t.parquet"]
    kinds = ["version", *["column"] * length, "landing table", "landed file"]
    things = [Thing(id=name, kind=kind, name=name.partition(":")[2]) for name, kind in zip(names, kinds, strict=True)]
    links = [
        Link(source=source, target=target, how="condition" if target == "column:c1" else None)
        for target, source in itertools.pairwise(names)
    ]
    return Lineage(
        root="version:v",
        world="w",
        things=(*things, Thing(id="alias:a", kind="alias", name="a")),
        links=(*links, Link(source="version:v", target="alias:a")),
        said="made up",
    )


def ids(things: Iterable[Thing]) -> set[str]:
    return {thing.id for thing in things}


def test_a_folded_lineage_ends_with_the_landing_tables_and_how_they_are_used() -> None:
    whole = chain(6)
    folded = whole.folded(2)
    assert ids(folded.things) == {"version:v", "column:c0", "column:c1", "landing_table:landing.t", "landed_file:t.parquet", "alias:a"}
    assert Link(source="landing_table:landing.t", target="column:c1", how="condition") in folded.links
    assert whole.folded(99).links == whole.links
    assert len(assert_is_a_chart(lineage_chart(folded))[0]) == 6


def test_a_tree_says_what_it_folds_and_who_follows() -> None:
    said = tree(chain(6), 2)
    assert "… 1 column ← condition of t" in said
    assert "└─ alias a" in said
    assert "t.parquet" in tree(chain(6), 9)
    assert "t.parquet" not in said


def test_a_lineage_goes_to_json_and_back() -> None:
    assert Lineage.model_validate_json(chain(3).model_dump_json()) == chain(3)
