"""The log of one process: a request appends references to a bounded queue; one thread turns them into rows and writes them.

Nothing here fails or delays an answer. What can't be kept is dropped and counted: because the queue is full (the disk stands still), or
because the file system refuses. Several processes write beside each other, each to segments of its own.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from tradewind_contracts.errors import StateError
from tradewind_contracts.segments import SegmentWriter, seal, seal_left_ones
from tradewind_contracts.settings import Settings
from tradewind_contracts.tables.predictions import LOGGED
from tradewind_serving import metrics
from tradewind_serving.prediction_log.policy import policy_of
from tradewind_serving.prediction_log.rows import Decision, RowMaker
from tradewind_serving.questions import EtaRequest

RAW = "raw"
"""The folder of segments below the world's prediction log."""

MOST_WAITING = 8192
"""Answers that may wait to be written. Chosen: forty seconds of 200 requests/s, and some hundred megabytes at most."""

FLUSH_SECONDS = 0.4
"""Chosen: at least two writes a second, so that a kill loses less than the last second."""

SEGMENT_SECONDS, SEGMENT_ROWS = 600.0, 50_000
"""A segment is sealed after this. Chosen: ten minutes of 50 requests/s, read again in well under a second."""

log = logging.getLogger("bentoml.tradewind")


class PredictionLog:
    """Keeps decisions. ``note`` may be called by any thread; ``close`` once, when nobody answers any more."""

    def __init__(self, folder: Path, rows: RowMaker, most_waiting: int = MOST_WAITING, flush_seconds: float = FLUSH_SECONDS) -> None:
        self._folder = folder
        self._rows = rows
        self._most = most_waiting
        self._seconds = flush_seconds
        self._lock = threading.Lock()
        self._decisions: list[Decision] = []
        self._waiting = 0
        self._wake = threading.Event()
        self._stopping = False
        self._segment: SegmentWriter | None = None
        self._opened = 0.0
        self._trouble: str | None = None
        self._dropped_since = 0
        self._sealing: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._run, name="prediction log", daemon=True)

    @classmethod
    def open(cls, settings: Settings) -> "PredictionLog | None":
        """The log of the settings' world, its thread running; ``None`` where the settings want none.

        Raises:
            SettingsError: the settings name a field to hash that is none.
        """
        if not settings.prediction_log:
            return None
        policy = policy_of(EtaRequest, settings)
        for field in policy.dropped:
            log.warning("prediction log: %s is dropped (%s)", field.field, field.reason or "declared so")
        folder = settings.paths.prediction_log / RAW
        opened = cls(folder, RowMaker(settings.world_name, policy))
        opened.start()
        log.info("answers are logged in %s", folder)
        return opened

    def start(self) -> None:
        """Start the thread, and seal what killed processes left."""
        self._in_background(lambda: seal_left_ones(self._folder, log.warning))
        self._thread.start()

    def note(self, decision: Decision) -> None:
        """Keep one request's decisions, to be written within half a second; dropped and counted if too many wait. Never blocks."""
        count = len(decision.answers)
        with self._lock:
            is_kept = self._waiting + count <= self._most
            if is_kept:
                self._decisions.append(decision)
                self._waiting += count
        if not is_kept:
            self._drop(count, "queue_full", f"{self._most:,} answers wait to be written")
        elif self._waiting > self._most // 2:
            self._wake.set()

    def close(self) -> None:
        """Write what waits, and seal the segment. Takes a second at most, unless the disk stands still."""
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=5)
        for thread in self._sealing:
            thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(self._seconds)
            self._wake.clear()
            self._flush()
            if self._segment is not None and self._is_full(self._segment):
                self._in_background(partial(seal, self._give_up_segment(self._segment)))
        self._flush()
        if self._segment is not None:
            self._sealed(partial(seal, self._give_up_segment(self._segment)))

    def _flush(self) -> None:
        with self._lock:
            decisions, self._decisions = self._decisions, []
            self._waiting = 0
        if not decisions:
            return
        left = sum(len(decision.answers) for decision in decisions)
        try:
            for batch in self._rows.batches(decisions):
                self._write(batch)
                left -= batch.num_rows
        except OSError as error:
            self._drop(left, "not_written", f"{self._folder}: {error.strerror or error}")
        except Exception as error:  # noqa: BLE001 (a row that can't be formed must end neither the log nor the service)
            self._drop(left, "not_formed", f"{type(error).__name__}: {error}")
        else:
            self._recovered()

    def _write(self, batch: pa.RecordBatch) -> None:
        if self._segment is None:
            self._segment = SegmentWriter(self._folder, LOGGED)
            self._opened = time.monotonic()
        self._segment.append(batch)
        metrics.LOGGED.inc(batch.num_rows)

    def _is_full(self, segment: SegmentWriter) -> bool:
        return segment.rows >= SEGMENT_ROWS or time.monotonic() - self._opened >= SEGMENT_SECONDS

    def _give_up_segment(self, segment: SegmentWriter) -> Path:
        self._segment = None
        return segment.close()

    def _drop(self, count: int, reason: str, why: str) -> None:
        metrics.LOG_DROPPED.labels(reason).inc(count)
        self._dropped_since += count
        if self._trouble != reason:
            # Said once, not at each answer.
            self._trouble = reason
            log.error("answers are not logged: %s; they are counted in tradewind_eta_log_dropped_total", why)

    def _recovered(self) -> None:
        if self._trouble is not None:
            log.warning("answers are logged again; %s were not", f"{self._dropped_since:,}")
            self._trouble, self._dropped_since = None, 0

    def _in_background(self, work: Callable[[], Any]) -> None:
        self._sealing = [thread for thread in self._sealing if thread.is_alive()]
        thread = threading.Thread(target=self._sealed, args=(work,), name="seal prediction log", daemon=True)
        self._sealing.append(thread)
        thread.start()

    def _sealed(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except (StateError, OSError, pa.ArrowException) as error:
            log.warning("a segment of the prediction log is not sealed yet: %s; the next start or landing does", error)
