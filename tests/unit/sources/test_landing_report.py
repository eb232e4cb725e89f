"""The accounts of a landing can't be wrong: they refuse to be made."""

import pytest
from pydantic import ValidationError

from tradewind_sources import FileReport, TableReport


def test_rows_in_are_rows_used_and_rows_quarantined() -> None:
    assert FileReport(source_rows=10, used_rows=7, quarantined={"duplicate_key": 2, "in_the_future": 1}).used_rows == 7


def test_accounts_that_lose_a_row_are_refused() -> None:
    with pytest.raises(ValidationError, match="10 rows in, but 7 used and 2 quarantined"):
        TableReport(made_from="a.csv", source_rows=10, used_rows=7, landed_rows=7, quarantined={"duplicate_key": 2})
