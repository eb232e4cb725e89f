"""`tradewind predictions`: what it prints, and what it refuses."""

from pathlib import Path

import pytest
import serving_world
from prediction_rows import prediction_rows
from typer.testing import CliRunner, Result

from tradewind_cli.predictions import app
from tradewind_contracts.errors import SettingsError
from tradewind_contracts.ids import pseudonym
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.predictions import land_rows

KEY = "a key"


@pytest.fixture
def world(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    settings = Settings(home=home, source="olist")
    serving_world.write_world(settings)
    for name, value in {"HOME": str(home), "SOURCE": "olist", "LOG_HASHED": "merchant_id", "LOG_KEY": KEY}.items():
        monkeypatch.setenv(f"TRADEWIND_{name}", value)
    return settings


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def line_of(text: str, start: str) -> str:
    return " ".join(next(line for line in text.splitlines() if line.strip().startswith(start)).split())


def test_the_policy_is_that_of_the_settings(world: Settings) -> None:
    said = run("policy").stdout
    assert line_of(said, "merchant_id").startswith("merchant_id none hashed")
    assert line_of(said, "destination_postal_code").startswith("destination_postal_code indirect kept as")


def test_days_are_shown_and_a_merchant_is_erased_plain_and_hashed(world: Settings) -> None:
    land_rows(world, prediction_rows(3))
    land_rows(world, prediction_rows(2, first=10, merchant_id=pseudonym(KEY, "merchant_id", "m1")))
    assert line_of(run("show").stdout, "2018-06-01").startswith("2018-06-01 5 2")
    assert run("compact").stdout.strip() == "predictions: compacted 2 files of 1 days (5 rows) into 1"
    assert run("erase", "--merchant", "m1").stdout.startswith("predictions: erased 3 rows")
    assert line_of(run("show").stdout, "2018-06-01").startswith("2018-06-01 2 1")


@pytest.mark.parametrize("arguments", [(), ("--order", "o1", "--merchant", "m1")])
def test_an_erasure_names_one_thing(world: Settings, arguments: tuple[str, ...]) -> None:
    refused = run("erase", *arguments).exception
    assert isinstance(refused, SettingsError)
    assert str(refused) == "expected either --order or --merchant"


def test_a_world_without_a_log_says_so(world: Settings) -> None:
    assert run("land").stdout.strip() == "predictions: no service has logged an answer in this world, nothing to land"
