"""Following an alias: the promoted version is loaded and proven beside the one that answers, then one reference is swapped.

A request takes ``current`` once and keeps it to its end, so no answer mixes two versions.
"""

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from prometheus_client import Gauge

from tradewind_contracts.errors import IntegrityError, NotFoundError, StateError
from tradewind_contracts.instants import Clock, iso
from tradewind_serving import metrics
from tradewind_serving.answers import ServedVersion
from tradewind_serving.proving import Sealed, Served

POLL_SECONDS = 1.0
"""Chosen: one indexed query a second costs nothing, and a promotion reaches every worker well within five seconds."""

RETRY_SECONDS = 3.0
"""When a refused version is tried again. Chosen: one that was mended is followed within five seconds of it, and a remote store
is not asked for a damaged bundle each second."""

STALLED_SECONDS = 10.0
"""Without an ended poll for so long the alias counts as not followed. Chosen: twice what a promotion may take."""

OVERRULES_SECONDS = 30.0
"""How often the overrules of what is served are looked at. Chosen: they last for days."""

KINDS = ("unreachable", "integrity", "not_found", "other", "overrule_expired")
"""Reasons why the alias is not followed: registry, bundles or features are out of reach, the version does not prove right, the alias
names nothing, anything else. Or it is followed, to a version that only an expired overrule let through."""

TROUBLE = Gauge(
    "tradewind_eta_trouble",
    "1 while the alias is not followed, or stands on an expired overrule, by reason.",
    ["kind"],
    multiprocess_mode="livemax",
)
SEEN = Gauge(
    "tradewind_eta_alias_read_timestamp_seconds",
    "When the alias was last read from the registry (seconds since 1970).",
    ["alias"],
    multiprocess_mode="livemin",
)

log = logging.getLogger("bentoml.tradewind")


class VersionRow(Protocol):
    """What following needs of a registry's version."""

    @property
    def model(self) -> str:
        """Name of the model."""
        ...

    @property
    def number(self) -> int:
        """Its number."""
        ...

    @property
    def world(self) -> str:
        """The world that it was trained in."""
        ...

    @property
    def bundle_digest(self) -> str:
        """SHA-256 of its bundle."""
        ...

    @property
    def view_specs(self) -> Mapping[str, str]:
        """View → digest of the definition that it was trained on."""
        ...


class VersionSource(Protocol):
    """What following needs of the registry's read client."""

    world: str
    """Whose aliases it reads."""

    def resolve(self, reference: str) -> Any:
        """The version that an alias names now."""
        ...

    def open_bundle(self, version: Any) -> Path:
        """A local folder with its bundle, digests verified."""
        ...

    def expired_overrules(self, at: dt.datetime) -> Sequence[Any]:
        """The aliases that stand on an overrule which has expired at ``at``: world, alias and overrule."""
        ...

    def close(self) -> None:
        """Return the connections."""
        ...


Prove = Callable[[Path, Sealed], Served]


