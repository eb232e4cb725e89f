"""Bad input, each kind by name: a clear refusal, and nothing is written."""

from collections.abc import Callable
from pathlib import Path

import olist_archive as made
import pytest

from tradewind_contracts.errors import NotFoundError, SettingsError, SourceError, TradewindError
from tradewind_contracts.manifest import MANIFEST
from tradewind_contracts.settings import Settings
from tradewind_sources import land

Tiny = Callable[..., made.Planted]


def refused(planted: made.Planted, settings: Settings, error: type[TradewindError] = SourceError, **headers: list[str]) -> str:
    """The message that landing ``planted`` as it now is refuses with; checks that nothing was written."""
    made.write_tables(planted.path, planted.tables, headers={**made.HEADERS, **headers})
    with pytest.raises(error) as caught:
        land("olist", planted.path, settings)
    assert not (settings.paths.landing / MANIFEST).exists()
    assert not settings.paths.world_file.exists()
    assert not list(settings.paths.landing.glob("*.parquet"))
    return str(caught.value)


def test_no_data_says_how_to_get_it(own_settings: Settings) -> None:
    with pytest.raises(SettingsError, match="no data given; pass DATA=<zip or folder>, or get the archive by `tradewind fetch olist`"):
        land("olist", None, own_settings)


def test_an_unknown_source_is_named(own_settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no source 'amazon'; there are: olist"):
        land("amazon", tmp_path, own_settings)


def test_a_missing_archive(own_settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nothing\.zip: no such file or folder"):
        land("olist", tmp_path / "nothing.zip", own_settings)
    assert not own_settings.paths.landing.exists()


def test_a_truncated_archive(tiny: Tiny, own_settings: Settings) -> None:
    path = tiny().path / made.COMMERCE_ZIP
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SourceError, match=r"brazilian-ecommerce\.zip: not a readable zip .*cut short"):
        land("olist", path, own_settings)


def test_a_missing_file(tiny: Tiny, own_settings: Settings) -> None:
    planted = tiny()
    del planted.tables[made.SELLERS]
    assert refused(planted, own_settings).startswith("brazilian-ecommerce.zip: no olist_sellers_dataset.csv in it (found: ")


def test_a_renamed_column(tiny: Tiny, own_settings: Settings) -> None:
    header = ["order", *made.HEADERS[made.ORDERS][1:]]
    message = refused(tiny(), own_settings, **{made.ORDERS: header})
    assert message.startswith("brazilian-ecommerce.zip: olist_orders_dataset.csv has no column order_id (found: order, customer_id, ")


def test_a_missing_column(tiny: Tiny, own_settings: Settings) -> None:
    planted = tiny()
    planted.tables[made.SELLERS] = [row[:3] for row in planted.tables[made.SELLERS]]
    message = refused(planted, own_settings, **{made.SELLERS: made.HEADERS[made.SELLERS][:3]})
    assert "olist_sellers_dataset.csv has no column seller_state (found: seller_id, seller_zip_code_prefix, seller_city)" in message


@pytest.mark.parametrize(
    ("file", "column", "value", "expected"),
    [
        (made.ORDERS, "order_purchase_timestamp", "04/01/2018 10:00", "a local date and time"),
        (made.ITEMS, "price", "R$ 12,00", "an amount of money"),
        (made.PRODUCTS, "product_weight_g", "heavy", "a whole number"),
        (made.GEOLOCATION, "geolocation_lat", "23°33'S", "a number"),
        (made.SELLERS, "seller_zip_code_prefix", "centro", "a postal prefix"),
    ],
)
def test_a_column_of_another_type(tiny: Tiny, own_settings: Settings, file: str, column: str, value: str, expected: str) -> None:
    planted = tiny()
    place = made.HEADERS[file].index(column)
    for row in planted.tables[file]:
        row[place] = value
    message = refused(planted, own_settings)
    assert f"{file}: column {column} is of another type: expected {expected}" in message
    assert f"found: {value!r}" in message


def test_a_required_column_that_is_empty(tiny: Tiny, own_settings: Settings) -> None:
    planted = tiny()
    for row in planted.tables[made.ORDERS]:
        row[3] = ""
    assert "column order_purchase_timestamp is empty; expected a local date and time" in refused(planted, own_settings)


@pytest.mark.parametrize("file", [made.ORDERS, made.GEOLOCATION, made.TRANSLATIONS, made.DEALS])
def test_an_empty_table(tiny: Tiny, own_settings: Settings, file: str) -> None:
    planted = tiny()
    planted.tables[file] = []
    assert f"{file} has a header but no rows" in refused(planted, own_settings)


def test_a_table_of_which_nothing_can_be_used(tiny: Tiny, own_settings: Settings) -> None:
    planted = tiny()
    for row in planted.tables[made.ORDERS]:
        row[3] = "2999-01-01 00:00:00"
    assert f"{made.ORDERS}: none of its rows can be used for orders (60 in_the_future)" in refused(planted, own_settings)


@pytest.mark.parametrize("file", [made.ORDERS, made.TRANSLATIONS])
def test_a_table_of_which_each_row_has_a_field_too_many(tiny: Tiny, own_settings: Settings, file: str) -> None:
    planted = tiny()
    planted.tables[file] = [[*row, ""] for row in planted.tables[file]]
    assert f"{file}: none of its rows can be used" in refused(planted, own_settings)


def test_orders_whose_customers_are_all_unknown(tiny: Tiny, own_settings: Settings) -> None:
    planted = tiny()
    for row in planted.tables[made.ORDERS]:
        row[1] = "nobody"
    assert "none of its rows can be used" in refused(planted, own_settings)


@pytest.mark.parametrize(
    ("as_of", "side"),
    [("2017-08-01", "before the first order"), ("2018-01-01", "after the newest row"), ("2999-01-01", "after the newest row")],
)
def test_an_as_of_outside_of_the_data(tiny: Tiny, own_settings: Settings, as_of: str, side: str) -> None:
    message = refused(tiny(), own_settings.model_copy(update={"as_of": as_of}), SettingsError)
    assert message.startswith(f"as_of {as_of} is {side}; expected an instant from 2017-09-")


def test_an_as_of_that_is_no_instant(tiny: Tiny, own_settings: Settings) -> None:
    assert "is not an instant" in refused(tiny(), own_settings.model_copy(update={"as_of": "spring"}), SettingsError)
