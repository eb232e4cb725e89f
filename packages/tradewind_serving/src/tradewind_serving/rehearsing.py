"""A rehearsal: start a built service and ask it as a product team would, over HTTP, with a key, through the typed client."""

import contextlib
import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr

from tradewind_contracts.errors import SettingsError, StateError
from tradewind_contracts.settings import Settings
from tradewind_serving.client import EtaAnswer, EtaClient, EtaRequest

READY_SECONDS = 60.0
"""Deadline for the first answer. Chosen: a start takes 3 s on an idle machine."""

STOP_SECONDS = 10.0
"""Deadline for a clean end, before the processes are killed."""

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class RunningService:
    """A service that answers: where, with which key, and where its log is."""

    url: str
    key: str
    log: Path


class AnsweredQuestion(BaseModel):
    """A real order, what the service said of it, and what the archive says happened later (null if it was never delivered)."""

    model_config = ConfigDict(frozen=True)

    order_id: str
    parcel_id: str
    answer: EtaAnswer
    actual_days: float | None
    marketplace_promise_days: float | None
    """The promise that was printed at purchase, beside ours."""

    @property
    def is_inside(self) -> bool | None:
        """Whether it arrived between p10 and p90."""
        quantiles = self.answer.estimates
        return None if self.actual_days is None else quantiles.p10.days <= self.actual_days <= quantiles.p90.days


@contextlib.contextmanager
def serve(settings: Settings, bento: Path, port: int | None = None, name: str = "eta-service") -> Iterator[RunningService]:
    """The service of the Bento in the folder ``bento``, in processes of its own, on loopback, until the block ends.

    ``port`` None takes a free one. Without a key in the settings a fresh one is made for this run. If this process is
    killed, the service ends too (Linux). ``name`` is that of its log: one for each service of a home that runs at the same time.

    Raises:
        StateError: the port is in use, the service refused to start (with the reason that it gave), or was not ready in time.
    """
    host = "127.0.0.1"
    chosen = _free_port(host) if port is None else _require_free(host, port)
    key = settings.api_key.get_secret_value() if settings.api_key else secrets.token_urlsafe(24)
    # The service runs in another folder: a relative home would be another one.
    own = settings.model_copy(
        update={"home": settings.paths.home, "api_key": SecretStr(key), "host": host, "port": chosen, "allow_anonymous": False}
    )
    log = settings.paths.logs / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # BentoML empties the folder of metrics in its home at each start: each run has a home of its own.
    with tempfile.TemporaryDirectory(prefix="tradewind-serve-") as scratch, log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 (our own interpreter and arguments)
            [sys.executable, "-m", "bentoml", "serve", str(bento), "--host", host, "--port", str(chosen)],
            cwd=bento,
            env=_environment(own, Path(scratch)),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        try:
            url = f"http://{host}:{chosen}"
            _wait_until_ready(process, url, log)
            yield RunningService(url, key, log)
        finally:
            _stop(process)


def ask(running: RunningService, questions: Sequence[Mapping[str, Any]]) -> list[AnsweredQuestion]:
    """Real orders (rows of the label table), asked one by one, each beside what happened later.

    An order whose weight nobody recorded is left out: the service asks for one.

    Raises:
        EtaServiceError: the service failed or refused.
    """
    with EtaClient(running.url, running.key) as eta:
        return [_answered(question, eta.predict(question_to_request(question))) for question in questions if question["weight_g"]]


def question_to_request(question: Mapping[str, Any]) -> EtaRequest:
    """The request for a row of the label table: only what was known at purchase."""
    return EtaRequest(
        merchant_id=question["merchant_id"],
        destination_postal_code=question["destination_postal_area_id"],
        weight_g=question["weight_g"],
        volume_cm3=question["volume_cm3"] or None,
        items_count=question["items_count"],
        category=question["category"],
        price=float(question["price"]),
        freight=float(question["freight"]),
        ordered_at=question["event_timestamp"],
        order_id=question["order_id"],
    )


def _answered(question: Mapping[str, Any], answer: EtaAnswer) -> AnsweredQuestion:
    promised, ordered = question["promised_at"], question["event_timestamp"]
    return AnsweredQuestion(
        order_id=question["order_id"],
        parcel_id=question["parcel_id"],
        answer=answer,
        actual_days=question["duration_days"],
        marketplace_promise_days=(promised - ordered).total_seconds() / 86_400 if promised is not None else None,
    )


def _environment(settings: Settings, scratch: Path) -> dict[str, str]:
    # Only what is named here: nothing of the caller's shell changes what is served.
    return settings.environment() | {
        "BENTOML_HOME": str(scratch),
        "BENTOML_DO_NOT_TRACK": "True",
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
    }


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _require_free(host: str, port: int) -> int:
    if not 1 <= port <= 65535:
        raise SettingsError(f"port {port}: expected 1 to 65535")
    with socket.socket() as probe:
        # As the server does: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StateError(
                f"port {port} on {host} is in use ({error.strerror}); end what listens there, or choose another with --port"
            ) from error
    return port


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with httpx.Client(timeout=2.0, trust_env=False) as http:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise StateError(f"the service refused to start (exit code {process.returncode}): {_last_words(log)} (log: {log})")
            with contextlib.suppress(httpx.HTTPError):
                if http.get(f"{url}/readyz").status_code == 200:
                    return
            time.sleep(0.05)
    raise StateError(f"{url}: not ready within {READY_SECONDS:.0f} s: {_last_words(log)} (log: {log})")


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    refused = [line for line in lines if "refuses to start" in line]
    return (refused or lines or ["it said nothing"])[-1]


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    # Its workers are in its session: whatever is left of them must not stay.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