class Follower:
    """Keeps the proven version that ``reference`` names.

    ``connect`` opens the registry; it raises StateError while that is out of reach, and is tried again at each poll.
    ``baked`` is the version to start with then, if there is one.
    """

    def __init__(
        self,
        reference: str,
        connect: Callable[[], VersionSource],
        prove: Prove,
        baked: tuple[Path, Sealed] | None = None,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._reference = reference
        self._retry_seconds = retry_seconds
        self._connect = connect
        self._prove = prove
        self._baked = baked
        self._source: VersionSource | None = None
        self._current: Served | None = None
        self._refused: str | None = None
        self._lapsed: str | None = None
        self._overrules_due = 0.0
        self._retry: tuple[int, str, float] | None = None
        self._polled_at = time.monotonic()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def current(self) -> Served:
        """The version that answers. Take it once for each request.

        Raises:
            StateError: ``start`` has not found one.
        """
        if self._current is None:
            raise StateError(f"{self._reference}: no version is loaded")
        return self._current

    @property
    def trouble(self) -> str | None:
        """Why the version that the alias names is not served, the alias is not followed, or what is served should not be any more; None
        when all is well.
        """
        if self._thread is None:
            return self._refused or self._lapsed
        if not self._thread.is_alive():
            return f"{self._reference} is no longer followed; restart the service"
        waited = time.monotonic() - self._polled_at
        if waited > STALLED_SECONDS:
            return f"{self._reference} was last looked at {waited:.0f} s ago: registry or bundle store do not answer"
        return self._refused or self._lapsed

    def start(self) -> None:
        """Load the first version: the alias's, or the baked one where registry or bundle store are out of reach.

        Raises:
            NotFoundError: the registry answers, and the alias names nothing.
            IntegrityError: a digest or golden row does not match. Nothing else is served in its place.
            StateError: one of them is out of reach, and no version was baked in.
        """
        try:
            version = self._resolve()
            folder = self._bundle(version)
        except StateError as error:
            if self._baked is None:
                raise StateError(f"{error}; and no version of this world was baked into this service") from error
            folder, baked = self._baked
            self._swap(self._prove(folder, baked))
            self._note(str(error), "unreachable")
            return
        self._take(version, folder)

    def poll(self) -> None:
        """Look once at what the alias names; serve it if it is another version and proves right, else keep the present one, loudly."""
        try:
            self._look()
        except StateError as error:
            self._note(str(error), "unreachable")
        except NotFoundError as error:
            self._note(str(error), "not_found")
        except IntegrityError as error:
            self._note(str(error), "integrity")
        except Exception as error:  # noqa: BLE001 (whatever a family's code raises, the present version answers and following goes on)
            self._note(f"{type(error).__name__}: {error}", "other")
        self._polled_at = time.monotonic()

    def follow(self, seconds: float = POLL_SECONDS) -> None:
        """Poll in a background thread until ``stop``."""

        def run() -> None:
            while not self._stopping.wait(seconds):
                self.poll()

        self._polled_at = time.monotonic()
        self._thread = threading.Thread(target=run, name=f"follow {self._reference}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the background thread; the present version keeps answering."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            if self._thread.is_alive():
                return  # it waits for a registry that does not answer, and ends with the process
            self._thread = None
        self._disconnect()

    def _look(self) -> None:
        version = self._resolve()
        present = self.current.version
        if (present.number, present.digest, present.source) == (version.number, version.bundle_digest, "registry"):
            self._look_at_overrules()
            self._well()
            return
        wanted = (version.number, version.bundle_digest)
        if self._retry is not None and self._retry[:2] == wanted and time.monotonic() < self._retry[2]:
            return
        self._retry = (*wanted, time.monotonic() + self._retry_seconds)
        self._take(version, self._bundle(version))
        self._well()

    def _look_at_overrules(self) -> None:
        # Nothing is half-stopped at night: the version goes on answering, and it is said.
        if self._source is None or time.monotonic() < self._overrules_due:
            return
        before, version = self._lapsed, self.current.version
        mine = (self._source.world, self._reference, version.number)
        expired = [
            f"{found.overrule.gate} (until {iso(found.overrule.expires_at)})"
            for found in self._source.expired_overrules(Clock().now())
            if (found.world, f"{found.overrule.model}@{found.alias}", found.overrule.number) == mine
        ]
        self._lapsed = None
        if expired:
            self._lapsed = (
                f"{version.name}@{version.number} is served on an expired overrule of {', '.join(expired)};"
                " it goes on answering: promote another version, or overrule again with a reason"
            )
            if self._lapsed != before:
                log.error("%s: %s", self._reference, self._lapsed)
        self._overrules_due = time.monotonic() + OVERRULES_SECONDS

    def _resolve(self) -> VersionRow:
        try:
            if self._source is None:
                self._source = self._connect()
            version: VersionRow = self._source.resolve(self._reference)
        except StateError as error:
            self._disconnect()
            raise StateError(f"registry out of reach: {error}") from error
        SEEN.labels(self._reference).set_to_current_time()
        return version

    def _disconnect(self) -> None:
        # Opened anew at the next poll: the database may be another by then.
        source, self._source, self._retry = self._source, None, None
        if source is not None:
            source.close()

    def _bundle(self, version: VersionRow) -> Path:
        assert self._source is not None
        if version.world != self._source.world:
            raise IntegrityError(
                f"{version.model}@{version.number} is of world {version.world}, this service answers for {self._source.world}; it is not served"
            )
        return self._source.open_bundle(version)

    def _take(self, version: VersionRow, folder: Path) -> None:
        served = ServedVersion(name=version.model, number=version.number, digest=version.bundle_digest, source="registry")
        self._swap(self._prove(folder, Sealed(served, dict(version.view_specs))))

    def _swap(self, served: Served) -> None:
        before = self._current
        self._current, self._lapsed, self._overrules_due = served, None, 0.0
        metrics.show_version(served.version, before.version if before else None)
        said = f"{served.version.name}@{served.version.number} ({served.version.digest[:12]}, {served.version.source})"
        log.info("serving %s%s", said, f" instead of @{before.version.number}" if before else "")

    def _well(self) -> None:
        if self._refused is not None:
            log.info("%s is followed again", self._reference)
        self._refused = self._retry = None
        self._show("overrule_expired" if self._lapsed else None)

    def _note(self, reason: str, kind: str) -> None:
        # Said once, not at each poll.
        if reason != self._refused:
            kept = self._current.version.number if self._current else "none"
            log.error("%s is not followed: %s; version %s answers", self._reference, reason, kept)
            metrics.REFUSED.labels(kind).inc()
        self._refused = reason
        self._show(kind)

    def _show(self, trouble: str | None) -> None:
        for kind in KINDS:
            TROUBLE.labels(kind).set(int(kind == trouble))
