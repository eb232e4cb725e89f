"""Start the Dagster UI or a service as a child process, and stay with it until it ends."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import typer

from tradewind_cli.workspace import importable
from tradewind_contracts.errors import SettingsError, StateError
from tradewind_contracts.settings import use

STOP_SECONDS = 15.0
"""Deadline for a clean end, before everything is killed. Chosen: Dagster's daemon looks at its shutdown pipe every few seconds."""


def dev(port: int, source: str | None = None) -> None:
    """Open the Dagster UI of the source's world on loopback; blocks until it is stopped.

    Raises:
        SettingsError: the port is in use.
    """
    importable()
    from dagster_project.execution import prepare

    now = use(source=source)
    require_free("127.0.0.1", port)
    environment = prepare(now)
    typer.secho(f"Dagster: http://127.0.0.1:{port}/asset-groups  (Ctrl-C stops it)", fg="cyan")
    command = [
        str(Path(sys.executable).with_name("dagster")),
        "dev",
        "-m",
        "dagster_project.definitions",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    _stay(command, environment)


def serve(port: int | None, host: str | None, source: str | None = None) -> None:
    """Serve the champion of the source's world over HTTP; blocks until it is stopped.

    Raises:
        StateError: nothing has been packaged yet.
        SettingsError: the port is in use, or the address needs a key and there is none.
    """
    from tradewind_serving.launching import service_command

    now = use(port=port, host=host, source=source)
    require_free(now.host, now.port)
    with tempfile.TemporaryDirectory(prefix="tradewind-serve-", ignore_cleanup_errors=True) as scratch:
        command, environment = service_command(now, Path(scratch))
        typer.secho(f"ETA service: http://{now.host}:{now.port}  (OpenAPI page at /, Ctrl-C stops it)", fg="cyan")
        _stay(command, environment)


def _stay(command: list[str], environment: dict[str, str]) -> None:
    """Wait for the child; when this process is told to stop (Ctrl-C, SIGTERM), the child and what it started end too."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    process = subprocess.Popen(command, env={**os.environ, **environment}, start_new_session=True)  # noqa: S603 (our own command)
    try:
        code = process.wait()
    except KeyboardInterrupt:
        _end(process)
        raise
    if code:
        raise StateError(f"{Path(command[0]).name} ended with exit code {code}; what it said stands above")


def _end(process: subprocess.Popen[bytes]) -> None:
    # The child leads a session of its own: one signal reaches all that it started.
    for how, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, how)
            process.wait(seconds)


def require_free(host: str, port: int, another: str = "PORT=…") -> None:
    """Refuse a port that is taken, before anything slow is started.

    Raises:
        SettingsError: it is in use; ``another`` says how to choose another.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"port {port} on {host} is in use ({error.strerror}); stop what holds it, or choose another with {another}"
            ) from error
