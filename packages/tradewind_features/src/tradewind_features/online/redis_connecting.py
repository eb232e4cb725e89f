"""The connection to a Redis server that holds an online store: its URL, its errors, its scripts.

A URL is as redis-py takes it, with the store's prefix as one more argument:
``rediss://user:password@host:6380/0?prefix=marketplace:brazil&socket_timeout=2``. Whoever has it gives it; it is never logged, and
errors name host, port, database and prefix only.
"""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from tradewind_contracts.errors import SettingsError, StateError
from tradewind_features.online.redis_layout import Keys

PREFIX = "tradewind"
CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 5.0
HEALTH_CHECK_S = 30
"""A connection that was idle for longer is tried before it is used: firewalls forget idle ones."""


class RedisStore:
    """A pool of connections to one server, and the keys of one store on it. Threads and forks may share it.

    Raises:
        SettingsError: the URL can't be read, or the Redis client is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            import redis
        except ImportError as error:
            raise SettingsError("an online store on Redis needs the Redis client: install tradewind-features[redis]") from error

        split, arguments = _split(url)
        prefix = arguments.pop("prefix", PREFIX)
        if not prefix or {"{", "}"} & set(prefix):
            raise SettingsError(f"online store on Redis: a prefix is neither empty nor has braces (found: {prefix!r})")
        self.keys = Keys(prefix)
        self.location = f"{split.scheme}://{split.hostname or 'localhost'}:{split.port or 6379}{split.path}?prefix={prefix}"
        try:
            pool = redis.ConnectionPool.from_url(
                urlunsplit(split._replace(query=urlencode(arguments))),
                socket_connect_timeout=CONNECT_TIMEOUT_S,
                socket_timeout=ANSWER_TIMEOUT_S,
                health_check_interval=HEALTH_CHECK_S,
            )
        except (ValueError, TypeError) as error:
            # The client's own words may hold the URL, and with it the password.
            raise SettingsError(f"online store {self.location}: the URL can't be read ({type(error).__name__})") from None
        self.client: Any = redis.Redis(connection_pool=pool)  # its types are those of the plain and the awaited client at once

    def close(self) -> None:
        """Close the connections that no thread is using now; there are at most as many as threads, and a later call opens one again."""
        self.client.connection_pool.disconnect(inuse_connections=False)

    def run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """The answer of a script on the server."""
        return self.run_all(script, [(keys, arguments)])[0]

    def run_all(self, script: str, calls: Sequence[tuple[Sequence[str], Sequence[Any]]]) -> list[Any]:
        """The answers to several calls of a script, sent together; each call is atomic."""
        from redis.exceptions import NoScriptError

        digest = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        answers = self._pipeline(digest, calls)
        missing = [place for place, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if missing:
            self.client.script_load(script)
            for place, answer in zip(missing, self._pipeline(digest, [calls[place] for place in missing]), strict=True):
                answers[place] = answer
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    def _pipeline(self, digest: str, calls: Sequence[tuple[Sequence[str], Sequence[Any]]]) -> list[Any]:
        with self.client.pipeline(transaction=False) as pipeline:
            for keys, arguments in calls:
                pipeline.evalsha(digest, len(keys), *keys, *arguments)
            return list(pipeline.execute(raise_on_error=False))

    @contextlib.contextmanager
    def told(self, view: str | None = None) -> Iterator[None]:
        """The client's errors in the block become ``StateError`` that names the server, the view and what to do."""
        from redis.exceptions import RedisError

        try:
            yield
        except RedisError as error:
            place = f"{self.location}, view {view!r}" if view is not None else self.location
            raise StateError(f"online store {place}: {_advice(error)} (Redis: {error})") from error


def with_prefix(url: str, prefix: str) -> str:
    """A server's URL with the prefix of one store on it.

    Raises:
        SettingsError: the URL can't be read.
    """
    split, arguments = _split(url)
    return urlunsplit(split._replace(query=urlencode(arguments | {"prefix": prefix})))


def _advice(error: Exception) -> str:
    from redis.exceptions import AuthenticationError, BusyLoadingError, ConnectionError, OutOfMemoryError, ReadOnlyError, TimeoutError  # noqa: A004 - the client's names

    advice = (
        (AuthenticationError, "the server refuses the user or password of the URL"),
        (BusyLoadingError, "the server is still loading its data; try again"),
        (OutOfMemoryError, "the server has no memory left; nothing of this part was kept and what was there is still served"),
        (ReadOnlyError, "the server is a read-only replica; write to its primary"),
        (TimeoutError, "the server does not answer in time; writing the same rows again is safe"),
        (ConnectionError, "the server can't be reached; writing the same rows again is safe"),
    )
    return next((text for kind, text in advice if isinstance(error, kind)), "the server refuses")


def _split(url: str) -> tuple[SplitResult, dict[str, str]]:
    """A URL in parts, and its arguments. Raises ``SettingsError`` that does not repeat it: it may hold a password."""
    try:
        split = urlsplit(url)
        split.port  # noqa: B018 - raises where it is no number
        arguments = dict(parse_qsl(split.query, strict_parsing=bool(split.query), keep_blank_values=True))
    except ValueError:
        raise SettingsError(
            "online store on Redis: the URL can't be read; expected redis://[user:password@]host[:port][/database][?prefix=…]"
        ) from None
    return split, arguments
