"""The same service as a method, in process, and over HTTP from its Bento."""

import asyncio
import contextlib
import datetime as dt
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import serving_world
from serving_world import NOW

from tradewind_contracts.errors import IntegrityError, NotFoundError, StateError
from tradewind_contracts.settings import Settings
from tradewind_lifecycle import bento
from tradewind_registry import Registry
from tradewind_serving import rehearsing
from tradewind_serving.client import EtaClient, EtaRefusedError, EtaRequest, EtaUnauthorizedError, EtaUnreachableError

REQUEST: dict[str, Any] = {
    "merchant_id": "m1",
    "destination_postal_code": "22250-040",
    "weight_g": 700,
    "volume_cm3": 900,
    "category": "toys",
    "price": 59.9,
    "freight": 12.5,
    "ordered_at": "2018-06-01T10:30:00-03:00",
}


def typed(**changes: Any) -> EtaRequest:
    return EtaRequest.model_validate_json(json.dumps(REQUEST | changes))


@cache
def app_of(service: Any) -> Any:
    """BentoML registers its metrics when an app is made: one app for a process."""
    return service.to_asgi()


def ask_in_process(service: Any, *asked: tuple[str, str, Any]) -> list[httpx.Response]:
    """Start the service's ASGI app, ask it (method, path, JSON), end it."""

    async def run() -> list[httpx.Response]:
        app = app_of(service)
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1), raise_app_exceptions=False)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            return [
                await http.request(method, path, json=body) if body is not None else await http.request(method, path)
                for method, path, body in asked
            ]

    return asyncio.run(run())


def test_the_method_answers_as_the_app_does(eta: Any) -> None:
    instance = eta.inner()
    try:
        said = asyncio.run(type(instance).predict.func(instance, typed()))
        batch = type(instance).predict_batch.func(instance, serving_world_batch(typed(), typed(merchant_id="nobody")))
        assert batch.answers[0].model_dump(exclude={"decision_id"}) == said.model_dump(exclude={"decision_id"})
    finally:
        instance.close()
    [over] = ask_in_process(eta, ("POST", "/predict", REQUEST))
    assert over.status_code == 200
    assert over.json() | {"decision_id": ""} == json.loads(said.model_dump_json()) | {"decision_id": ""}
    assert over.json()["model"]["number"] == 1


def serving_world_batch(*requests: EtaRequest) -> Any:
    from tradewind_serving.questions import EtaBatch

    return EtaBatch(requests=list(requests))


def test_the_app_takes_exactly_the_documented_form(eta: Any) -> None:
    outer, nested, batch, late, empty, form, health, ready, unknown = ask_in_process(
        eta,
        ("POST", "/predict", REQUEST | {"surprise": 1}),
        ("POST", "/predict", {"body": REQUEST}),
        ("POST", "/predict_batch", {"requests": [REQUEST], "surprise": 1}),
        ("POST", "/predict_batch", {"requests": [REQUEST, REQUEST | {"ordered_at": "2019-01-01T00:00:00Z"}]}),
        ("POST", "/predict_batch", {"requests": []}),
        ("POST", "/predict", None),
        ("GET", "/health", None),
        ("GET", "/readyz", None),
        ("POST", "/nothing", {}),
    )
    assert [r.status_code for r in (outer, nested, batch, late, empty)] == [422] * 5
    assert outer.json()["fields"] == [{"field": "surprise", "problem": "Extra inputs are not permitted"}]
    assert late.json()["fields"][0]["field"] == "requests.1.ordered_at"
    assert form.status_code == 415
    assert (health.status_code, health.json()["status"], health.json()["model"]["number"]) == (200, "ok", 1)
    assert health.json()["now"] == "2018-06-01T03:00:00Z"
    assert ready.status_code == 200
    assert (unknown.status_code, unknown.json()["error"]) == (404, "not_found")


def test_the_document_describes_what_is_taken_and_answered(eta: Any) -> None:
    docs, example = ask_in_process(eta, ("GET", "/docs.json", None), ("GET", "/", None))
    document = docs.json()
    assert example.status_code == 200
    operation = document["paths"]["/predict"]["post"]
    assert set(operation["responses"]) == {"200", "400", "401", "413", "415", "422", "500"}
    examples = [e["value"] for e in operation["requestBody"]["content"]["application/json"]["examples"].values()]
    answers = ask_in_process(eta, *(("POST", "/predict", e) for e in examples))
    assert [a.status_code for a in answers] == [200] * len(examples), "every example of the document is answered"
    shown = operation["responses"]["200"]["content"]["application/json"]["examples"]["example"]["value"]
    assert set(shown) == set(answers[0].json())


