"""Results of quality checks, as they stand on disk."""

import pytest

from tradewind_contracts.errors import IntegrityError
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.quality_results import read_results


@pytest.mark.parametrize("damaged", ["", "{", '{"a": 1}', '[{"suite": "s"}]', "[1]", "null"])
def test_a_damaged_file_is_named_and_says_what_to_do(own_settings: Settings, damaged: str) -> None:
    path = own_settings.paths.quality / "marts.json"
    path.parent.mkdir(parents=True)
    path.write_text(damaged)
    with pytest.raises(IntegrityError, match=r"marts\.json: not results of a quality check.*delete it"):
        read_results("marts", own_settings)


def test_a_stage_that_was_never_checked_has_no_results(own_settings: Settings) -> None:
    assert read_results("marts", own_settings) == []
