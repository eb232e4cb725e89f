"""Settings and verdicts."""

import datetime as dt
from pathlib import Path

import pytest

from tradewind_contracts.errors import SettingsError
from tradewind_contracts.settings import Settings, settings, use
from tradewind_contracts.verdicts import Gate, judge

NOW = dt.datetime(2018, 4, 1, tzinfo=dt.UTC)


def test_a_wrong_variable_is_named_with_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_PORT", "99999")
    with pytest.raises(SettingsError, match=r"TRADEWIND_PORT.*99999"):
        settings()


def test_an_option_lies_over_the_environment_and_an_absent_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_AS_OF", "2018-04-01")
    assert use(as_of=None, threads=1).as_of == "2018-04-01"
    assert use(as_of="2018-05-01").as_of == "2018-05-01"
    assert settings().as_of == "2018-05-01"


def test_settings_reach_a_child_process_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sent = Settings(home=tmp_path, source="olist", as_of="2018-04-01", api_key="k", port=3456)
    for name, value in sent.environment().items():
        monkeypatch.setenv(name, value)
    assert settings() == sent


def test_a_key_is_not_shown() -> None:
    assert "hush" not in repr(Settings(api_key="hush"))


def test_the_redis_of_the_online_store_is_told_from_a_file_and_its_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_ONLINE_URL", "localhost:6379?password=hunter2")
    with pytest.raises(SettingsError, match=r"TRADEWIND_ONLINE_URL: .*redis://host") as refused:
        settings()
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None
    monkeypatch.setenv("TRADEWIND_ONLINE_URL", "redis://:hunter2@localhost:6379/0")
    found = use(source="olist")
    assert found.online_location == "redis://:hunter2@localhost:6379/0?prefix=tradewind:olist"
    assert found.environment()["TRADEWIND_ONLINE_URL"] == "redis://:hunter2@localhost:6379/0"
    assert "hunter2" not in repr(found)


def test_without_a_redis_the_online_store_is_a_file_of_the_world(tmp_path: Path) -> None:
    assert Settings(home=tmp_path).online_location == tmp_path / "worlds" / "simulator" / "online" / "online.db"


def test_worlds_do_not_share_a_folder(tmp_path: Path) -> None:
    a, b = (Settings(home=tmp_path, source="olist", world=w).paths for w in ("", "other"))
    assert a.landing != b.landing
    assert a.registry == b.registry


@pytest.mark.parametrize(
    ("direction", "value", "passed"),
    [
        ("at_most", 1.0, True),
        ("at_most", 1.1, False),
        ("at_least", 1.0, True),
        ("at_least", 0.9, False),
        ("at_most", None, False),
        ("at_least", float("nan"), False),
    ],
)
def test_a_gate_judges_and_what_is_not_measured_fails(direction: str, value: float | None, passed: bool) -> None:
    verdict = judge(Gate(name="g", claim="c", direction=direction, threshold=1.0), value, NOW)
    assert verdict.passed is passed
    assert verdict.reason