def test_a_promotion_and_a_rollback_reach_a_busy_service_without_a_mixed_answer(eta: Any, served_home: Any) -> None:
    instance = eta.inner()
    expected = {}
    registry = Registry.open(served_home.settings)
    follower = instance._desk._follower
    try:
        expected[1] = instance._answer("predict", [typed()])[0].estimates
        registry.promote("eta", 2, why="a test", who="a test")
        follower.poll()
        expected[2] = instance._answer("predict", [typed()])[0].estimates
        assert expected[1] != expected[2]
        seen: set[int] = set()
        failures: list[Any] = []
        done = threading.Event()

        def load() -> None:
            while not done.is_set():
                for answer in instance._answer("predict_batch", [typed()] * 5):
                    seen.add(answer.model.number)
                    if answer.estimates != expected[answer.model.number]:
                        failures.append(answer)

        askers = [threading.Thread(target=load) for _ in range(2)]
        for asker in askers:
            asker.start()
        for number in [1, 2] * 6:
            registry.promote("eta", number, why="back and forth", who="a test")
            follower.poll()
            assert follower.current.version.number == number
        done.set()
        for asker in askers:
            asker.join()
        assert failures == []
        assert seen == {1, 2}
    finally:
        registry.close()
        instance.close()


def test_a_champion_of_another_world_is_not_followed(eta: Any, served_home: Any, bundles: tuple[Path, Path]) -> None:
    instance = eta.inner()
    try:
        other = served_home.settings.model_copy(update={"source": "simulator"})
        assert serving_world.register(other, bundles[1], "simulated").number == 3
        instance._desk._follower.poll()
        health = instance.health()
        assert (health.status, health.model.number, health.world) == ("ok", 1, "olist")
    finally:
        instance.close()


def test_a_version_with_one_changed_byte_is_not_served_and_the_old_one_stays(eta: Any, served_home: Any) -> None:
    instance = eta.inner()
    try:
        with Registry.open(served_home.settings) as registry:
            registry.promote("eta", 2, why="a test", who="a test")
        damage(served_home.settings, served_home.second)
        instance._desk._follower.poll()
        health = instance.health()
        assert (health.status, health.model.number) == ("degraded", 1)
        assert health.refused is not None
        assert served_home.second.bundle_digest[:8] in health.refused or "eta" in health.refused
        assert instance._answer("predict", [typed()])[0].model.number == 1
    finally:
        instance.close()


def damage(settings: Settings, version: Any) -> None:
    model = next(path for path in sorted((settings.paths.bundles / version.bundle_digest).rglob("*.txt")))
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.chmod(0o644)
    model.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("break_it", "error"),
    [
        (lambda home: damage(home.settings, home.first), IntegrityError),
        (lambda home: home.settings.paths.world_file.unlink(), StateError),
        (lambda home: home.settings.paths.online_store.unlink(), StateError),
        (lambda home: (home.settings.paths.registry / "registry.db").unlink(), StateError),
    ],
    ids=["damaged champion", "no world", "no online store", "no registry and nothing baked"],
)
def test_it_refuses_to_start_on_anything_unproven(eta: Any, served_home: Any, break_it: Any, error: type[Exception]) -> None:
    break_it(served_home)
    with pytest.raises(error):
        eta.inner()
    with pytest.raises(SystemExit) as refused:
        eta.inner.prove()
    assert refused.value.code not in (0, None)


def test_without_a_champion_it_does_not_start(eta: Any, tmp_path: Path, bundles: tuple[Path, Path]) -> None:
    from tradewind_contracts.settings import use

    settings = use(home=tmp_path / "other", source="olist", allow_anonymous=True)
    serving_world.write_world(settings)
    serving_world.write_online_store(settings.paths.online_store)
    serving_world.register(settings, bundles[0], "one", promote=False)
    with pytest.raises(NotFoundError, match="champion"):
        eta.inner()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, make_home: Any) -> Any:
    """A home, and the Bento of its champion."""
    home = make_home(tmp_path_factory.mktemp("built"))
    return home, bento.build_bento(home.settings, home.first)


