"""`tradewind simulate`: what it asks of the library, what it refuses, what it shows. The library itself is a stand-in here."""

import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

import tradewind_simulator
from tradewind_cli.main import app, main
from tradewind_contracts.errors import NotFoundError, SettingsError
from tradewind_simulator import truth

Progress = Callable[[str], None]
DIRT = pa.table(
    {
        "table": ["orders", "orders", "customers"],
        "reason": ["duplicate_key"] * 3,
        "day": ["2024-01-01", "2024-01-08", "2024-01-02"],
        "rows_count": [2, 1, 1],
    }
)


@dataclasses.dataclass
class Made:
    """What the library gives back."""

    rows: dict[str, int]
    truth_rows: dict[str, int]
    days: int
    newest_day: str = "2024-01-09"
    seconds: float = 1.5


@dataclasses.dataclass
class Library:
    """Notes what it was asked for."""

    asked: list[Any] = dataclasses.field(default_factory=list)
    dirt: pa.Table | None = None

    def preset(self, name: str, **wanted: float) -> tuple[str, dict[str, float]]:
        if wanted.get("days", 1) < 1:
            raise SettingsError(f"days: expected at least 1 (found: {wanted['days']})")
        return name, wanted

    def simulate(self, parameters: Any, out: Path, progress: Progress, interventions: Sequence[str] = ()) -> Made:
        self.asked.append(("simulate", parameters, out, list(interventions)))
        progress("2024-01-02: 2 of 2 days, 1,200 order rows, 3 s")
        return Made({"orders": 1200, "customers": 900}, {"dirt": 4, "eta_law": 80}, 2)

    def extend(self, out: Path, days: int, progress: Progress) -> Made:
        self.asked.append(("extend", out, days))
        return Made({"orders": 600}, {}, days)

    def read(self, data: Path, table: str) -> pa.Table:
        if self.dirt is None:
            raise NotFoundError(f"{data}: no truth of {table!r}")
        return self.dirt


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    stand_in = Library()
    for name in ("preset", "simulate", "extend"):
        monkeypatch.setattr(tradewind_simulator, name, getattr(stand_in, name), raising=False)
    monkeypatch.setattr(truth, "read", stand_in.read)
    return stand_in


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["simulate", *arguments], standalone_mode=False, catch_exceptions=False)
    return result.output


def test_options_that_are_not_given_are_left_to_the_preset(library: Library) -> None:
    run("--out", "w")
    run("--out", "w", "--preset", "tiny", "--seed", "3", "--days", "5", "--orders-per-day", "40", "--threads", "1",
        "--intervene", "subsidy=off", "--intervene", "staffing=0.8@2024-01-03")  # fmt: skip
    assert library.asked == [
        ("simulate", ("small", {}), Path("w"), []),
        ("simulate", ("tiny", {"seed": 3, "orders_per_day": 40, "days": 5}), Path("w"), ["subsidy=off", "staffing=0.8@2024-01-03"]),
    ]


def test_it_shows_progress_rows_planted_dirt_time_memory_and_what_next(library: Library) -> None:
    library.dirt = DIRT
    said = run("--out", "w")
    assert "2 of 2 days, 1,200 order rows" in said
    lines = {line.split()[0]: line.split()[1:] for line in said.splitlines() if line.split()}
    assert lines["orders"] == ["1,200", "3"]
    assert lines["customers"] == ["900", "1"]
    assert "2 days up to 2024-01-09 in 1.5 s, at most" in said
    assert "make run DATA=w" in said
    assert said.index("orders ") < said.index("truth: eta_law") < said.index("next:")


def test_continuing_counts_the_dirt_of_the_added_days_only(library: Library) -> None:
    library.dirt = DIRT
    said = run("--continue", "--out", "w", "--days", "2")
    assert ["orders", "600", "1"] in [line.split() for line in said.splitlines()]
    assert "1 day up to 2024-01-09" in run("--continue", "--out", "w")


def test_continuing_adds_a_day_unless_told_otherwise(library: Library) -> None:
    run("--continue", "--out", "w")
    run("--continue", "--out", "w", "--days", "7")
    assert library.asked == [("extend", Path("w"), 1), ("extend", Path("w"), 7)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--out: missing"),
        (["--continue"], "--out: missing"),
        (["--continue", "--out", "w", "--seed", "8"], "--seed: a world keeps what it was begun with"),
        (["--continue", "--out", "w", "--preset", "tiny", "--intervene", "subsidy=off"], "--preset, --intervene: a world keeps"),
        (["--out", "w", "--days", "0"], "days: expected at least 1"),
        (["--out", "r.html", "--continue", "report", "w"], "--out, --continue: before `report`"),
    ],
)
def test_what_can_not_be_done_is_refused_before_anything_is_asked(library: Library, arguments: list[str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        run(*arguments)
    assert library.asked == []


def test_more_threads_than_there_can_be_are_refused(library: Library) -> None:
    with pytest.raises(typer.BadParameter, match="less than or equal to 1024"):
        run("--out", "w", "--threads", "99999999999")
    assert library.asked == []


def test_a_folder_is_shown_by_its_name_even_where_that_looks_like_markup(library: Library, tmp_path: Path) -> None:
    out = tmp_path / "a[b] [" / "c]"
    result = CliRunner().invoke(app, ["simulate", "--out", str(out)])
    assert result.exit_code == 0
    assert f"{out}/observed" in result.output
    assert f"make run DATA={out}" in result.output


def test_the_report_is_a_command_of_its_own_and_simulates_nothing(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    import types

    asked: list[Any] = []
    module = types.ModuleType("tradewind_simulator.report")
    module.write_report = lambda *arguments: asked.append(arguments[:3])  # type: ignore[attr-defined] # the stand-in's own attribute
    monkeypatch.setitem(sys.modules, "tradewind_simulator.report", module)
    assert "fidelity of w → r.html" in run("report", "w", "--real", "olist", "--out", "r.html")
    assert asked == [(Path("w"), Path("r.html"), Path("olist"))]
    assert library.asked == []


def test_on_a_terminal_too_each_line_of_the_report_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from rich.console import Console

    from tradewind_cli import simulating
    from tradewind_simulator import report

    screen = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=100)
    monkeypatch.setattr(simulating, "wide_console", lambda: screen)
    monkeypatch.setattr(report, "write_report", lambda data, out, real, told: [told(f"row {k}") for k in range(3)])
    run("report", "w", "--out", "r.html")
    said = screen.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO from above
    assert said.splitlines()[:3] == ["row 0", "row 1", "row 2"]


class DagsterExecutionInterruptedError(BaseException):
    """As Dagster names what it makes of Ctrl-C while a job runs."""


@pytest.mark.parametrize("kind", [KeyboardInterrupt, DagsterExecutionInterruptedError])
def test_a_stop_by_the_user_says_so_and_is_no_success(
    kind: type[BaseException], library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> Made:
        raise kind

    monkeypatch.setattr(tradewind_simulator, "simulate", stopped)
    monkeypatch.setattr(sys, "argv", ["tradewind", "simulate", "--out", "w"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130
    assert "tradewind: stopped; what was there before still stands" in capsys.readouterr().err
