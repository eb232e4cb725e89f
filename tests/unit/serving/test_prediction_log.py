"""Every answer is in the log as it was given, and the log never stands in the way of an answer."""

import datetime as dt
import errno
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import serving_world
from pydantic import SecretStr
from serving_world import NOW, PlainPredictor

from tradewind_contracts.errors import SettingsError
from tradewind_contracts.ids import pseudonym
from tradewind_contracts.segments import SegmentWriter, list_segments, whole_batches
from tradewind_contracts.settings import Settings
from tradewind_features.online.reader import OnlineReader
from tradewind_serving import metrics
from tradewind_serving.answering import EtaDesk
from tradewind_serving.answers import EtaAnswer, ServedVersion
from tradewind_serving.prediction_log import log as log_module
from tradewind_serving.prediction_log.log import PredictionLog
from tradewind_serving.prediction_log.policy import policy_of
from tradewind_serving.prediction_log.rows import RowMaker
from tradewind_serving.prediction_log.treatments import Treatment
from tradewind_serving.proving import Served
from tradewind_serving.questions import EtaRequest
from tradewind_serving.vector import Vectorizer

VERSION = ServedVersion(name="eta", number=3, digest="c" * 64, source="registry")
SECONDS = 10.0


class Following:
    """A follower that follows nothing."""

    current = Served(VERSION, PlainPredictor())

    def stop(self) -> None: ...


def desk_over(settings: Settings, log: PredictionLog | None) -> EtaDesk:
    world = serving_world.write_world(settings)
    if not settings.paths.online_store.exists():
        serving_world.write_online_store(settings.paths.online_store)
    vectorizer = Vectorizer(OnlineReader(settings.paths.online_store), world.zone)
    return EtaDesk(settings.paths.world_file, world, Following(), vectorizer, log)  # type: ignore[arg-type]  # it is asked for current only


def request(**changes: Any) -> EtaRequest:
    known: dict[str, Any] = {
        "merchant_id": "m1",
        "destination_postal_code": "22250-040",
        "weight_g": 700,
        "price": 59.9,
        "freight": 12.5,
        "ordered_at": NOW + dt.timedelta(hours=10),
        "order_id": "o1",
    }
    return EtaRequest(**(known | changes))


def raw(settings: Settings) -> Path:
    return settings.paths.prediction_log / "raw"


def rows_in(settings: Settings) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in list_segments(raw(settings)):
        parts = whole_batches(path) if path.suffix == ".arrows" else pq.read_table(path).to_batches()
        found += [row for part in parts for row in part.to_pylist()]
    return found


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def dropped(reason: str) -> float:
    # Not by the registry: BentoML puts another in its place where a test made an app before.
    return metrics.LOG_DROPPED.labels(reason)._value.get()


def logged_rows(settings: Settings, *requests: EtaRequest) -> tuple[list[EtaAnswer], list[dict[str, Any]]]:
    log = PredictionLog.open(settings)
    desk = desk_over(settings, log)
    answers = desk.answer(requests)
    desk.close()
    return answers, rows_in(settings)


def test_a_row_says_what_was_asked_seen_and_answered(own_settings: Settings) -> None:
    [answer], [row] = logged_rows(own_settings, request(volume_cm3=900, category="toys", confidence=0.8, origin_postal_code="13010-001"))
    assert row["decision_id"] == str(answer.decision_id)
    assert (row["model"], row["version"], row["bundle_digest"], row["source"], row["world"]) == ("eta", 3, "c" * 64, "registry", "olist")
    assert (row["answered_at"], row["ordered_at"]) == (NOW, NOW + dt.timedelta(hours=10))
    assert row["logged_at"] > dt.datetime(2025, 1, 1, tzinfo=dt.UTC), "the wall's clock, beside the world's"
    assert (row["order_id"], row["merchant_id"], row["origin_area"], row["destination_area"]) == ("o1", "m1", "13010", "22250")
    days = answer.estimates
    assert (row["p10_days"], row["p50_days"], row["p90_days"]) == (days.p10.days, days.p50.days, days.p90.days)
    assert (row["confidence"], row["promise_days"], row["endpoint"]) == (0.8, answer.promise.days, "predict")
    assert 0 < row["latency_ms"] < 10_000
    assert row["fallbacks"] == [fallback.kind.value for fallback in answer.fallbacks]
    numbers, texts, ages = dict(row["numbers"]), dict(row["texts"]), dict(row["ages_hours"])
    assert (numbers["price"], numbers["freight"], numbers["weight_g"], numbers["volume_cm3"], numbers["items_count"]) == (
        59.9, 12.5, 700, 900, 1,
    )  # fmt: skip
    assert numbers["merchant_handling_30d__handling_hours_mean_30d"] == 30.0
    assert texts == {"category": "toys", "postal_area_location__state": "RJ"}
    assert ages == {view: age.hours for view, age in answer.feature_ages.items()}


