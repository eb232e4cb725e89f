"""The door of a service: who may ask, in which form, how much; and errors that all look alike.

BentoML itself has no authentication, takes any content type (multipart and forms among them, which fetch URLs), has no
limit of size, and answers errors in several forms.
"""

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from tradewind_contracts.errors import SettingsError
from tradewind_contracts.settings import Settings
from tradewind_serving.refusals import FieldProblem, Refusal, refusal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 2 * 1024 * 1024
"""Chosen: a full batch with five items each is about 0.7 MB."""

PROBES = frozenset({"/livez", "/readyz", "/healthz"})
DOCUMENTS = frozenset({"/", "/docs.json", "/schema.json"})
"""The OpenAPI page and what it loads: no data in them."""

JSON = b"application/json"


@dataclass(frozen=True)
class AccessPolicy:
    """Who may ask. ``key`` is None only where anonymous requests from this machine are allowed."""

    key: bytes | None
    anonymous: bool
    max_body_bytes: int = MAX_BODY_BYTES

    @classmethod
    def of(cls, settings: Settings) -> "AccessPolicy":
        """The policy that the settings ask for.

        Raises:
            SettingsError: there is no key, and anonymous use was not asked for or the address is not loopback.
        """
        anonymous = settings.allow_anonymous and is_loopback(settings.host)
        key = settings.api_key.get_secret_value().encode() if settings.api_key else None
        if not key and not anonymous:
            wanted = (
                "set it, or bind a loopback address"
                if settings.allow_anonymous
                else "set it, or TRADEWIND_ALLOW_ANONYMOUS=true on loopback"
            )
            raise SettingsError(f"TRADEWIND_API_KEY: absent, and the service binds {settings.host}; {wanted}")
        return cls(key=key or None, anonymous=anonymous)

    def admits(self, scope: Scope) -> bool:
        """Whether a request may pass: with the right key, or anonymously from this very machine."""
        # The Host too: a page that a browser on this machine shows must not reach it under a name of its own (DNS rebinding).
        if self.anonymous and is_loopback(_peer(scope)) and is_loopback(_host(scope)):
            return True
        given = _given_key(scope)
        return self.key is not None and given is not None and hmac.compare_digest(given, self.key)


def is_loopback(host: str) -> bool:
    """Whether ``host`` is a loopback address or ``localhost``."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Doorkeeper:
    """ASGI middleware: key, JSON only, bounded body, one form of error. ``policy`` is asked for once, when the app is made."""

    def __init__(self, app: App, policy: Callable[[], AccessPolicy]) -> None:
        self._app = app
        self._policy = policy()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI event."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif _is_open(scope):
            await self._app(scope, receive, send)
        else:
            await self._guarded(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._policy.admits(scope):
            said = "a key is required: Authorization: Bearer <key>, or X-API-Key"
            await _answer(send, 401, refusal(401, said), [(b"www-authenticate", b"Bearer")])
            return
        if scope["method"] not in ("GET", "HEAD"):
            problem = _wrong_form(scope)
            if problem:
                await _answer(send, 415, refusal(415, problem))
                return
            body = await self._read(scope, receive)
            if body is None:
                limit = self._policy.max_body_bytes
                # The rest of the body is not read: the connection can't be used again.
                await _answer(send, 413, refusal(413, f"the body is larger than {limit} bytes"), [(b"connection", b"close")])
                return
            receive = _replayed(body, receive)
        await self._app(scope, receive, _OneForm(send))

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        limit = self._policy.max_body_bytes
        length = _headers(scope, b"content-length")
        if length and length[0].isdigit() and int(length[0]) > limit:
            return None
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return b"".join(parts)
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                return None
            if not message.get("more_body", False):
                return b"".join(parts)


class _OneForm:
    """A ``send`` that passes good answers through and writes every error anew, as a Refusal."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._status = 200
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        if self._status < 400:
            await self._send(message)
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                status, said = explain(self._status, bytes(self._body))
                await _answer(self._send, status, said)


def explain(status: int, body: bytes) -> tuple[int, Refusal]:
    """The status and the body to answer with, instead of BentoML's.

    BentoML answers a form that does not validate with 400 and pydantic's list, a refused request with a list of one
    ``error``, and unknown paths with plain text. Nothing of a failure inside (5xx) is shown.
    """
    if status >= 500:
        return status, refusal(status, "the service failed on this request; its log has the reason under the time of this answer")
    try:
        parsed = json.loads(body)
    except ValueError:
        return status, refusal(status, body.decode(errors="replace").strip() or "refused")
    if isinstance(parsed, list) and parsed and isinstance(parsed[0], dict):
        return status, _domain_refusal(status, str(parsed[0].get("error", "refused")))
    if isinstance(parsed, dict) and isinstance(parsed.get("detail"), list):
        return _invalid(parsed["detail"])
    return status, refusal(status, str(parsed.get("error", "refused")) if isinstance(parsed, dict) else "refused")


def _domain_refusal(status: int, text: str) -> Refusal:
    field, _, problem = text.partition(": ")
    return refusal(status, text, [FieldProblem(field=field, problem=problem)] if problem else None)


def _invalid(errors: list[dict[str, Any]]) -> tuple[int, Refusal]:
    if any(error.get("type") == "json_invalid" for error in errors):
        return 400, refusal(400, str(errors[0].get("msg", "not JSON")))
    fields = [FieldProblem(field=".".join(map(str, e.get("loc", ()))) or "body", problem=_problem(e)) for e in errors]
    named = "; ".join(f"{f.field}: {f.problem}" for f in fields[:3])
    more = f" (and {len(fields) - 3} more)" if len(fields) > 3 else ""
    return 422, refusal(422, named + more, fields[:50])


def _problem(error: dict[str, Any]) -> str:
    return str(error.get("msg", "invalid")).removeprefix("Value error, ")


def _is_open(scope: Scope) -> bool:
    path = scope["path"]
    return scope["method"] in ("GET", "HEAD") and (path in PROBES or path in DOCUMENTS or path.startswith("/static_content/"))


def _headers(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _host(scope: Scope) -> str:
    named = _headers(scope, b"host")
    host = named[0].decode("latin-1") if len(named) == 1 else ""
    return host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.rpartition(":")[0] or host


def _given_key(scope: Scope) -> bytes | None:
    for value in _headers(scope, b"authorization"):
        kind, _, token = value.partition(b" ")
        if kind.lower() == b"bearer" and token:
            return bytes(token.strip())
    named = _headers(scope, b"x-api-key")
    return named[0] if named else None


def _wrong_form(scope: Scope) -> str | None:
    """Why the body's form is refused; None where it is plain JSON."""
    types = _headers(scope, b"content-type")
    media = types[0].split(b";")[0].strip().lower() if len(types) == 1 else b""
    if media != JSON:
        found = types[0].decode("latin-1") if types else "no Content-Type"
        return f"expected Content-Type: application/json, found {found}"
    encodings = [e for e in _headers(scope, b"content-encoding") if e.lower() != b"identity"]
    return f"expected a body without Content-Encoding, found {encodings[0].decode('latin-1')}" if encodings else None


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _answer(send: Send, status: int, said: Refusal, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    body = said.model_dump_json().encode()
    plain = [(b"content-type", JSON), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*plain, *(headers or [])]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
