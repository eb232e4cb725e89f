"""Claims about a training set: what a leak, a lost row or a cold store would break."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from tradewind_contracts.verdicts import Severity
from tradewind_quality.claims import Claim, Context, Sight, between, each_row, not_null, share_between, some_rows, true_where, unique

AGE = "__age_hours"
EVENT = "event_timestamp"
GREATEST_COLD_SHARE = 0.5
"""A view that is absent or expired in more than half of the rows teaches a model little (chosen: a warning, not a gate)."""


def claims_of_training_set(columns: Iterable[str], key: tuple[str, ...], context: Context) -> tuple[Claim, ...]:
    """The claims about a training set: entity rows unique and before as_of, outcomes known, ages not negative, cold rows bounded."""
    names = list(columns)
    found: list[Claim] = [
        some_rows(),
        not_null(EVENT),
        _before(EVENT, f"no entity row at or after as_of ({context.as_of.isoformat()})"),
    ]
    if key:
        found.append(unique(key))
    if "outcome_at" in names:
        found.append(_before("outcome_at", "no outcome at or after as_of"))
    if "duration_days" in names:
        found.append(between("duration_days", 0, None))
    for age in (n for n in names if n.endswith(AGE)):
        found += [between(age, 0, None), _warm(age)]
    return tuple(found)


def _before(column: str, text: str) -> Claim:
    def known(sight: Sight) -> "pd.Series[Any]":
        values = sight.rows[column]
        return true_where(values < pd.Timestamp(sight.context.as_of), values.notna())

    return each_row(text, (column,), known, Severity.CRITICAL)


def _warm(age: str) -> Claim:
    view = age.removesuffix(AGE)
    return share_between(f"the view {view} is absent or expired", (age,), lambda s: s.rows[age].isna(), 0.0, GREATEST_COLD_SHARE)
