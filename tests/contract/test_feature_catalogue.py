"""The generated catalogue: fresh, whole, its links valid; and the lineage that it is made of, held to what was worked out by hand."""

import json
import re
from pathlib import Path

import pytest

from tradewind_lifecycle.catalogue import Catalogue, generating, read_catalogue
from tradewind_lifecycle.catalogue.pages import FOLDER, INDEX
from tradewind_lifecycle.lineage import LANDING, REQUEST, Use

STALE = "stale: run `make docs`"


@pytest.fixture(scope="module")
def written() -> dict[Path, str]:
    """What `make docs` would write now."""
    return generating.generated()


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue()


def test_every_page_and_the_lineage_are_what_would_be_generated_now(written: dict[Path, str], root: Path) -> None:
    there = {path.relative_to(root) for path in (root / FOLDER).iterdir()}
    assert there == set(written), STALE
    different = [path.as_posix() for path, text in written.items() if (root / path).read_text(encoding="utf-8") != text]
    assert not different, STALE


def test_every_view_has_a_page_that_the_index_leads_to(catalogue: Catalogue, root: Path) -> None:
    index = (root / FOLDER / INDEX).read_text(encoding="utf-8")
    for view in catalogue.views:
        assert f"]({view.name}.md)" in index
        page = (root / FOLDER / f"{view.name}.md").read_text(encoding="utf-8")
        assert view.description in page
        for feature in view.features:
            assert re.search(rf"^\| `{feature.name}` \| {feature.type} \| {re.escape(feature.description)} \|", page, re.MULTILINE)


def test_links_of_the_pages_lead_somewhere(root: Path) -> None:
    for page in (root / FOLDER).glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).resolve().exists(), f"{page.name}: {target}"


def test_each_feature_is_made_of_something_that_landed_or_that_the_caller_says(catalogue: Catalogue) -> None:
    for view in catalogue.views:
        for feature in view.features:
            sources = catalogue.sources(view, feature)
            assert sources, feature.reference
            assert {name.split(".")[0] for name in sources} <= ({LANDING, REQUEST} if view.is_on_demand else {LANDING}), feature.reference
            assert any(use is not Use.ROWS for use in sources.values()), feature.reference


def columns(catalogue: Catalogue, reference: str, use: Use) -> str:
    view, feature = catalogue.find(reference)
    assert feature is not None
    sources = catalogue.sources(view, feature) or {}
    return " ".join(name.removeprefix("landing.") for name, how in sources.items() if how is use)


def test_a_mean_of_scores_is_made_of_scores_and_chosen_by_answers_of_the_merchants_parcels(catalogue: Catalogue) -> None:
    name = "merchant_reviews_180d:review_score_mean_180d"
    assert columns(catalogue, name, Use.VALUE) == "reviews.score"
    assert columns(catalogue, name, Use.CONDITION) == (
        "parcels.* parcels.merchant_id parcels.order_id parcels.ordered_at reviews.* reviews.answered_at reviews.order_id"
    )
    # On which days there is a row at all goes by the days that the parcels' milestones cover.
    assert columns(catalogue, name, Use.ROWS) == (
        "parcels.approved_at parcels.cancelled_at parcels.delivered_at parcels.handed_over_at parcels.returned_at"
    )


def test_a_share_of_late_hand_overs_compares_two_instants_that_are_judged_once_approved(catalogue: Catalogue) -> None:
    name = "merchant_handling_90d:late_hand_over_share_90d"
    assert columns(catalogue, name, Use.VALUE) == "parcels.handed_over_at parcels.ship_by_at"
    assert columns(catalogue, name, Use.CONDITION) == "parcels.* parcels.approved_at parcels.merchant_id parcels.parcel_id"


def test_a_share_of_late_deliveries_is_made_of_promise_and_delivery(catalogue: Catalogue) -> None:
    for name in ("network_flow_7d:late_share_7d", "destination_state_flow_7d:late_share_7d", "state_lane_transit_90d:late_share_90d"):
        assert columns(catalogue, name, Use.VALUE) == "parcels.delivered_at parcels.promised_at"


def test_a_count_is_made_of_no_column_and_chosen_by_what_happened_to_the_parcels(catalogue: Catalogue) -> None:
    name = "network_flow_7d:parcels_handed_over_count_7d"
    assert columns(catalogue, name, Use.VALUE) == ""
    assert columns(catalogue, name, Use.CONDITION) == "parcels.* parcels.handed_over_at"


def test_where_a_merchant_is_comes_from_the_directory_by_its_postal_area(catalogue: Catalogue) -> None:
    assert columns(catalogue, "merchant_profile:lat", Use.VALUE) == "postal_areas.lat"
    assert (
        columns(catalogue, "merchant_profile:lat", Use.CONDITION) == "merchants.postal_area_id postal_areas.* postal_areas.postal_area_id"
    )
    assert columns(catalogue, "merchant_profile:lat", Use.ROWS) == "merchants.* merchants.first_seen_at"


def test_what_is_asked_at_request_time_is_made_of_both_places_or_of_what_the_caller_says(catalogue: Catalogue) -> None:
    assert columns(catalogue, "parcel_request:distance_km", Use.VALUE) == "postal_areas.lat postal_areas.lng"
    assert columns(catalogue, "parcel_request:is_same_state", Use.VALUE) == "merchants.state postal_areas.state"
    assert columns(catalogue, "parcel_request:ordered_local_hour", Use.VALUE) == "request.parcel.ordered_at request.parcel.zone"
    assert columns(catalogue, "parcel_request:freight_price_log_ratio", Use.VALUE) == "request.parcel.freight request.parcel.price"


def test_downstream_of_a_column_stand_just_the_features_that_have_it_upstream(catalogue: Catalogue) -> None:
    graph = catalogue.lineage
    for column in ("landing.parcels.promised_at", "landing.reviews.score", "landing.products.category"):
        below = {name for name in graph.downstream(column) if name.startswith("features.")}
        above = {name for name in graph.nodes if name.startswith("features.") and column in graph.upstream(name)}
        assert below == above != set()


def test_the_lineage_in_the_repository_reads_back_as_it_was_written(written: dict[Path, str], catalogue: Catalogue, root: Path) -> None:
    text = next(text for path, text in written.items() if path.suffix == ".json")
    assert json.loads(text)["tables"] == catalogue.lineage.to_json()
