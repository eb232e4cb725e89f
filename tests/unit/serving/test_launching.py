"""How a built service is started by hand."""

from pathlib import Path

import pytest

from tradewind_contracts.errors import SettingsError, StateError
from tradewind_contracts.files import write_text
from tradewind_contracts.settings import Settings
from tradewind_serving.launching import service_command

SCRATCH = Path("/somewhere/else")


def build(settings: Settings, version: str) -> Path:
    path = settings.paths.bentos / "bentos" / "eta" / version
    path.mkdir(parents=True)
    (path / "bento.yaml").write_text("made up")
    write_text(settings.paths.served_bento, version)
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
    _, environment = service_command(Settings(home=own_settings.home, source="olist", api_key="k", host="0.0.0.0"), SCRATCH)  # type: ignore[arg-type]
    assert (environment["TRADEWIND_ALLOW_ANONYMOUS"], environment["TRADEWIND_API_KEY"]) == ("False", "k")


def test_what_was_never_built_or_half_built_is_not_served(own_settings: Settings) -> None:
    with pytest.raises(StateError, match="no Bento has been built for the world olist; `make run SOURCE=olist`"):
        service_command(own_settings, SCRATCH)
    (build(own_settings, "abc") / "bento.yaml").unlink()
    with pytest.raises(StateError, match="not whole"):
        service_command(own_settings, SCRATCH)


def test_each_world_is_served_by_its_own_bento(own_settings: Settings) -> None:
    of_olist = build(own_settings, "abc")
    other = own_settings.model_copy(update={"source": "simulator"})
    with pytest.raises(StateError, match="the world simulator"):
        service_command(other, SCRATCH)
    of_simulator = build(other, "def")
    assert str(of_olist) in service_command(own_settings, SCRATCH)[0]
    assert str(of_simulator) in service_command(other, SCRATCH)[0]