@pytest.fixture(scope="module")
def running(built: Any) -> Iterator[rehearsing.RunningService]:
    """The Bento's service in processes of its own."""
    home, made = built
    with rehearsing.serve(home.settings, made.path) as service:
        yield service


def test_a_bento_is_built_once_for_what_goes_in_and_again_where_it_was_damaged(served_home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    builds: list[str] = []

    def build(context: Path, version: str, settings: Settings) -> None:
        builds.append(version)
        path = settings.paths.bentos / "bentos" / "eta" / version
        shutil.copytree(context, path / "src")
        (path / "bento.yaml").write_text("made up")

    monkeypatch.setattr(bento, "_build", build)
    settings = served_home.settings
    first, again = bento.build_bento(settings, served_home.first), bento.build_bento(settings, served_home.first)
    assert (first.reused, again.reused, first.digest == again.digest) == (False, True, True)
    other = bento.build_bento(settings, served_home.second)
    assert other.digest != first.digest, "another version baked in is another Bento"
    (first.path / "src" / "tradewind_serving" / "vector.py").write_text("")
    assert not bento.build_bento(settings, served_home.first).reused
    assert builds == [first.digest[:16], other.digest[:16], first.digest[:16]]


def test_a_bento_holds_what_serving_needs_and_nothing_else(built: Any) -> None:
    source = built[1].path / "src"
    assert {p.name for p in source.iterdir() if p.is_dir()} == {"baked", "services", *bento.OWN_PACKAGES}
    requirements = (built[1].path / "env" / "python" / "requirements.txt").read_text().lower()
    assert not [name for name in ("feast", "dagster", "great-expectations", "torch", "pandas", "dbt-core") if f"\n{name}==" in requirements]
    assert "--hash=sha256:" in requirements


def test_the_built_service_answers_a_typed_client(running: rehearsing.RunningService, built: Any) -> None:
    with EtaClient(running.url, running.key) as client:
        answer = client.predict(typed())
        one, two = client.predict_batch([typed(), typed(merchant_id="nobody")])
        health = client.health()
    assert answer.model.digest == built[0].first.bundle_digest
    assert answer.model_dump(exclude={"decision_id"}) == one.model_dump(exclude={"decision_id"})
    assert "unknown_merchant" in [f.kind.value for f in two.fallbacks]
    assert (health.status, health.now) == ("ok", NOW)


def test_the_client_tells_refusals_apart(running: rehearsing.RunningService) -> None:
    with EtaClient(running.url, "wrong") as client, pytest.raises(EtaUnauthorizedError, match="401"):
        client.predict(typed())
    with EtaClient(running.url, running.key) as client, pytest.raises(EtaRefusedError) as refused:
        client.predict(typed(ordered_at=(NOW + dt.timedelta(days=30)).isoformat()))
    assert (refused.value.status, refused.value.fields[0].field) == (422, "ordered_at")
    with EtaClient("http://127.0.0.1:9", "k") as client, pytest.raises(EtaUnreachableError, match=r"127\.0\.0\.1:9"):
        client.health()


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data; boundary=b", "application/vnd.bentoml+pickle", "application/x-www-form-urlencoded"]
)
def test_the_built_service_takes_json_only(running: rehearsing.RunningService, content_type: str) -> None:
    headers = {"authorization": f"Bearer {running.key}", "content-type": content_type}
    assert httpx.post(f"{running.url}/predict", content=b"\x80\x05.", headers=headers, trust_env=False).status_code == 415


def test_metrics_count_requests_fallbacks_and_the_version(running: rehearsing.RunningService, built: Any) -> None:
    with EtaClient(running.url, running.key) as client:
        client.predict(typed(merchant_id="nobody"))
    assert httpx.get(f"{running.url}/metrics", trust_env=False).status_code == 401
    text = httpx.get(f"{running.url}/metrics", headers={"X-API-Key": running.key}, trust_env=False).text
    assert 'tradewind_eta_requests_total{endpoint="predict",outcome="answered"}' in text
    assert 'tradewind_eta_fallbacks_total{kind="unknown_merchant"}' in text
    assert f'digest="{built[0].first.bundle_digest}"' in text
    assert "tradewind_eta_answer_seconds_bucket" in text


