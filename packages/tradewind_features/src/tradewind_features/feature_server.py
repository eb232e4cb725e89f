"""Feast's feature server behind a key: read features and push records over HTTP, and nothing else.

    serve(FeatureStore(config=config), "127.0.0.1", 6566, api_key)

Feast's app has no key of its own. Of its endpoints three are let through: ``POST /get-online-features``, ``POST /push`` and
``GET /health`` (open, it tells nothing). Closed are, on purpose: ``/materialize*`` (minutes of work for anybody's request, and the
schedule's task), ``/write-to-online-store`` (Feast deprecates it for ``/push``), ``/search``, ``/retrieve-online-documents`` and
``/v1/vector_stores`` (no view here holds vectors), ``/chat``, ``/ws/chat`` and ``/static`` (demonstrations), ``/docs``, ``/redoc`` and
``/openapi.json`` (they describe what is closed). What Feast adds later is closed until it stands here.
"""

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from tradewind_contracts.errors import IntegrityError, NotFoundError, SettingsError, StateError, TradewindError

if TYPE_CHECKING:
    from feast import FeatureStore

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 2 * 1024 * 1024
"""Chosen: as the house's services; about 10,000 keys, or a push of 5,000 records of 20 numbers."""
REGISTRY_TTL_SECONDS = 5
"""How old the registry that is served from may be; Feast's default."""

OPEN = frozenset({("GET", "/health")})
KEYED = frozenset({("POST", "/get-online-features"), ("POST", "/push")})
WORDS = {
    401: "unauthorized",
    404: "not_found",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    500: "internal_error",
    503: "unavailable",
}
_JSON = b"application/json"


@dataclass(frozen=True)
class Access:
    """Who may ask: whoever has ``key``, and if ``anonymous`` whoever asks from this very machine under its own name."""

    key: bytes | None
    anonymous: bool

    @classmethod
    def of(cls, host: str, api_key: str | None, anonymous: bool) -> "Access":
        """The access that a caller of :func:`serve` asks for.

        Raises:
            SettingsError: there is no key, and anonymous use was not asked for or the address is not loopback.
        """
        may_be_anonymous = anonymous and is_loopback(host)
        if not api_key and not may_be_anonymous:
            wanted = "give one, or bind a loopback address" if anonymous else "give one, or ask for anonymous use on loopback"
            raise SettingsError(f"feature server: no key, and it binds {host}; {wanted}")
        return cls(api_key.encode() if api_key else None, may_be_anonymous)

    def admits(self, scope: Scope) -> bool:
        """Whether a request may pass: with the right key, or anonymously from this very machine."""
        # The Host too: a page that a browser on this machine shows must not reach it under a name of its own (DNS rebinding).
        if self.anonymous and is_loopback((scope.get("client") or ("",))[0]) and is_loopback(_host(scope)):
            return True
        given = _given_key(scope)
        return self.key is not None and given is not None and hmac.compare_digest(given, self.key)


def serve(store: "FeatureStore", host: str = "127.0.0.1", port: int = 6566, api_key: str | None = None, anonymous: bool = False) -> None:
    """Serve ``store`` until interrupted.

    Raises:
        SettingsError: no key, and anonymous use was not asked for or the address is not loopback.
    """
    import uvicorn

    uvicorn.run(guarded_app(store, host, api_key, anonymous), host=host, port=port, access_log=False, server_header=False)


