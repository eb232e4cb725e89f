"""References name a version whole, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_contracts.errors import SettingsError
from tradewind_registry import Reference, parse_reference
from tradewind_registry.references import check_alias


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("eta@1", Reference("eta", number=1)),
        ("eta@10", Reference("eta", number=10)),
        ("eta@champion", Reference("eta", alias="champion")),
        ("eta", Reference("eta", alias="champion")),
        ("late_risk@shadow-2", Reference("late_risk", alias="shadow-2")),
    ],
)
def test_a_reference_is_a_number_an_alias_or_the_champion(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@1",
        "eta@",
        "eta:1",
        "eta@0",
        "eta@01",
        "eta@-1",
        "eta@1 ",
        "eta@１",
        "eta@1@2",
        "Eta@1",
        "eta@Champion",
        "eta@9999999999",
        "e/ta",
    ],
)
def test_anything_else_is_refused_with_the_three_forms(text: str) -> None:
    with pytest.raises(SettingsError, match="names no version; expected a number"):
        parse_reference(text)


@given(st.text(max_size=12))
def test_what_is_understood_is_written_back_as_it_was(text: str) -> None:
    try:
        reference = parse_reference(text)
    except SettingsError:
        return
    assert str(reference) in {text, f"{text}@champion"}


@pytest.mark.parametrize("alias", ["", "1", "Champion", "a b", "@"])
def test_an_alias_that_no_reference_could_name_is_refused(alias: str) -> None:
    with pytest.raises(SettingsError, match="alias"):
        check_alias(alias)
