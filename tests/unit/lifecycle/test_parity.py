"""When an online value and its offline derivation count as the same, and what a report says of them."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest

from tradewind_contracts.errors import SettingsError
from tradewind_contracts.verdicts import Severity
from tradewind_lifecycle.parity.comparing import difference
from tradewind_lifecycle.parity.pages import write_report
from tradewind_lifecycle.parity.report import TOLERANCE, Compared, FeatureParity, ParityReport, results_of, summary

AT = dt.datetime(2018, 5, 10, 3, tzinfo=dt.UTC)


def test_equal_numbers_and_equal_absences_do_not_differ() -> None:
    failing, greatest = difference(np.array([1.0, np.nan, 1e6]), np.array([1.0, np.nan, 1e6 * (1 + TOLERANCE / 2)]))
    assert not failing.any()
    assert greatest == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("online", "offline"), [([np.nan, 1.0], [5.0, 1.0]), ([5.0, 1.0], [np.nan, 1.0]), ([5.0, 1.0], [5.0 + 6 * TOLERANCE, 1.0])]
)
def test_a_value_on_one_side_only_or_beyond_the_tolerance_differs(online: list[float], offline: list[float]) -> None:
    assert difference(np.array(online), np.array(offline))[0].tolist() == [True, False]


def test_an_infinity_equals_itself_alone() -> None:
    failing, _ = difference(np.array([np.inf, 5.0, -np.inf, np.inf]), np.array([np.inf, np.inf, np.inf, 5.0]))
    assert failing.tolist() == [False, True, True, True]


def test_text_differs_where_it_is_not_the_same_word() -> None:
    failing, _ = difference(np.array(["SP", None, "RJ"], dtype=object), np.array(["SP", None, None], dtype=object))
    assert failing.tolist() == [False, False, True]


def report(differing: int = 0, nulls_online: int = 3, vectors: int = 600, parcels: int = 5_000) -> ParityReport:
    """Two materializations of a service with one view of two features, the second of which differs."""
    clean = FeatureParity("v", "a", 2 * vectors, 0, 0.0, 1, 1)
    skewed = FeatureParity(
        "v", "b", 2 * vectors, differing, 0.25, nulls_online, 3, {"late data": differing} if differing else {},
        [{"parcel_id": "<p1>", "at": "2018-05-10", "online": 1.0, "offline": 1.25, "reason": "late data"}] if differing else [],
    )  # fmt: skip
    compared = [Compared(AT, vectors, {"v": "ftr_v-1"}), Compared(AT - dt.timedelta(days=1), vectors, {"v": "ftr_v-0"})]
    return ParityReport("eta_v1", compared, {"2018-05-01": "no longer published: x"}, [clean, skewed], {}, ["v"], parcels)


def test_a_report_without_differences_passes_every_claim() -> None:
    results = results_of(report())
    assert [result for result in results if not result.passed] == []
    assert {result.table for result in results} == {"v", "eta_v1"}


def test_a_differing_value_fails_its_feature_and_names_the_reason() -> None:
    failed = [result for result in results_of(report(differing=7)) if not result.passed]
    assert [(result.claim.split(":")[0], result.failing_rows) for result in failed] == [("b", 7)]
    assert failed[0].observed["reasons"] == {"late data": 7}
    assert summary(report(differing=7))[0].reasons == ["late data (7)"]


def test_another_share_of_nulls_fails_the_view() -> None:
    failed = [result for result in results_of(report(nulls_online=5)) if not result.passed]
    assert [(result.table, result.failing_rows) for result in failed] == [("v", 2)]
    assert failed[0].observed == {"online": 6 / 2400, "offline": 4 / 2400}


def test_too_few_vectors_are_said_and_fail_no_gate_but_all_that_there_are_is_enough() -> None:
    few = report(vectors=20)
    assert not few.is_enough
    assert few.passed
    (said,) = [result for result in results_of(few) if not result.passed]
    assert (said.severity, said.failing_rows) == (Severity.WARNING, 0)
    assert report(vectors=20, parcels=20).is_enough


def test_a_report_is_written_in_the_form_that_its_ending_names(tmp_path: Path) -> None:
    for ending in ("json", "md", "html"):
        write_report(report(differing=7), tmp_path / f"parity.{ending}")
    found = json.loads((tmp_path / "parity.json").read_text(encoding="utf-8"))
    assert [feature["reasons"] for feature in found["features"]] == [{}, {"late data": 7}]
    assert "late data (7)" in (tmp_path / "parity.md").read_text(encoding="utf-8")
    page = (tmp_path / "parity.html").read_text(encoding="utf-8")
    assert "&lt;p1&gt;" in page
    assert "<p1>" not in page
    with pytest.raises(SettingsError, match=r"\.json, \.md, \.html"):
        write_report(report(), tmp_path / "parity.pdf")