def guarded_app(
    store: "FeatureStore",
    host: str = "127.0.0.1",
    api_key: str | None = None,
    anonymous: bool = False,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> App:
    """Feast's ASGI app behind the door: key, endpoints, JSON alone, bounded body, one form of error.

    Raises:
        SettingsError: as :func:`serve`.
    """
    access = Access.of(host, api_key, anonymous)
    from feast.feature_server import get_app

    app = get_app(store, REGISTRY_TTL_SECONDS)
    _refusing(app)
    return Door(app, access, max_body_bytes)


def is_loopback(host: str) -> bool:
    """Whether ``host`` is a loopback address or ``localhost``."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Door:
    """ASGI middleware in front of Feast's app."""

    def __init__(self, app: App, access: Access, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._access = access
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI event."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif (scope["method"], scope["path"]) in OPEN:
            await self._app(scope, receive, send)
        else:
            await self._guarded(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._access.admits(scope):
            said = "a key is required: Authorization: Bearer <key>, or X-API-Key"
            await _answer(send, 401, said, [(b"www-authenticate", b"Bearer")])
        elif (scope["method"], scope["path"]) not in KEYED:
            await _answer(send, 404, "no such endpoint; there are POST /get-online-features, POST /push and GET /health")
        elif problem := _wrong_form(scope):
            await _answer(send, 415, problem)
        else:
            await self._passed(scope, receive, send)

    async def _passed(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await self._read(scope, receive)
        if body is None:
            # The rest of the body is not read: the connection can't be used again.
            await _answer(send, 413, f"the body is larger than {self._max_body_bytes} bytes", [(b"connection", b"close")])
            return
        await self._app(scope, _replayed(body, receive), _Hidden(send))

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """The body; ``None`` if it is too large. Its declared length is believed when it says too much, never when it says too little."""
        declared = _headers(scope, b"content-length")
        if declared and declared[0].isdigit() and int(declared[0]) > self._max_body_bytes:
            return None
        parts, size = [], 0
        while True:
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._max_body_bytes:
                return None
            if message["type"] != "http.request" or not message.get("more_body", False):
                return b"".join(parts)


class _Hidden:
    """A ``send`` that shows nothing of a failure inside (500); Feast would send the exception's text."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._failed = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 500:
            self._failed = True
            await _answer(self._send, message["status"], "the server failed on this request; its log has the reason")
        elif not self._failed:
            await self._send(message)


def _refusing(app: Any) -> None:
    """Let Feast's app answer a caller's mistake with its reason, and a store that can't be used with 503, in the form of all errors."""
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import JSONResponse
    from feast.errors import FeastError

    async def refused(request: Any, error: Exception) -> JSONResponse:  # noqa: ARG001 - Starlette's signature
        status, said = explain(error)
        return JSONResponse(_body(status, said), status)

    for kind in (TradewindError, FeastError, RequestValidationError, ValueError, TypeError, KeyError):
        app.add_exception_handler(kind, refused)


def explain(error: Exception) -> tuple[int, str]:
    """The status and the sentence with which an error is answered.

    Feast gives most of its refusals, such as an unknown feature, the status 500: they are the caller's mistake.
    """
    if isinstance(error, StateError | IntegrityError):
        return 503, str(error)
    if isinstance(error, NotFoundError) or type(error).__name__.endswith("NotFoundException"):
        return 404, str(error)
    if isinstance(error, KeyError):
        return 422, f"missing {error}"
    problems = getattr(error, "errors", None)
    if callable(problems):
        return 422, "; ".join(f"{'.'.join(map(str, each['loc'][1:])) or 'body'}: {each['msg']}" for each in problems())
    return 422, str(error)


def _headers(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]


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
    """Why the body's form is refused; ``None`` where it is plain JSON."""
    types = _headers(scope, b"content-type")
    media = types[0].split(b";")[0].strip().lower() if len(types) == 1 else b""
    if media != _JSON:
        found = types[0].decode("latin-1") if types else "no Content-Type"
        return f"expected Content-Type: application/json, found {found}"
    encodings = [each for each in _headers(scope, b"content-encoding") if each.lower() != b"identity"]
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


def _body(status: int, said: str) -> dict[str, Any]:
    """The body of every error, as the house's services have it: a word for programs, a sentence for people."""
    return {"error": WORDS.get(status, "error"), "detail": said, "fields": []}


async def _answer(send: Send, status: int, said: str, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    body = json.dumps(_body(status, said)).encode()
    plain = [(b"content-type", _JSON), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*plain, *(headers or [])]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
