"""Outreach: the lot gives the planted effect back, targeting does not, and some effects are negative."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from merchant_world import day_of, merchants_of, surroundings
from pydantic import ValidationError
from scipy.special import expit

from tradewind_simulator.days import DAY
from tradewind_simulator.mechanisms.growth.contacts import Design
from tradewind_simulator.mechanisms.growth.outreach import Candidates, OutreachParameters
from tradewind_simulator.mechanisms.growth.survival import Standing
from tradewind_simulator.streams import Stream

COUNT = 40_000


def _called(*levers: str):
    """Arms, effects and outcomes of many leads that are called (or not) on one day."""
    world = surroundings(*levers)
    outreach = merchants_of(world).outreach
    leads = np.arange(COUNT)
    stream = Stream(3, "test")
    quality = stream.normal(leads)
    log_odds = -2.3 + 0.8 * quality
    effect, sent_at = outreach.win(day_of(world, 10), leads, stream.integers(10, leads, slot=1), quality, log_odds)
    is_won = stream.uniform(leads, slot=2) < expit(log_odds + effect)
    return world, effect, sent_at, is_won


@pytest.fixture(scope="module")
def called():
    return _called()


@pytest.fixture(scope="module")
def files(called, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("observed")
    world = called[0]
    for day in (11, 12):
        world.exports.flush(world.days.start(day) // DAY, folder)
    return folder / "outreach"


def _rows(files: Path) -> dict[str, np.ndarray]:
    """The contacts of the day, in order of the lead's number."""
    table = pq.read_table(files / "2024-01-12.parquet")
    leads = np.array([int(text[1:]) for text in table.column("lead_id").to_pylist()])
    order = np.argsort(leads)
    columns = {name: table.column(name).to_numpy(zero_copy_only=False)[order] for name in table.column_names}
    return {**columns, "lead": leads[order]}


def _told(world, name: str) -> np.ndarray:
    """A column of the contacts' truth, in order of the lead's number."""
    ids = [int(text[1:]) for text in world.truth.column("outreach", "outreach_id")]
    return world.truth.column("outreach", name)[np.argsort(ids)]


def test_the_lot_recovers_the_planted_effect_and_targeting_overstates_it(called, files: Path):
    world, _, _, is_won = called
    rows = _rows(files)
    treated, lot = rows["arm"] == "treatment", rows["assignment"] == "randomised"
    gain = _told(world, "treated_probability") - _told(world, "baseline_probability")
    won = is_won[rows["lead"]]

    def difference(group: np.ndarray) -> float:
        return float(won[group & treated].mean() - won[group & ~treated].mean())

    assert difference(lot) == pytest.approx(gain[lot].mean(), abs=0.012)
    assert difference(~lot) > gain[~lot].mean() + 0.05


def test_the_propensity_in_truth_is_the_share_that_is_treated(called, files: Path):
    world, effect, _, _ = called
    treated, propensity = _rows(files)["arm"] == "treatment", _told(world, "propensity")
    for group in (propensity > 0.6, propensity < 0.4):
        assert treated[group].mean() == pytest.approx(propensity[group].mean(), abs=0.02)
    assert 0.05 < np.mean(_told(world, "log_effect") < 0) < 0.4
    assert np.count_nonzero(effect) == treated.sum()


def test_answers_come_after_the_contact_and_are_known_only_then(called, files: Path):
    world, _, sent_at, _ = called
    rows = _rows(files)
    assert set(rows["channel"][rows["arm"] == "control"]) == {"none"}
    assert set(rows["sent_at"].astype("datetime64[D]").astype(str)) == {"2024-01-12"}
    later = pq.read_table(files / "2024-01-13.parquet")
    known = ~np.isnat(rows["responded_at"])
    assert 0 < known.sum() < later.num_rows + known.sum()
    assert np.all(rows["responded_at"][known] > rows["sent_at"][known])
    assert set(rows["arm"][known]) == set(later.column("arm").to_pylist()) == {"treatment"}
    assert sent_at.min() >= world.days.start(11) + 9 * 3600


def test_the_lever_scales_the_effects_and_off_leaves_no_contact(called):
    full, half = called[1], _called("outreach=0.5")[1]
    world, none, sent_at, _ = _called("outreach=off")
    assert np.allclose(half, 0.5 * full)
    assert not none.any()
    assert "outreach" not in world.truth.told
    assert np.array_equal(sent_at, called[2])


def _candidates(numbers: np.ndarray, sales: float = 40.0) -> Candidates:
    count = len(numbers)
    standing = Standing(np.full(count, 3.5), numbers % 3, np.full(count, 0.1), np.full(count, sales), np.full(count, 300))
    return Candidates(numbers, numbers % 3, Stream(1, "quality").normal(numbers), standing, np.full(count, 0.002))


def test_a_contact_with_a_merchant_has_the_effect_of_its_number_in_any_company():
    numbers = np.arange(1, 4001)
    order = np.random.default_rng(0).permutation(len(numbers))
    found = []
    for asked in (numbers, numbers[order]):
        world = surroundings()
        found.append(merchants_of(world).outreach.retain(day_of(world, 28), _candidates(asked)).log_hazard)
    assert np.array_equal(found[0][order], found[1])


def test_those_who_sell_next_to_nothing_are_better_left_asleep():
    numbers = np.arange(1, 4001)
    mean = {}
    for sales in (0.0, 40.0):
        world = surroundings()
        merchants_of(world).outreach.retain(day_of(world, 28), _candidates(numbers, sales))
        mean[sales] = world.truth.column("outreach", "log_effect").mean()
    assert mean[0.0] < 0 < mean[40.0]


def test_at_risk_are_those_who_fall_are_rated_badly_or_late():
    outreach = merchants_of(surroundings()).outreach
    standing = Standing(
        rating=np.array([4.5, 4.5, 3.0, 4.5, 3.0]),
        tier=np.zeros(5, dtype=np.int64),
        late_share=np.array([0.05, 0.05, 0.05, 0.4, 0.05]),
        sales_28d=np.array([28.0, 5.0, 28.0, 28.0, 28.0]),
        age_days=np.array([300, 300, 300, 300, 10]),
    )
    assert outreach.is_at_risk(standing, np.full(5, 90.0)).tolist() == [False, True, True, True, False]


def test_a_contact_works_from_the_next_day_and_none_follows_while_it_does():
    world = surroundings()
    merchants = merchants_of(world)
    seen: dict[int, int] = {}
    for number in range(120):
        merchants.step(day_of(world, number))
        e = merchants.entities
        for merchant, until in zip(e["number"].tolist(), e["support_until"].tolist(), strict=True):
            if until >= 0 and seen.get(merchant, -1) != until:
                assert number > seen.get(merchant, -1)
                assert until == number + merchants.parameters.outreach.retain_days
                seen[merchant] = until
    assert seen


@pytest.mark.parametrize("wrong", [{"randomised_share": 0.7, "targeted_share": 0.6}, {"randomised_share": -0.1, "targeted_share": 0.5}])
def test_impossible_designs_are_refused_by_name(wrong: dict[str, float]):
    with pytest.raises(ValidationError, match="randomised_share"):
        Design(**wrong)
    with pytest.raises(ValidationError, match="retain_days"):
        OutreachParameters(retain_days=0)
