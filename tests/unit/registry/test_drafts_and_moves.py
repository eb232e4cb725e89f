"""Drafts refuse what could not be sealed; rollbacks follow the promotions that count."""

import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tradewind_contracts.errors import NotFoundError
from tradewind_registry import AliasMove, VersionDraft
from tradewind_registry.moves import previous

AT = dt.datetime(2018, 4, 1, tzinfo=dt.UTC)


@pytest.fixture
def sample(root: Path) -> dict[str, Any]:
    return dict(json.loads((root / "tests/fixtures/version_draft.json").read_text()))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("metrics", {"mae_days": math.nan}, "null for what could not be measured"),
        ("slices", {"state": {"SP": {"eta": {"mae_days": math.inf}}}}, "null for what could not be measured"),
        ("facts", {"when": AT}, "plain JSON"),
        ("as_of", "2018-04-01T00:00:00", "timezone"),
        ("gates", [], "at least 1 item"),
        ("bundle", "x", "Extra inputs"),
        ("inputs_key", "short", "should match pattern"),
        ("model", "eta@1", "should match pattern"),
        ("view_specs", {"merchant_handling_30d": "not a digest"}, "should match pattern"),
    ],
)
def test_a_draft_that_could_not_be_sealed_is_refused(sample: dict[str, Any], field: str, value: object, said: str) -> None:
    assert VersionDraft.model_validate(sample).model == "eta"
    with pytest.raises(ValidationError, match=said):
        VersionDraft.model_validate({**sample, field: value})


def _move(action: str, start: int | None, end: int) -> AliasMove:
    return AliasMove(
        model="eta",
        world="olist",
        alias="champion",
        action=action,
        from_number=start,
        to_number=end,
        who="a",
        why="b",
        run_id="",
        moved_at=AT,
    )


@given(st.lists(st.one_of(st.none(), st.integers(1, 5)), max_size=30))
def test_rollbacks_undo_promotions_as_a_stack_does(deeds: list[int | None]) -> None:
    served: list[int] = []
    history: list[AliasMove] = []
    for deed in deeds:
        if deed is None:
            if len(served) < 2:
                with pytest.raises(NotFoundError, match=r"not set|from the start"):
                    previous(history, "eta", "champion")
                continue
            current, target = previous(history, "eta", "champion")
            assert (current, target) == (served[-1], served[-2])
            history.append(_move("rollback", current, target))
            served.pop()
        elif not served or served[-1] != deed:
            history.append(_move("promote", served[-1] if served else None, deed))
            served.append(deed)


def test_a_history_that_was_shared_by_worlds_once_is_read_without_the_other_worlds_moves() -> None:
    history = [_move("promote", None, 1), _move("promote", 2, 3), _move("rollback", 4, 3), _move("promote", 5, 6)]
    assert previous(history, "eta", "champion") == (6, 3)
    assert previous([*history, _move("rollback", 6, 3), _move("rollback", 3, 1), _move("promote", 9, 3)], "eta", "champion") == (3, 1)
    assert previous([*history, _move("promote", 7, 6)], "eta", "champion") == (6, 3), "promoted again after another world had it"


def test_a_move_to_where_the_alias_is_is_no_move() -> None:
    with pytest.raises(ValidationError, match="from one version to another"):
        _move("promote", 2, 2)
