"""Files by UTC day: what came to be on a day, as it stood at its end."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tradewind_simulator import columns as c
from tradewind_simulator.days import DAY, NEVER
from tradewind_simulator.entities import Arrays
from tradewind_simulator.exports import Columns, Exports, Ledger

DAYS = [19_723, 19_724, 19_725]


def _leads(numbers: list[int], at: list[int]) -> Columns:
    return {"lead_id": c.ids("l", np.array(numbers)), "contacted_at": c.instants(np.array(at))}


def _render(arrays: Arrays, until: int) -> Columns:
    return {
        "claim_id": c.ids("k", arrays["number"]),
        "opened_at": c.instants(arrays["opened_at"], until),
        "resolved_at": c.instants(arrays["resolved_at"], until),
    }


def _read(folder: Path, table: str, day: str) -> list[dict[str, object]]:
    return pq.read_table(folder / table / f"{day}.parquet").to_pylist()


def test_a_row_stands_in_the_file_of_the_day_on_which_it_came_to_be(tmp_path: Path) -> None:
    exports = Exports()
    at = [DAYS[1] * DAY + 5, DAYS[0] * DAY, DAYS[1] * DAY - 1]
    exports.append("leads", np.array(at), _leads([3, 1, 2], at))
    first = exports.flush(DAYS[0], tmp_path)
    assert [(file.table, file.day, file.rows) for file in first] == [("leads", "2024-01-01", 2)]
    assert [row["lead_id"] for row in _read(tmp_path, "leads", "2024-01-01")] == ["l1", "l2"]
    assert [file.rows for file in exports.flush(DAYS[1], tmp_path)] == [1]
    assert exports.flush(DAYS[2], tmp_path) == []


def test_the_newest_version_of_a_day_counts(tmp_path: Path) -> None:
    exports = Exports()
    for at, page in ((DAYS[0] * DAY + 9, "late"), (DAYS[0] * DAY + 5, "early")):
        exports.append("leads", np.array([at]), {**_leads([1], [at]), "landing_page_id": c.words(np.array([0]), (page,))})
    exports.flush(DAYS[0], tmp_path)
    assert [row["landing_page_id"] for row in _read(tmp_path, "leads", "2024-01-01")] == ["late"]


def test_a_ledger_writes_a_row_on_each_day_of_a_milestone_and_hides_what_comes_later(tmp_path: Path) -> None:
    exports = Exports()
    ledger = exports.ledger("claims", Ledger(("opened_at", "resolved_at"), _render))
    ledger.add(number=np.array([1, 2]), opened_at=np.array([DAYS[0] * DAY + 7, DAYS[0] * DAY + 8]))
    ledger.set("resolved_at", np.array([1]), DAYS[1] * DAY + 30)
    ledger.close(np.array([1]))
    exports.flush(DAYS[0], tmp_path)
    assert [(row["claim_id"], row["resolved_at"]) for row in _read(tmp_path, "claims", "2024-01-01")] == [("k1", None), ("k2", None)]
    assert len(ledger.entities) == 2
    exports.flush(DAYS[1], tmp_path)
    [row] = _read(tmp_path, "claims", "2024-01-02")
    assert row["claim_id"] == "k1"
    assert row["resolved_at"] is not None
    assert ledger.entities["number"].tolist() == [2], "what is closed and written is let go of"
    assert ledger.entities["resolved_at"].tolist() == [NEVER]


def test_what_waits_survives_a_checkpoint(tmp_path: Path) -> None:
    def world() -> tuple[Exports, Ledger]:
        exports = Exports()
        return exports, exports.ledger("claims", Ledger(("opened_at", "resolved_at"), _render))

    exports, ledger = world()
    at = [DAYS[0] * DAY, DAYS[2] * DAY]
    exports.append("leads", np.array(at), _leads([1, 2], at))
    ledger.add(number=np.array([5]), opened_at=np.array([DAYS[1] * DAY]))
    exports.flush(DAYS[0], tmp_path)
    again, _ = world()
    again.restore(exports.waiting(), exports.arrays())
    for day in DAYS[1:]:
        files = [[(f.path, f.digest) for f in one.flush(day, tmp_path / str(n))] for n, one in enumerate((exports, again))]
        assert files[0] == files[1]
        assert files[0]


def test_a_column_that_is_not_declared_is_refused() -> None:
    with pytest.raises(ValueError, match="leads has no column colour"):
        Exports().append("leads", np.array([0]), {**_leads([1], [0]), "colour": c.words(np.array([0]), ("red",))})
