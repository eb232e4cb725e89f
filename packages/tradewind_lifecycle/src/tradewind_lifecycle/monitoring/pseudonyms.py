"""Answers and outcomes meet by order and merchant; where the log holds either as a pseudonym, the labels' are made pseudonyms too.

Nothing is named back: both sides are compared as pseudonyms under the deployment's key, and what is kept of a watch has neither.
"""

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tradewind_contracts.ids import pseudonym

COLUMNS = ("order_id", "merchant_id")
HASHED = re.compile(r"[0-9a-f]{64}")
"""The form of a pseudonym (``tradewind_contracts.ids``)."""


def named_alike(log: pa.Table, labels: pa.Table, key: str) -> tuple[pa.Table, pa.Table]:
    """Log rows and label rows with order_id and merchant_id in one form, column by column.

    A log of which all is plain stays as it is, and so does every log without a ``key`` (empty): its pseudonyms then meet no label. A log
    of which some rows are plain (the policy was changed) is compared as pseudonyms in all rows.
    """
    for column in COLUMNS if key else ():
        plain = [value for value in pc.unique(labels[column]).to_pylist() if value is not None]
        if _is_hashed(log, column, set(plain)):
            hashed = {value: pseudonym(key, column, value) for value in plain}
            log, labels = _renamed(log, column, hashed), _renamed(labels, column, hashed)
    return log, labels


def _is_hashed(log: pa.Table, column: str, plain: set[str]) -> bool:
    """Whether any value of the log looks hashed and is no plain one."""
    values = pc.unique(log[column]).to_pylist()
    return any(value is not None and value not in plain and HASHED.fullmatch(value) is not None for value in values)


def _renamed(table: pa.Table, column: str, hashed: dict[str, str]) -> pa.Table:
    named: list[str | None] = table[column].cast(pa.string()).to_pylist()
    values: Any = pa.array([None if value is None else hashed.get(value, value) for value in named], pa.string())
    return table.set_column(table.column_names.index(column), column, values)
