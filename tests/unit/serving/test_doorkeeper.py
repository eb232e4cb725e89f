"""The door: key, JSON only, bounded bodies, one form of error."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tradewind_contracts.errors import SettingsError
from tradewind_contracts.settings import Settings
from tradewind_serving.security import AccessPolicy, Doorkeeper

KEY = "correct horse"
JSON = {"content-type": "application/json"}
AUTH = {"authorization": f"Bearer {KEY}"}


def app_that_answers(status: int = 200, body: bytes = b'{"fine": true}', seen: list[bytes] | None = None) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        if seen is not None:
            seen.append(message["body"])
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body[:3], "more_body": True})
        await send({"type": "http.response.body", "body": body[3:], "more_body": False})

    return app


def ask(
    app: Any = None,
    policy: AccessPolicy | None = None,
    method: str = "POST",
    path: str = "/predict",
    peer: str = "10.0.0.9",
    url: str = "http://eta",
    **request: Any,
) -> httpx.Response:
    door = Doorkeeper(app or app_that_answers(), lambda: policy or AccessPolicy(key=KEY.encode(), anonymous=False, max_body_bytes=1000))

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(door, client=(peer, 1234))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url=url) as client:
            return await client.request(method, path, **request)

    return asyncio.run(run())


def test_the_right_key_opens_in_both_headers_and_the_body_arrives_whole() -> None:
    for headers in (AUTH, {"X-API-Key": KEY}, {"Authorization": f"bearer {KEY}"}):
        seen: list[bytes] = []
        answer = ask(app_that_answers(seen=seen), content=b'{"a": 1}', headers=headers | JSON)
        assert (answer.status_code, answer.json()) == (200, {"fine": True})
        assert seen == [b'{"a": 1}']


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {KEY}"}, {"x-api-key": ""}, {"authorization": KEY}]
)
def test_a_wrong_or_absent_key_is_refused_before_the_body_is_read(headers: dict[str, str]) -> None:
    seen: list[bytes] = []
    answer = ask(app_that_answers(seen=seen), content=b"{}", headers=headers | JSON)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"] == "unauthorized"
    assert seen == []


def test_metrics_need_the_key_and_probes_do_not() -> None:
    assert ask(method="GET", path="/metrics").status_code == 401
    assert ask(method="GET", path="/health").status_code == 401
    for path in ("/livez", "/readyz", "/docs.json", "/"):
        assert ask(method="GET", path=path).status_code == 200
    assert ask(method="POST", path="/livez", headers=JSON, content=b"{}").status_code == 401


@pytest.mark.parametrize(
    ("peer", "url", "status"),
    [
        ("127.0.0.1", "http://127.0.0.1:3000", 200),
        ("127.0.0.1", "http://localhost:3000", 200),
        ("127.0.0.1", "http://localhost", 200),
        ("::1", "http://[::1]:3000", 200),
        ("10.0.0.9", "http://127.0.0.1:3000", 401),
        ("127.0.0.1", "http://rebound.example:3000", 401),
    ],
)
def test_anonymous_use_is_for_this_machine_by_its_own_name_only(peer: str, url: str, status: int) -> None:
    policy = AccessPolicy(key=None, anonymous=True)
    assert ask(policy=policy, peer=peer, url=url, headers=JSON, content=b"{}").status_code == status


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=x",
        "application/vnd.bentoml+pickle",
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/json-patch+json",
        "",
    ],
)
def test_only_plain_json_is_taken(content_type: str) -> None:
    headers = AUTH | ({"content-type": content_type} if content_type else {})
    answer = ask(content=b"{}", headers=headers)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


def test_two_content_types_or_a_compressed_body_are_refused() -> None:
    two = [("authorization", f"Bearer {KEY}"), ("content-type", "application/json"), ("content-type", "multipart/form-data")]
    assert ask(content=b"{}", headers=two).status_code == 415
    assert ask(content=b"{}", headers=AUTH | JSON | {"content-encoding": "gzip"}).status_code == 415


def test_a_large_body_is_refused_by_its_length_and_by_its_bytes() -> None:
    assert ask(content=b"x" * 1001, headers=AUTH | JSON).status_code == 413

    async def streamed() -> Any:
        for _ in range(3):
            yield b"x" * 500

    assert ask(content=streamed(), headers=AUTH | JSON).status_code == 413
    assert ask(content=b"x" * 1000, headers=AUTH | JSON).status_code == 200


def refused_as(status: int, body: Any) -> tuple[int, dict[str, Any]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = ask(app_that_answers(status, raw), content=b"{}", headers=AUTH | JSON)
    assert set(answer.json()) == {"error", "detail", "fields"}
    return answer.status_code, answer.json()


def test_an_invalid_form_is_422_and_names_each_field() -> None:
    detail = [
        {"type": "extra_forbidden", "loc": ["colour"], "msg": "Extra inputs are not permitted", "url": "https://x"},
        {"type": "value_error", "loc": [], "msg": "Value error, expected either items or weight_g"},
    ]
    status, said = refused_as(400, {"error": "2 validation errors", "detail": detail})
    assert (status, said["error"]) == (422, "invalid_request")
    assert [(f["field"], f["problem"]) for f in said["fields"]] == [
        ("colour", "Extra inputs are not permitted"),
        ("body", "expected either items or weight_g"),
    ]


def test_text_that_is_not_json_is_400() -> None:
    status, said = refused_as(400, {"error": "1", "detail": [{"type": "json_invalid", "loc": [], "msg": "Invalid JSON: expected value"}]})
    assert (status, said["error"]) == (400, "malformed_json")


def test_a_refusal_of_the_service_keeps_its_status_and_field() -> None:
    status, said = refused_as(422, [{"error": "ordered_at: too late"}])
    assert (status, said["fields"]) == (422, [{"field": "ordered_at", "problem": "too late"}])


def test_a_failure_inside_shows_nothing_of_it() -> None:
    status, said = refused_as(500, {"error": "Traceback: secret at line 3"})
    assert (status, said["error"]) == (500, "internal_error")
    assert "secret" not in json.dumps(said)


def test_plain_text_errors_become_json() -> None:
    assert refused_as(404, b"Not Found")[1] == {"error": "not_found", "detail": "Not Found", "fields": []}


@pytest.mark.parametrize(
    ("settings", "admits"),
    [
        ({}, False),
        ({"allow_anonymous": True, "host": "0.0.0.0"}, False),
        ({"api_key": SecretStr("")}, False),
        ({"allow_anonymous": True}, True),
        ({"allow_anonymous": True, "host": "::1"}, True),
        ({"api_key": SecretStr("k"), "host": "0.0.0.0"}, True),
    ],
)
def test_without_a_key_a_service_starts_only_on_loopback_and_where_asked_for(settings: dict[str, Any], admits: bool) -> None:
    if admits:
        AccessPolicy.of(Settings(**settings))
    else:
        with pytest.raises(SettingsError, match="TRADEWIND_API_KEY"):
            AccessPolicy.of(Settings(**settings))
