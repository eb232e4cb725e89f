"""Progress of a run for whoever started it in this process: one line as a step starts, tells of itself, and ends.

A Dagster logger hears every event as it happens; the listener is set by ``execution`` for the time of one run.
"""

import contextlib
import logging
import re
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import dagster as dg

LOGGER = "progress"
Listener = Callable[[str, str, float | None], None]
"""Hears (step, line, seconds): seconds are given with the line that ends a step."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let ``listener`` hear the runs that are executed inside the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


_CHATTER = re.compile(r"^(A dbt subsetted execution is not being performed|Running dbt command)")
"""What dagster-dbt says of its own invocation: noise to who watches the run; the log of the run keeps it."""


class _Told(logging.Handler):
    """Turns log records of a run into lines."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._started: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Tell the listener, if there is one."""
        listener = _listener.get()
        meta = getattr(record, "dagster_meta", None)
        if listener is None or meta is None or not meta.get("step_key"):
            return
        step, event = meta["step_key"], meta.get("dagster_event")
        kind = event.event_type_value if event is not None else ""
        if kind == "STEP_START":
            self._started[step] = time.perf_counter()
            listener(step, "started", None)
        elif kind in ("STEP_SUCCESS", "STEP_FAILURE", "STEP_SKIPPED"):
            seconds = time.perf_counter() - self._started.get(step, time.perf_counter())
            listener(step, {"STEP_SUCCESS": "done", "STEP_FAILURE": "failed", "STEP_SKIPPED": "skipped"}[kind], seconds)
        elif event is None and record.levelno >= logging.INFO:
            line = str(meta.get("orig_message", record.getMessage()))
            if not _CHATTER.match(line):
                listener(step, line, None)


@dg.logger(description="Tells the caller in this process how the run goes; silent where nobody listens.")
def progress_logger(context: dg.InitLoggerContext) -> logging.Logger:
    """A logger of its own for each run."""
    logger = logging.Logger(LOGGER, logging.DEBUG)  # Dagster tells of steps at this level
    logger.addHandler(_Told())
    return logger
