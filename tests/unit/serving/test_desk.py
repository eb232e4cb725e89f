"""From a request to an answer: the vector in the contract's terms, what was missing, the dates."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import serving_world
from serving_world import CONTRACT, NOW, PlainPredictor

from tradewind_contracts.bundle import FeatureField
from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.settings import Settings
from tradewind_features.online.reader import OnlineReader
from tradewind_features.transforms import haversine_km
from tradewind_serving.answering import EtaDesk
from tradewind_serving.answers import EtaAnswer, ServedVersion
from tradewind_serving.following import Follower
from tradewind_serving.proving import Sealed, Served
from tradewind_serving.questions import EtaRequest
from tradewind_serving.refusals import RequestRefusedError
from tradewind_serving.vector import Vectorizer

ORDERED = NOW + dt.timedelta(hours=10)


class Desk:
    """A desk over the small world, with a predictor whose input a test can look at."""

    def __init__(self, settings: Settings, source: str = "registry") -> None:
        self.predictor = PlainPredictor()
        self.vectorizer = Vectorizer(OnlineReader(settings.paths.online_store), "America/Sao_Paulo")
        version = ServedVersion(name="eta", number=3, digest="c" * 64, source=source)  # type: ignore[arg-type]

        def out_of_reach() -> Any:
            from tradewind_contracts.errors import StateError

            raise StateError("no registry")

        follower = Follower(
            "eta@champion", out_of_reach, lambda _, sealed: Served(sealed.version, self.predictor), (Path(), Sealed(version))
        )
        follower.start()
        world = serving_world.write_world(settings)
        self.desk = EtaDesk(settings.paths.world_file, world, follower, self.vectorizer)

    def ask(self, *changes: dict[str, Any]) -> list[EtaAnswer]:
        return self.desk.answer([request(**change) for change in changes])


def request(**changes: Any) -> EtaRequest:
    known: dict[str, Any] = {
        "merchant_id": "m1",
        "destination_postal_code": "22250-040",
        "weight_g": 700,
        "volume_cm3": 900,
        "category": "toys",
        "price": 59.9,
        "freight": 12.5,
        "ordered_at": ORDERED,
    }
    return EtaRequest(**(known | changes))


def kinds(answer: EtaAnswer) -> list[str]:
    return [fallback.kind.value for fallback in answer.fallbacks]


@pytest.fixture
def desk(own_settings: Settings) -> Desk:
    serving_world.write_online_store(own_settings.paths.online_store)
    return Desk(own_settings)


def test_a_known_parcel_is_answered_without_fallbacks(desk: Desk) -> None:
    [answer] = desk.ask({})
    assert answer.fallbacks == []
    assert (answer.model.name, answer.model.number, answer.model.source) == ("eta", 3, "registry")
    days = 130 / 24
    assert [getattr(answer.estimates, name).days for name in ("p10", "p50", "p90")] == pytest.approx([days / 2, days, days * 2])
    assert answer.estimates.p50.at == (ORDERED + dt.timedelta(days=days)).replace(microsecond=0)
    assert answer.feature_ages["state_lane_transit_90d"].hours == 13.0
    assert set(answer.feature_ages) == {
        "category_handling_90d",
        "merchant_handling_30d",
        "state_lane_transit_90d",
        "network_flow_7d",
        "postal_area_location",
    }


def test_the_vector_has_what_the_contract_lists_and_nothing_else(desk: Desk) -> None:
    desk.ask({}, {"merchant_id": "m2", "destination_postal_code": "69005"})
    [columns] = desk.predictor.asked
    assert set(columns) == {feature.column for feature in CONTRACT.features}
    assert columns["price"].tolist() == [59.9, 59.9]
    assert columns["state_lane_transit_90d__transit_hours_mean_90d"].tolist() == [100.0, 400.0]
    assert columns["postal_area_location__state"].tolist() == ["RJ", "AM"]
    assert columns["parcel_request__ordered_local_hour"].tolist() == [10.0, 10.0]
    expected = [haversine_km(-23.56, -46.65, -22.94, -43.18), haversine_km(-22.90, -47.06, -3.13, -60.02)]
    assert columns["parcel_request__distance_km"] == pytest.approx(expected)


def test_one_by_one_and_together_give_the_same_answers(desk: Desk) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"merchant_id": "nobody"},
        {"destination_postal_code": "99999"},
        {"origin_postal_code": "13010"},
        {"ordered_at": NOW - dt.timedelta(days=40)},
        {"ordered_at": NOW + dt.timedelta(hours=36), "category": "boats"},
    ]
    together = desk.ask(*changes)
    alone = [desk.ask(change)[0] for change in changes]
    assert [a.model_dump(exclude={"decision_id"}) for a in together] == [a.model_dump(exclude={"decision_id"}) for a in alone]
    assert len({a.decision_id for a in together + alone}) == 2 * len(changes)


def test_an_unknown_merchant_falls_back_and_says_so(desk: Desk) -> None:
    [answer] = desk.ask({"merchant_id": "nobody"})
    assert kinds(answer) == ["unknown_merchant", "view_absent", "view_absent"]
    assert answer.estimates.p50.days == 10.0
    assert answer.feature_ages["merchant_handling_30d"].reason == "absent"
    assert answer.feature_ages["state_lane_transit_90d"].reason == "no key: a place or the category is unknown"
    [columns] = desk.predictor.asked
    assert np.isnan(columns["parcel_request__distance_km"][0])


def test_an_unknown_merchant_with_an_origin_still_has_its_lane(desk: Desk) -> None:
    [answer] = desk.ask({"merchant_id": "nobody", "origin_postal_code": "13010-000"})
    assert kinds(answer) == ["unknown_merchant", "view_absent"]
    assert answer.feature_ages["state_lane_transit_90d"].hours == 13.0


def test_an_unknown_area_falls_back_and_says_so(desk: Desk) -> None:
    [answer] = desk.ask({"destination_postal_code": "99999"})
    assert kinds(answer)[0] == "unknown_area"
    assert "99999" in answer.fallbacks[0].detail
    assert kinds(desk.ask({"origin_postal_code": "88888"})[0])[0] == "unknown_area"


def test_what_was_not_sent_or_never_learnt_is_said(desk: Desk) -> None:
    assert kinds(desk.ask({"category": None})[0]) == ["no_category"]
    never_learnt, never_seen = desk.ask({"category": "boats"})[0].fallbacks
    assert (never_learnt.kind, never_seen.kind) == ("unknown_category", "unknown_category")
    assert "category_handling_90d" in never_seen.detail
    assert kinds(desk.ask({"volume_cm3": None})[0]) == ["no_volume"]


def test_expired_views_are_nan_and_said(own_settings: Settings) -> None:
    serving_world.write_online_store(own_settings.paths.online_store, stamped=NOW - dt.timedelta(days=10))
    desk = Desk(own_settings)
    [answer] = desk.ask({})
    assert kinds(answer) == ["view_expired"] * 4
    assert answer.feature_ages["network_flow_7d"].reason == "expired"
    [columns] = desk.predictor.asked
    assert np.isnan(columns["network_flow_7d__ordered_count_7d"][0])


def test_within_a_batch_each_order_has_its_own_expiry(own_settings: Settings) -> None:
    stamped = NOW - dt.timedelta(days=2)
    serving_world.write_online_store(own_settings.paths.online_store, stamped=stamped)
    ages = (dt.timedelta(days=1), serving_world.DAILY_TTL, serving_world.DAILY_TTL + dt.timedelta(hours=1))
    fresh, last, late = Desk(own_settings).ask(*({"ordered_at": stamped + age} for age in ages))
    assert kinds(fresh) == []
    assert kinds(last) == ["stale_features"]
    assert kinds(late) == ["view_expired"] * 4


def test_features_that_missed_a_daily_run_are_said_to_be_stale(own_settings: Settings) -> None:
    serving_world.write_online_store(own_settings.paths.online_store, stamped=ORDERED - dt.timedelta(hours=49))
    assert kinds(Desk(own_settings).ask({})[0]) == ["stale_features"]


def test_an_order_older_than_its_features_is_flagged(desk: Desk) -> None:
    [answer] = desk.ask({"ordered_at": NOW - dt.timedelta(days=5)})
    assert kinds(answer) == ["request_before_features"]
    assert answer.feature_ages["network_flow_7d"].hours == -117.0


def test_a_baked_version_says_so(own_settings: Settings) -> None:
    serving_world.write_online_store(own_settings.paths.online_store)
    [answer] = Desk(own_settings, source="baked").ask({})
    assert kinds(answer) == ["baked_version"]
    assert answer.model.source == "baked"


def test_an_order_after_the_clock_is_refused_by_field(desk: Desk) -> None:
    desk.ask({"ordered_at": NOW + dt.timedelta(hours=36)})
    with pytest.raises(RequestRefusedError, match=r"^ordered_at: 2018-06-02T15:01"):
        desk.ask({"ordered_at": NOW + dt.timedelta(hours=36, minutes=1)})
    with pytest.raises(RequestRefusedError, match=r"^requests\.1\.ordered_at"):
        desk.desk.answer([request(), request(ordered_at=NOW + dt.timedelta(days=9))], "requests.")


def test_without_an_instant_the_worlds_clock_counts_also_after_it_moved(desk: Desk, own_settings: Settings) -> None:
    assert desk.ask({"ordered_at": None})[0].ordered_at == NOW
    moved = NOW + dt.timedelta(hours=7)
    serving_world.write_world(own_settings, moved)
    assert desk.ask({"ordered_at": None})[0].ordered_at == moved


@pytest.mark.parametrize(
    ("confidence", "extrapolated"), [(0.1, False), (0.5, False), (0.8, False), (0.9, False), (0.95, True), (0.05, True)]
)
def test_the_promise_rises_with_the_confidence(desk: Desk, confidence: float, extrapolated: bool) -> None:
    low, high = desk.ask({"confidence": confidence}, {"confidence": min(confidence + 0.04, 0.99)})
    assert low.promise.days < high.promise.days
    assert low.promise.extrapolated is extrapolated
    assert ("confidence_outside" in kinds(low)) is extrapolated


def test_the_promise_at_a_modelled_quantile_is_that_quantile_in_local_dates(desk: Desk) -> None:
    [answer] = desk.ask({"confidence": 0.9})
    assert answer.promise.days == pytest.approx(answer.estimates.p90.days)
    local = answer.promise.at.astimezone(dt.timezone(dt.timedelta(hours=-3)))
    assert answer.promise.date == local.date()


@pytest.mark.parametrize(
    "feature",
    [
        FeatureField(view="request", name="colour"),
        FeatureField(view="merchant_handling_30d", name="mood"),
        FeatureField(view="weather_1d", name="rain_mm"),
        FeatureField(view="parcel_request", name="phase_of_the_moon"),
    ],
)
def test_a_contract_that_can_not_be_filled_is_refused_by_name(desk: Desk, feature: FeatureField) -> None:
    desk.vectorizer.check(CONTRACT)
    with pytest.raises(IntegrityError, match=feature.reference):
        desk.vectorizer.check(CONTRACT.model_copy(update={"features": [*CONTRACT.features, feature]}))


def test_a_store_without_the_places_is_refused(own_settings: Settings) -> None:
    serving_world.write_online_store(own_settings.paths.online_store, without=("merchant_profile",))
    with pytest.raises(IntegrityError, match="merchant_profile:state"):
        Desk(own_settings).vectorizer.check(CONTRACT)
