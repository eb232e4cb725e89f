"""Cards say what the row says, and nothing else, as Markdown and as a page."""

import datetime as dt
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tradewind_contracts.verdicts import Gate, Verdict, judge
from tradewind_lifecycle.cards import Known, card_plots, markdown, markdown_table, page
from tradewind_lifecycle.cards.contents import card_of
from tradewind_lifecycle.reproducing import Check, Refitted, Reproduction
from tradewind_lifecycle.sealing import evaluation_fields, observed_levels
from tradewind_registry import AliasMove, Judgement, Overrule, Version

AT = dt.datetime(2018, 4, 1, tzinfo=dt.UTC)
HOSTILE = "<script>alert(1)</script> | [x](javascript:alert(1)) \"'> <img src=https://evil.example/x>\nnext"


@pytest.fixture
def version(root: Path) -> Version:
    sample: dict[str, Any] = json.loads((root / "tests/fixtures/version_draft.json").read_text())
    return Version.model_validate(
        {**sample, "number": 7, "bundle_digest": "b" * 64, "bundle_files": {"model.txt": "c" * 64}, "created_at": AT}
    )


def _verdict(gate: str, value: float, **fields: Any) -> Verdict:
    judged = judge(Gate(name=gate, claim=f"{gate} | claimed", direction="at_most", threshold=1.0), value, AT, interval=(0.5, 1.5))
    return judged.model_copy(update=fields)


def _overrule(gate: str, until: dt.datetime, verdict_id: int = 1, why: str = "a strike is over") -> Overrule:
    return Overrule(model="eta", number=7, gate=gate, verdict_id=verdict_id, who="ann", why=why, recorded_at=AT, expires_at=until)


def _known(version: Version, values: dict[str, float | None] | None = None, **fields: Any) -> Known:
    judgements = tuple(
        Judgement(gate, _verdict(gate, value) if value is not None else None, 1 if value is not None else None)
        for gate, value in (values or {}).items()
    )
    return Known(version, AT, **{"judgements": judgements, **fields})


def text(known: Known, images: dict[str, str] | None = None) -> str:
    return markdown(card_of(known), images)


def html(known: Known) -> str:
    return page(card_of(known), card_plots(known))


