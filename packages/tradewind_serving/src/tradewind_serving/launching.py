"""How a built service is started: the command and the environment of its process, for whoever keeps it running."""

import sys
from pathlib import Path

from tradewind_contracts.errors import StateError
from tradewind_contracts.settings import Settings
from tradewind_serving.security import AccessPolicy, is_loopback

SERVICE = "eta"


def service_command(settings: Settings, scratch: Path) -> tuple[list[str], dict[str, str]]:
    """The command that serves the newest Bento of the settings' world at their address, and the variables that it needs.

    ``scratch`` is BentoML's own folder, which it empties: one for each start, and not in the home, which may be full or read-only.
    Without a key on a loopback address the service answers anonymously, to this machine only: who starts it by hand asks for that.

    Raises:
        StateError: no Bento has been built.
        SettingsError: the address is not loopback, and there is no key.
    """
    try:
        version = settings.paths.served_bento.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise StateError(
            f"{settings.paths.world}: no Bento has been built for the world {settings.world_name}; `make run SOURCE={settings.source}` does"
        ) from error
    path = settings.paths.bentos / "bentos" / SERVICE / version
    if not (path / "bento.yaml").exists():
        raise StateError(f"{path}: the Bento is not whole; `make run` builds it again")
    own = settings.model_copy(update={"home": settings.paths.home})
    if own.api_key is None and is_loopback(own.host):
        own = own.model_copy(update={"allow_anonymous": True})
    AccessPolicy.of(own)
    command = [sys.executable, "-m", "bentoml", "serve", str(path), "--host", own.host, "--port", str(own.port)]
    return command, own.environment() | {"BENTOML_HOME": str(scratch), "BENTOML_DO_NOT_TRACK": "True", "PYTHONUTF8": "1"}
