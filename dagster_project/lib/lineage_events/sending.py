"""Sending events in the background: bounded, with a deadline, and silent after one word about what does not work."""

import queue
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tradewind_contracts.settings import Settings

TIMEOUT_SECONDS = 2.0
"""Of one request, to connect and between two bytes. Chosen: a collector that is slower is as good as absent."""
CLOSE_SECONDS = 5.0
"""For what still waits when the run is over. Chosen: nobody waits longer for bookkeeping."""
MOST_WAITING = 10_000
"""Events that wait; what comes beyond is dropped and counted. Chosen: a run of all has some hundred."""
TRIES = 3
"""Failures in a row after which the endpoint is left alone for the rest of the run. Chosen: one is a hiccup, three are an outage."""

Event = Callable[[], Any]
"""Makes an event when it is its turn: that costs the run nothing."""


class Sender:
    """Sends events in their order from a thread of its own. ``problem`` is what a person should hear, once; empty while all is well."""

    def __init__(self, emit: Callable[[Any], object], where: str, close_seconds: float = CLOSE_SECONDS) -> None:
        self._emit = emit
        self._where = where
        self._close_seconds = close_seconds
        self._waiting: queue.Queue[Event | None] = queue.Queue(MOST_WAITING)
        self._failures = 0
        self._unsent = 0
        self._closing = threading.Event()
        self._reason = ""
        self._thread = threading.Thread(target=self._work, name="openlineage", daemon=True)
        self._thread.start()

    def send(self, event: Event) -> None:
        """Leave an event to the thread; returns at once."""
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            self._lost("too many events wait")

    def close(self) -> None:
        """Send what waits, within the deadline; the rest is dropped and counted."""
        until = time.monotonic() + self._close_seconds
        self.send_end(until)
        self._thread.join(max(until - time.monotonic(), 0.0))
        if self._thread.is_alive():
            self._closing.set()
            self._unsent += self._waiting.qsize() + 1
            self._reason = self._reason or f"not all was taken within {self._close_seconds:g} s"

    def send_end(self, until: float) -> None:
        """Tell the thread that nothing more comes; a queue that stays full until then is left."""
        try:
            self._waiting.put(None, timeout=max(until - time.monotonic(), 0.001))
        except queue.Full:
            self._closing.set()

    @property
    def problem(self) -> str:
        """Why events were not taken; empty where they were."""
        return f"OpenLineage: {self._where}: {self._reason}; the run goes on without telling it" if self._reason else ""

    @property
    def unsent(self) -> int:
        """Events that were not taken."""
        return self._unsent

    def _work(self) -> None:
        while not self._closing.is_set():
            event = self._waiting.get()
            if event is None:
                return
            if self._failures >= TRIES:
                self._unsent += 1
                continue
            try:
                self._emit(event())
                self._failures = 0
            except Exception as error:  # noqa: BLE001 (whatever goes wrong with bookkeeping, the run must not notice)
                self._failures += 1
                self._lost(_reason(error))

    def _lost(self, reason: str) -> None:
        self._unsent += 1
        self._reason = self._reason or reason


def sender(settings: Settings) -> Sender:
    """The sender to the endpoint that ``settings`` name: ``http://host:port``, or the whole address where it has a path.

    Its key is sent as a bearer token. Neither the process's environment nor a configuration file of the library is read.
    """
    where = urlsplit(settings.openlineage_url).hostname or "the endpoint"
    try:
        return Sender(_http(settings).emit, where)
    except (ValueError, KeyError, TypeError):
        return Sender(_refuse, where)


def _http(settings: Settings) -> Any:
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider

    parts = urlsplit(settings.openlineage_url)
    key = settings.openlineage_api_key.get_secret_value() if settings.openlineage_api_key is not None else ""
    endpoint = {"endpoint": parts.path + (f"?{parts.query}" if parts.query else "")} if parts.path.strip("/") else {}
    config = HttpConfig(
        url=f"{parts.scheme}://{parts.netloc}",
        timeout=TIMEOUT_SECONDS,
        auth=ApiKeyTokenProvider({"apiKey": key}) if key else TokenProvider({}),
        retry={"total": 0, "connect": 0, "read": 0, "status": 0},
        **endpoint,
    )
    transport = HttpTransport(config)
    transport.session.trust_env = False  # neither proxies nor a netrc of the environment: settings are the only reader of it
    return transport


def _refuse(_: Any) -> None:
    raise ValueError("TRADEWIND_OPENLINEAGE_URL is no address such as http://localhost:5000")


def _reason(error: Exception) -> str:
    """The failure in a few words: never an address with a password, nor the body of an answer."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"it answered {status}"
    return (
        str(error)
        if type(error) is ValueError and "TRADEWIND_OPENLINEAGE_URL" in str(error)
        else f"events can't be sent ({type(error).__name__})"
    )
