"""How a built service is started by hand."""

from pathlib import Path

import pytest

from tradewind_contracts.errors import SettingsError, StateError
from tradewind_contracts.settings import Settings
from tradewind_serving.launching import service_command

SCRATCH = Path("/somewhere/else")


def build(settings: Settings, version: str) -> Path:
    path = settings.paths.bentos / "bentos" / "eta" / version
    path.mkdir(parents=True)
    (path / "bento.yaml").write_text("made up")
    (path.parent / "latest").write_text(version)
    return path


def test_the_newest_bento_is_served_anonymously_on_loopback_only(own_settings: Settings) -> None:
    path = build(own_settings, "abc")
    command, environment = service_command(own_settings, SCRATCH)
    assert command[-5:] == [str(path), "--host", "127.0.0.1", "--port", "3000"]
    assert environment["TRADEWIND_ALLOW_ANONYMOUS"] == "True"
    assert Path(environment["TRADEWIND_HOME"]).is_absolute()
    assert environment["BENTOML_HOME"] == str(SCRATCH)
    with pytest.raises(SettingsError, match="TRADEWIND_API_KEY"):
        service_command(own_settings.model_copy(update={"host": "0.0.0.0"}), SCRATCH)


def test_with_a_key_nobody_is_anonymous(own_settings: Settings) -> None:
    build(own_settings, "abc")
    _, environment = service_command(Settings(home=own_settings.home, api_key="k", host="0.0.0.0"), SCRATCH)  # type: ignore[arg-type]
    assert (environment["TRADEWIND_ALLOW_ANONYMOUS"], environment["TRADEWIND_API_KEY"]) == ("False", "k")


def test_what_was_never_built_or_half_built_is_not_served(own_settings: Settings) -> None:
    with pytest.raises(StateError, match="no Bento has been built"):
        service_command(own_settings, SCRATCH)
    (build(own_settings, "abc") / "bento.yaml").unlink()
    with pytest.raises(StateError, match="not whole"):
        service_command(own_settings, SCRATCH)