def test_real_orders_are_asked_and_stand_beside_what_happened(running: rehearsing.RunningService) -> None:
    label = {
        "order_id": "o1",
        "parcel_id": "o1:m1",
        "merchant_id": "m1",
        "destination_postal_area_id": "22250",
        "event_timestamp": NOW + dt.timedelta(hours=5),
        "promised_at": NOW + dt.timedelta(hours=5, days=20),
        "category": "toys",
        "items_count": 2,
        "weight_g": 700,
        "volume_cm3": 0,
        "price": 59.9,
        "freight": 12.5,
        "duration_days": 0.001,
    }
    never = label | {"parcel_id": "o2:m1", "category": None, "duration_days": None}
    unweighed = label | {"parcel_id": "o3:m1", "weight_g": None}
    early, lost = rehearsing.ask(running, [label, never, unweighed])
    assert (early.parcel_id, early.is_inside, early.marketplace_promise_days) == ("o1:m1", False, 20.0)
    assert (lost.parcel_id, lost.is_inside, lost.actual_days) == ("o2:m1", None, None)
    assert early.answer.ordered_at == NOW + dt.timedelta(hours=5)
    assert [f.kind.value for f in lost.answer.fallbacks] == ["no_category", "no_volume"]


def test_a_port_in_use_is_named(running: rehearsing.RunningService, built: Any) -> None:
    port = int(running.url.rsplit(":", 1)[1])
    with pytest.raises(StateError, match=f"port {port}"), rehearsing.serve(built[0].settings, built[1].path, port=port):
        raise AssertionError("it started on a port in use")


def test_with_the_registry_out_of_reach_the_baked_version_answers_and_says_so(built: Any) -> None:
    home, made = built
    settings = home.settings.model_copy(update={"registry_url": f"sqlite:///{home.settings.paths.home / 'nowhere.db'}"})
    with rehearsing.serve(settings, made.path) as service:
        with EtaClient(service.url, service.key) as client:
            answer, health = client.predict(typed()), client.health()
            with contextlib.closing(sqlite3.connect(home.settings.paths.registry / "registry.db")) as registry:
                registry.execute("vacuum into ?", (str(home.settings.paths.home / "nowhere.db"),))
            back, deadline = client.health(), time.monotonic() + 5
            while back.status == "degraded" and time.monotonic() < deadline:
                time.sleep(0.05)
                back = client.health()
            followed = client.predict(typed())
        port = int(service.url.rsplit(":", 1)[1])
    assert (answer.model.source, answer.model.number) == ("baked", 1)
    assert "baked_version" in [f.kind.value for f in answer.fallbacks]
    assert health.status == "degraded"
    assert (back.status, followed.model.source, followed.model.number) == ("ok", "registry", 1), "it follows once the registry is back"
    with EtaClient(f"http://127.0.0.1:{port}", "k", connect_attempts=1) as client, pytest.raises(EtaUnreachableError):
        client.health()


def test_a_built_service_over_a_damaged_champion_ends_with_the_reason(built: Any, tmp_path: Path, make_home: Any) -> None:
    home = make_home(tmp_path / "damaged")
    damage(home.settings, home.first)
    with (
        pytest.raises(StateError, match=r"refused to start \(exit code 6\).*refuses to start"),
        rehearsing.serve(home.settings, built[1].path),
    ):
        raise AssertionError("it started on a damaged champion")


def test_the_service_process_loads_nothing_heavy(served_home: Any, root: Path) -> None:
    code = (
        "import asyncio, sys, json\n"
        "from services.eta.service import Eta\n"
        "instance = Eta.inner()\n"
        "from services.eta.schemas import EtaRequest\n"
        f"instance._answer('predict', [EtaRequest.model_validate_json('''{json.dumps(REQUEST)}''')])\n"
        "instance.close()\n"
        "heavy = {'feast', 'great_expectations', 'dagster', 'torch', 'pandas', 'alembic', 'duckdb', 'matplotlib', 'dbt'}\n"
        "print(json.dumps(sorted(heavy & set(sys.modules))))\n"
    )
    settings = served_home.settings.model_copy(update={"allow_anonymous": True})
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env=os.environ | settings.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout.strip().splitlines()[-1]) == []
