"""Following an alias: the promoted version is loaded and proven beside the one that answers, then one reference is swapped.

A request takes ``current`` once and keeps it to its end, so no answer mixes two versions.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from tradewind_contracts.errors import IntegrityError, NotFoundError, StateError, TradewindError
from tradewind_serving import metrics
from tradewind_serving.answers import ServedVersion
from tradewind_serving.proving import Sealed, Served

POLL_SECONDS = 1.0
"""Chosen: one indexed query a second costs nothing, and a promotion reaches every worker well within five seconds."""

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
    def bundle_digest(self) -> str:
        """SHA-256 of its bundle."""
        ...

    @property
    def view_specs(self) -> Mapping[str, str]:
        """View → digest of the definition that it was trained on."""
        ...


class VersionSource(Protocol):
    """What following needs of the registry's read client."""

    def resolve(self, reference: str) -> Any:
        """The version that an alias names now."""
        ...

    def open_bundle(self, version: Any) -> Path:
        """A local folder with its bundle, digests verified."""
        ...


Prove = Callable[[Path, Sealed], Served]


class Follower:
    """Keeps the proven version that ``reference`` names.

    ``connect`` opens the registry; it raises StateError while that is out of reach, and is tried again at each poll.
    ``baked`` is the version to start with then, if there is one.
    """

    def __init__(
        self, reference: str, connect: Callable[[], VersionSource], prove: Prove, baked: tuple[Path, Sealed] | None = None
    ) -> None:
        self._reference = reference
        self._connect = connect
        self._prove = prove
        self._baked = baked
        self._source: VersionSource | None = None
        self._current: Served | None = None
        self._refused: str | None = None
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
        """Why the version that the alias names is not served, or the alias is not followed; None when all is well."""
        if self._thread is not None and not self._thread.is_alive():
            return f"{self._reference} is no longer followed; restart the service"
        return self._refused

    def start(self) -> None:
        """Load the first version: the alias's, or the baked one where the registry is out of reach.

        Raises:
            NotFoundError: the registry answers, and the alias names nothing.
            IntegrityError: a digest or golden row does not match. Nothing else is served in its place.
            StateError: the registry is out of reach, and no version was baked in.
        """
        try:
            version = self._resolve()
        except StateError as error:
            if self._baked is None:
                raise StateError(f"{error}; and no version of this world was baked into this service") from error
            folder, baked = self._baked
            self._swap(self._prove(folder, baked))
            self._note(f"registry out of reach: {error}", "unreachable")
            return
        self._take(version)

    def poll(self) -> None:
        """Look once at what the alias names; serve it if it is another version and proves right, else keep the present one, loudly."""
        try:
            version = self._resolve()
            present = self.current.version
            if (present.number, present.digest, present.source) != (version.number, version.bundle_digest, "registry"):
                self._take(version)
            self._refused = None
        except StateError as error:
            self._source = None
            self._note(f"registry out of reach: {error}", "unreachable")
        except (IntegrityError, NotFoundError) as error:
            self._note(str(error), "integrity" if isinstance(error, IntegrityError) else "not_found")
        except (TradewindError, OSError) as error:
            self._note(f"{type(error).__name__}: {error}", "other")

    def follow(self, seconds: float = POLL_SECONDS) -> None:
        """Poll in a background thread until ``stop``."""

        def run() -> None:
            while not self._stopping.wait(seconds):
                self.poll()

        self._thread = threading.Thread(target=run, name=f"follow {self._reference}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the background thread; the present version keeps answering."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            self._thread = None

    def _resolve(self) -> VersionRow:
        if self._source is None:
            self._source = self._connect()
        version: VersionRow = self._source.resolve(self._reference)
        return version

    def _take(self, version: VersionRow) -> None:
        assert self._source is not None
        folder = self._source.open_bundle(version)
        served = ServedVersion(name=version.model, number=version.number, digest=version.bundle_digest, source="registry")
        self._swap(self._prove(folder, Sealed(served, dict(version.view_specs))))

    def _swap(self, served: Served) -> None:
        before = self._current
        self._current = served
        metrics.show_version(served.version, before.version if before else None)
        said = f"{served.version.name}@{served.version.number} ({served.version.digest[:12]}, {served.version.source})"
        log.info("serving %s%s", said, f" instead of @{before.version.number}" if before else "")

    def _note(self, reason: str, kind: str) -> None:
        # Said once, not at each poll.
        if reason != self._refused:
            kept = self._current.version.number if self._current else "none"
            log.error("%s is not followed: %s; version %s answers", self._reference, reason, kept)
            metrics.REFUSED.labels(kind).inc()
        self._refused = reason