def test_what_is_unknown_is_null(own_settings: Settings) -> None:
    _, [row] = logged_rows(own_settings, request(merchant_id="nobody", order_id=None))
    assert (row["order_id"], row["origin_area"]) == (None, None)
    numbers = dict(row["numbers"])
    assert numbers["merchant_handling_30d__handling_hours_mean_30d"] is None
    assert numbers["volume_cm3"] is None
    assert dict(row["texts"])["category"] is None
    assert dict(row["ages_hours"])["merchant_handling_30d"] is None
    assert "unknown_merchant" in row["fallbacks"]


def test_a_batch_and_single_requests_are_rows_in_the_order_of_the_answers(own_settings: Settings) -> None:
    log = PredictionLog.open(own_settings)
    desk = desk_over(own_settings, log)
    one = desk.answer([request(price=1.0)])
    many = desk.answer([request(price=float(n), merchant_id=f"m{n % 2 + 1}") for n in range(2, 30)], "requests.", "predict_batch")
    last = desk.answer([request(price=30.0)])
    desk.close()
    rows = rows_in(own_settings)
    assert [row["decision_id"] for row in rows] == [str(answer.decision_id) for answer in [*one, *many, *last]]
    assert [dict(row["numbers"])["price"] for row in rows] == [float(n) for n in range(1, 31)]
    assert [row["endpoint"] for row in rows] == ["predict", *["predict_batch"] * 28, "predict"]
    name = "merchant_handling_30d__handling_hours_mean_30d"
    assert [dict(row["numbers"])[name] for row in rows[1:4]] == [30.0, None, 30.0], "m1 has a row in the store, m2 has none"


def test_an_answer_is_on_disk_within_a_second_and_the_segment_is_sealed_at_the_end(own_settings: Settings) -> None:
    log = PredictionLog.open(own_settings)
    desk = desk_over(own_settings, log)
    began = time.monotonic()
    [answer] = desk.answer([request()])
    assert eventually(lambda: [row["decision_id"] for row in rows_in(own_settings)] == [str(answer.decision_id)])
    assert time.monotonic() - began < 2 * log_module.FLUSH_SECONDS + 1.0
    [path] = list_segments(raw(own_settings))
    assert path.suffix == ".arrows"
    desk.close()
    [path] = list_segments(raw(own_settings))
    assert path.suffix == ".parquet"


def test_no_log_is_kept_where_the_settings_want_none(own_settings: Settings) -> None:
    assert PredictionLog.open(own_settings.model_copy(update={"prediction_log": False})) is None
    desk = desk_over(own_settings, None)
    assert len(desk.answer([request()])) == 1
    desk.close()
    assert not own_settings.paths.prediction_log.exists()