class Elements(HTMLParser):
    """Every element of a page with its attributes, and which were left open."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_card_holds_every_digest_number_and_baseline_of_the_row(version: Version) -> None:
    card = text(_known(version, dict.fromkeys(version.gates, 1.0), aliases={"champion": 7}))
    digests = [
        version.bundle_digest,
        version.training_set_digest,
        version.entity_rows_digest,
        version.lock_digest,
        *version.view_specs.values(),
    ]
    assert all(digest in card for digest in digests)
    assert "Passed all its gates. Now `champion`." in card
    assert "| **mae_days** | 4.21 | 12.4 | 4.39 |" in card
    assert "| SP | 2,600 | 3.1 | – | 0.79 | – | 7.75 | 3.3 |" in card
    assert "mae_days of eta minus lane_median_days: -0.18 (95 % interval -0.31 to -0.05; below 0 is better)" in card
    assert "| 90% | 89.5% |" in card
    assert card.index("transit_hours_mean_90d") < card.index("handling_hours_mean_30d"), "features stand in order of importance"
    assert "![" not in card, "no plot was given"


def test_intervals_stand_beside_their_metrics_where_the_row_has_them(version: Version) -> None:
    measured = version.model_copy(update={"intervals": {"mae_days": {"low": 4.05, "high": 4.4}, "coverage": {"low": None, "high": None}}})
    card = text(_known(measured))
    assert "| metric | eta | 95 % interval | promise | lane_median_days |" in card
    assert "| **mae_days** | 4.21 | 4.05 to 4.4 | 12.4 | 4.39 |" in card
    assert "| coverage | 0.787 | – |" in card
    assert "95 % interval |" not in text(_known(version))


@pytest.mark.parametrize(
    ("kind", "said"), [("real", "measured on **real** data"), ("simulated", "measured on **simulated** data"), (None, "was not stated")]
)
def test_a_card_says_whether_its_numbers_come_from_real_data(version: Version, kind: str | None, said: str) -> None:
    card = text(_known(version.model_copy(update={"facts": {"data_kind": kind} if kind else {}})))
    title, _, first, *_ = card.splitlines()
    assert title == "# Model card: eta@7 of world olist"
    assert said in first, "it stands before any number"


def test_a_card_says_what_its_metrics_mean_and_that_some_parcels_had_no_outcome_yet(version: Version) -> None:
    card = text(_known(version.model_copy(update={"rows": 7944, "facts": {"holdout_under_way": 1672}})))
    assert "`mae_days`: mean absolute error of p50" in card
    assert "1,672 of 7,944 judged parcels had no outcome yet" in card
    assert "no outcome yet" not in text(_known(version.model_copy(update={"facts": {"holdout_under_way": 0}})))


def test_a_card_names_the_gates_that_keep_a_version_from_being_served(version: Version) -> None:
    card = text(_known(version, {"beats_lane_median": None, "covers": 2.0}))
    assert "Has not passed: beats_lane_median, covers; it may not be served. No alias of its world points to it now." in card
    assert "| beats_lane_median | **not judged** |" in card
    assert "| covers | **failed** | 2 | 1 | 2 is not ≤ 1 (95 % interval 0.5 to 1.5) |" in card


def test_an_overrule_is_told_with_who_why_and_until_and_an_expired_one_is_marked(version: Version) -> None:
    later, before = AT + dt.timedelta(days=2), AT - dt.timedelta(days=2)
    judgement = Judgement("covers", _verdict("covers", 2.0), 1, _overrule("covers", later))
    every = (_overrule("covers", before, 0), _overrule("covers", later), _overrule("covers", later, 9))
    card = text(_known(version, judgements=(judgement,), overrules=every))
    assert "May be served on a person's word: covers until 2018-04-03T00:00:00Z." in card
    assert "**failed, overruled until 2018-04-03T00:00:00Z**" in card
    assert "| covers | ann | a strike is over | 2018-04-01T00:00:00Z | 2018-04-03T00:00:00Z | in force |" in card
    assert "| 2018-03-30T00:00:00Z | **expired** |" in card
    assert "of an earlier verdict: counts no more" in card
    over = Judgement("covers", _verdict("covers", 2.0), 1, _overrule("covers", before))
    card = text(_known(version, judgements=(over,), overrules=(_overrule("covers", before),)))
    assert "Has not passed: covers; it may not be served." in card
    assert "**failed; its overrule expired 2018-03-30T00:00:00Z**" in card


def test_reproductions_are_told_with_what_was_found_and_what_did_not_hold(version: Version) -> None:
    fit = Refitted(outcome="same", expected="b" * 64, found="b" * 64, rows=10)
    made = Reproduction(
        reference="eta@7", bundle_digest="b" * 64, world="olist", at=AT, commit="1" * 40, seconds=12.0, refitted=fit
    )  # fmt: skip
    other = fit.model_copy(update={"outcome": "other", "files": {"tree.txt": "3 of 9 lines"}, "largest_difference": 0.5})
    worse = made.model_copy(update={"refitted": other, "not_held": (Check(name="commit", holds=False, said="another"),)})
    card = text(_known(version, reproductions=(made, worse)))
    assert "| reproduced | the same bundle digest | `111111111111` | all held |" in card
    assert "| **not reproduced** | another bundle, predictions up to 0.5 days apart | `111111111111` | commit |" in card
    assert "`tradewind models reproduce eta@7` does" in text(_known(version))


def test_a_card_shows_only_the_moves_of_its_own_version_and_the_plots_it_is_given(version: Version) -> None:
    moves = tuple(
        AliasMove(
            model="eta",
            world="olist",
            alias="champion",
            action="promote",
            from_number=start,
            to_number=end,
            who="ann",
            why=why,
            run_id="",
            moved_at=AT,
        )
        for start, end, why in ((None, 5, "first"), (5, 7, "better"), (7, 8, "better still"), (8, 9, "another"))
    )
    card = text(_known(version, moves=moves), {"calibration": "calibration.svg"})
    assert [why in card for why in ("| first |", "| better |", "| better still |", "| another |")] == [False, True, True, False]
    assert card.count("![") == 1
    assert "](calibration.svg)" in card


def test_every_judged_gate_has_its_plot_whatever_its_evidence(version: Version) -> None:
    evidence = {"plot": "count", "failed": 2, "of": 9}
    judgements = (
        Judgement("covers", _verdict("covers", 2.0, evidence=evidence), 1),
        Judgement("sharp", _verdict("sharp", 0.5), 2),
        Judgement("untold", None),
    )
    known = _known(version, judgements=judgements)
    assert {name for name in card_plots(known) if name.startswith("gate-")} == {"gate-covers", "gate-sharp"}
    assert "2 failed of 9" in html(known)


def test_a_page_needs_nothing_from_elsewhere_and_holds_no_script(version: Version) -> None:
    source = html(_known(version, dict.fromkeys(version.gates, 1.0), aliases={"champion": 7}))
    elements = Elements(source)
    assert elements.open == []
    tags = {tag for tag, _ in elements.found}
    assert not tags & {"script", "link", "iframe", "object", "embed", "form", "base", "img"}
    used = {name for _, attributes in elements.found for name in attributes}
    assert not [name for name in used if name.startswith("on") or name in ("style", "src", "action", "formaction")]
    assert {attributes["href"] for tag, attributes in elements.found if tag == "a"} >= {"#gates", "#seals"}
    assert all(str(attributes["href"]).startswith("#") for tag, attributes in elements.found if tag == "a")
    assert set(re.findall(r"https?://[^\"' <]+", source)) == {"http://www.w3.org/2000/svg"}, "only the name of SVG, which is never fetched"
    assert not re.search(r"url\(|@import", source)
    policy = next(attributes["content"] for tag, attributes in elements.found if attributes.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_tables_have_headers_and_plots_say_what_they_show(version: Version) -> None:
    elements = Elements(html(_known(version, dict.fromkeys(version.gates, 1.0))))
    tables = sum(tag == "table" for tag, _ in elements.found)
    assert tables == sum(tag == "thead" for tag, _ in elements.found) > 5
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in elements.found if tag == "th")
    drawings = [attributes for tag, attributes in elements.found if tag == "svg"]
    assert len(drawings) == sum(tag == "desc" for tag, _ in elements.found) > 5
    assert all(attributes["role"] == "img" for attributes in drawings)


def test_what_people_wrote_stays_text_on_the_page_and_in_markdown(version: Version) -> None:
    judgement = Judgement(HOSTILE, _verdict("covers", 2.0).model_copy(update={"gate": HOSTILE, "reason": HOSTILE, "claim": HOSTILE}), 1)
    hostile = version.model_copy(update={"purpose": HOSTILE, "owner": HOSTILE, "limits": (HOSTILE,), "importance": {HOSTILE: 1.0}})
    slices = {HOSTILE: {HOSTILE: {HOSTILE: {"n": 30.0, "mae_days": 1.0}, "eta": {"n": 30.0, "mae_days": 1.0}}}}
    hostile = hostile.model_copy(update={"slices": slices, "parameters": {HOSTILE: HOSTILE}, "run_id": HOSTILE})
    known = _known(hostile, judgements=(judgement,), overrules=(_overrule("covers", AT, why=HOSTILE),), aliases={HOSTILE: 7})
    plain = _known(version, {"covers": 2.0})
    harmless = {tag for tag, _ in Elements(html(plain)).found}
    elements = Elements(html(known))
    assert {tag for tag, _ in elements.found} <= harmless
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on") or name == "src"]
    card = text(known)
    assert "<script" not in card
    assert "](javascript" not in card
    rows = [line for line in card.splitlines() if line.startswith("|")]
    assert len(rows) > 10
    assert "next" not in {line.strip() for line in card.splitlines()}, "a line break in a cell does not end its row"


def test_a_bar_in_a_cell_stays_inside_of_it() -> None:
    assert markdown_table(("a", "b"), [("x|y", "1\n2")], numbers=True) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 2 |"


def test_an_evaluation_is_sealed_with_its_baselines_and_nulls() -> None:
    nan = float("nan")
    fields = evaluation_fields(
        {
            "rows": 10,
            "overall": {"eta": {"n": 9, "mae_days": 1.5}, "promise": {"n": 9, "mae_days": nan}},
            "differences": {"promise": {"mae_days": -1.0, "low": -2.0, "high": None}},
            "slices": [
                {
                    "dimension": "state",
                    "value": "SP",
                    "n": 4,
                    "models": {"eta": {"n": 4, "mae_days": 1.0}, "promise": {"n": 4, "mae_days": 3}},
                }
            ],
        },
        "eta",
    )
    assert fields == {
        "rows": 10,
        "metrics": {"n": 9.0, "mae_days": 1.5},
        "baselines": {"promise": {"n": 9.0, "mae_days": None}},
        "differences": {"promise": {"mae_days": -1.0, "low": -2.0, "high": None}},
        "slices": {"state": {"SP": {"eta": {"n": 4.0, "mae_days": 1.0}, "promise": {"n": 4.0, "mae_days": 3.0}}}},
    }


def test_observed_levels_are_weighted_shares_of_known_outcomes() -> None:
    table = pa.table(
        {
            "p10_days": [1.0, 1.0, 1.0, 1.0],
            "p50_days": [2.0, 2.0, 2.0, 2.0],
            "p90_days": [3.0, 3.0, 3.0, 3.0],
            "actual_days": [0.5, 2.5, 9.0, None],
            "weight": [1.0, 2.0, 1.0, 5.0],
        }
    )
    assert observed_levels(table) == {"0.1": 0.25, "0.5": 0.25, "0.9": 0.75}
    assert observed_levels(table.slice(3)) == {"0.1": None, "0.5": None, "0.9": None}