def test_a_full_queue_drops_counts_and_says_so_once(own_settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    log = PredictionLog(raw(own_settings), RowMaker("olist", policy_of(EtaRequest, own_settings)), most_waiting=3)
    desk = desk_over(own_settings, log)  # its thread was not started: nobody writes
    before = dropped("queue_full")
    with caplog.at_level(logging.ERROR, logger="bentoml.tradewind"):
        kept = [desk.answer([request()])[0] for _ in range(3)]
        assert len(desk.answer([request(), request()])) == 2
        assert len(desk.answer([request()])) == 1
    assert dropped("queue_full") - before == 3
    assert len([r for r in caplog.records if "answers are not logged" in r.message]) == 1
    log.start()
    desk.close()
    assert [row["decision_id"] for row in rows_in(own_settings)] == [str(answer.decision_id) for answer in kept]


def test_a_full_disk_drops_counts_and_recovers(
    own_settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = PredictionLog(raw(own_settings), RowMaker("olist", policy_of(EtaRequest, own_settings)), flush_seconds=0.01)
    log.start()
    desk = desk_over(own_settings, log)
    before = dropped("not_written")
    real = SegmentWriter.append

    def full(self: SegmentWriter, batch: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(SegmentWriter, "append", full)
    with caplog.at_level(logging.WARNING, logger="bentoml.tradewind"):
        for lost in range(1, 4):
            desk.answer([request()])
            assert eventually(lambda lost=lost: dropped("not_written") - before == lost)  # type: ignore[misc]  # a default binds the number
        monkeypatch.setattr(SegmentWriter, "append", real)
        [answer] = desk.answer([request()])
        desk.close()
    assert [row["decision_id"] for row in rows_in(own_settings)] == [str(answer.decision_id)]
    said = [r.message for r in caplog.records if "logged" in r.message]
    assert len(said) == 2
    assert "No space left on device" in said[0]
    assert said[1] == "answers are logged again; 3 were not"


def test_a_row_that_can_not_be_formed_ends_nothing(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = RowMaker("olist", policy_of(EtaRequest, own_settings))
    log = PredictionLog(raw(own_settings), rows, flush_seconds=0.01)
    log.start()
    desk = desk_over(own_settings, log)
    before = dropped("not_formed")
    with monkeypatch.context() as patch:
        patch.setattr(rows, "_rows", lambda decision: 1 / 0)
        desk.answer([request()])
        assert eventually(lambda: dropped("not_formed") - before == 1)
    desk.answer([request()])
    desk.close()
    assert len(rows_in(own_settings)) == 1


def test_a_full_segment_is_sealed_while_answers_go_on(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "SEGMENT_ROWS", 5)
    log = PredictionLog(raw(own_settings), RowMaker("olist", policy_of(EtaRequest, own_settings)), flush_seconds=0.01)
    log.start()
    desk = desk_over(own_settings, log)
    desk.answer([request() for _ in range(6)])
    assert eventually(lambda: [path.suffix for path in list_segments(raw(own_settings))] == [".parquet"])
    desk.answer([request()])
    desk.close()
    assert len(list_segments(raw(own_settings))) == 2
    assert len(rows_in(own_settings)) == 7


def test_threads_that_answer_at_once_lose_and_repeat_nothing(own_settings: Settings) -> None:
    log = PredictionLog.open(own_settings)
    desk = desk_over(own_settings, log)
    answered: list[str] = []

    def ask() -> None:
        answered.extend(str(desk.answer([request()])[0].decision_id) for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk.close()
    assert sorted(row["decision_id"] for row in rows_in(own_settings)) == sorted(answered)


def test_the_policy_covers_every_field_with_the_class_of_the_tables(own_settings: Settings) -> None:
    policy = policy_of(EtaRequest, own_settings)
    assert [field.field for field in policy.fields] == list(EtaRequest.model_fields)
    done = {field.field: (field.personal.value, field.treatment.value) for field in policy.fields}
    assert done["destination_postal_code"] == ("indirect", "kept as area")
    assert done["merchant_id"] == ("none", "kept")
    assert policy.dropped == []


def test_hashed_fields_are_hashed_under_the_key(own_settings: Settings) -> None:
    settings = own_settings.model_copy(update={"log_hashed": "merchant_id, order_id", "log_key": SecretStr("a key")})
    _, [row] = logged_rows(settings, request())
    assert row["merchant_id"] == pseudonym("a key", "merchant_id", "m1")
    assert row["order_id"] == pseudonym("a key", "order_id", "o1")
    assert row["destination_area"] == "22250"


def test_without_a_key_hashed_fields_are_dropped_and_that_is_said(own_settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings = own_settings.model_copy(update={"log_hashed": "merchant_id"})
    with caplog.at_level(logging.WARNING, logger="bentoml.tradewind"):
        _, [row] = logged_rows(settings, request())
    assert (row["merchant_id"], row["order_id"]) == (None, "o1")
    [said] = [r.message for r in caplog.records if "dropped" in r.message]
    assert said == "prediction log: merchant_id is dropped (to be hashed, and TRADEWIND_LOG_KEY is not set)"
    policy = policy_of(EtaRequest, settings)
    assert [(field.field, field.treatment) for field in policy.dropped] == [("merchant_id", Treatment.DROPPED)]


def test_a_field_that_can_not_be_hashed_is_refused(own_settings: Settings) -> None:
    with pytest.raises(SettingsError, match="TRADEWIND_LOG_HASHED: price can't be hashed"):
        policy_of(EtaRequest, own_settings.model_copy(update={"log_hashed": "price"}))
