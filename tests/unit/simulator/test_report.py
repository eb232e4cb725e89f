"""The fidelity report: distances with known answers, and worlds read as a landing would."""

import dataclasses
import datetime as dt
import math
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from tradewind_contracts.errors import SourceError
from tradewind_contracts.tables import TABLES
from tradewind_simulator.exports import write_day
from tradewind_simulator.manifests import FolderManifest
from tradewind_simulator.report import Comparison, compare, distances, figures, published, write_report
from tradewind_simulator.report.comparing import lay
from tradewind_simulator.report.measures import MEASURES
from tradewind_simulator.report.reading import CHANGSHU, DELHIVERY, OLIST, SIMULATED, open_worlds

FIRST = dt.date(2024, 1, 1)
SAMPLES = st.lists(st.integers(-50, 50), min_size=1, max_size=40).map(lambda values: np.array(values, dtype=float))


@given(SAMPLES, SAMPLES)
def test_distances_of_samples_are_those_of_slow_oracles(one: np.ndarray, other: np.ndarray):
    slow = max(abs(float(np.mean(one <= at)) - float(np.mean(other <= at))) for at in [*one, *other])
    assert distances.kolmogorov_smirnov(one, other) == pytest.approx(slow)
    assert distances.wasserstein(one, other) == pytest.approx(stats.wasserstein_distance(one, other))


def test_distances_have_their_known_answers():
    values = np.arange(100.0)
    assert distances.kolmogorov_smirnov(values, values) == 0
    assert distances.kolmogorov_smirnov(values, values + 1000) == 1
    assert distances.kolmogorov_smirnov(values, values + 25) == pytest.approx(0.25)
    assert distances.wasserstein(values, values + 25) == pytest.approx(25)
    assert distances.total_variation({"a": 1, "b": 3}, {"a": 10, "b": 30}) == 0
    assert distances.total_variation({"a": 1}, {"b": 2}) == 1
    assert distances.total_variation({"a": 0.6, "b": 0.4}, {"a": 0.5, "b": 0.3, "c": 0.2}) == pytest.approx(0.2)
    assert math.isnan(distances.kolmogorov_smirnov(values, values[:0]))
    assert math.isnan(distances.total_variation({}, {"a": 1}))


def test_the_distance_at_quantiles_is_a_lower_bound_and_ties_do_not_count():
    rng = np.random.default_rng(0)
    real, mine = rng.normal(size=4000), rng.normal(0.5, 1, size=4000)
    quantiles = np.quantile(real, distances.PROBABILITIES)
    found = distances.distance_at_quantiles(mine, quantiles)
    assert 0.8 * distances.kolmogorov_smirnov(mine, real) < found <= distances.kolmogorov_smirnov(mine, real) + 1e-3
    assert distances.distance_at_quantiles(real, quantiles) < 1e-3
    steps = np.repeat([50.0, 100.0], 500)
    assert distances.distance_at_quantiles(steps, np.quantile(steps, distances.PROBABILITIES)) == 0


def test_concentration_of_equals_is_none_and_of_one_holder_nearly_whole():
    assert distances.gini(np.ones(10)) == pytest.approx(0)
    assert distances.gini(np.array([0.0] * 9 + [5.0])) == pytest.approx(0.9)
    assert distances.gini(np.array([1.0, 3.0])) == pytest.approx(0.25)
    holders, held = distances.lorenz(np.array([3.0, 1.0]))
    assert holders.tolist() == [0, 0.5, 1]
    assert held.tolist() == [0, 0.25, 1]


def test_samples_of_one_law_stay_within_the_noise_in_about_nineteen_of_twenty():
    rng = np.random.default_rng(1)
    law, quantiles = {"a": 0.5, "b": 0.3, "c": 0.2}, stats.norm.ppf(distances.PROBABILITIES)
    known, two, rates, shares = [], [], [], []
    for _ in range(400):
        known.append(distances.distance_at_quantiles(rng.normal(size=80), quantiles) <= distances.noise_of_distribution(80))
        pair = distances.kolmogorov_smirnov(rng.normal(size=80), rng.normal(size=120))
        two.append(pair <= distances.noise_of_distribution(80, 120))
        rates.append(abs(rng.binomial(200, 0.3) / 200 - 0.3) <= distances.noise_of_rate(0.3, 200))
        counts = dict(zip(law, rng.multinomial(200, list(law.values())).tolist(), strict=True))
        shares.append(distances.total_variation(counts, law) <= distances.noise_of_shares(law, 200))
    for kept in (two, rates):
        assert np.mean(kept) == pytest.approx(0.95, abs=0.035)
    assert np.mean(known) > 0.93
    assert np.mean(shares) > 0.75
    assert distances.noise_of_rate(0.5, 0) == distances.noise_of_shares(law, 0) == distances.noise_of_distribution(0) == math.inf


def test_each_measure_has_a_figure_for_when_no_real_data_is_at_hand():
    figures = {"distribution": published.DISTRIBUTIONS, "shares": published.SHARES, "rate": published.RATES}
    assert {kind: set(known) for kind, known in figures.items()} == {
        kind: {measure.name for measure in MEASURES if measure.kind == kind} for kind in figures
    }
    for quantiles in published.DISTRIBUTIONS.values():
        assert len(quantiles.quantiles) == len(distances.PROBABILITIES)
        assert sorted(quantiles.quantiles) == list(quantiles.quantiles)
    for shares in published.SHARES.values():
        assert sum(shares.shares.values()) == pytest.approx(1, abs=0.003)


def _at(day: int, hour: float = 15.0) -> dt.datetime:
    return dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=day, hours=hour)


def _rows(table: str, rows: list[dict[str, object]]) -> pa.Table:
    schema = pa.schema([pa.field(column.name, column.kind.arrow) for column in TABLES[table].columns])
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)


def _parcel(number: int, **changes: object) -> dict[str, object]:
    parcel: dict[str, object] = {
        "parcel_id": f"x{number}", "order_id": f"o{number}", "merchant_id": "m1", "origin_postal_area_id": "01000", "origin_state": "SP",
        "destination_postal_area_id": "20000", "destination_state": "RJ", "ordered_at": _at(0), "promised_at": _at(12, 3),
        "items_count": 1, "price": 10, "freight": 5,
    }  # fmt: skip
    return {**parcel, **changes}


def _order(number: int) -> dict[str, object]:
    return {"order_id": f"o{number}", "customer_id": "c1", "ordered_at": _at(0), "promised_at": _at(12, 3)}


def _around(days: list[int]) -> list[tuple[str, int, list[dict[str, object]]]]:
    """What is said of the orders: parcel 0 is tried twice, order 3 has two items, order 8 came late, a scan is uploaded twice."""
    items = [{"order_id": f"o{k}", "item_number": n} for k in range(10) for n in ((1, 2) if k == 3 else (1,))]
    scans = [
        {"parcel_id": f"x{k}", "hub_id": hub, "event": event, "next_hub_id": to, "occurred_at": _at(1, hour), "recorded_at": _at(1, hour)}
        for k in range(9)
        for hub, event, to, hour in (("H1", "arrived", None, 9), ("H1", "departed", "H2", 12), ("H2", "arrived", None, 15))
    ]
    scans += [{**scans[1], "recorded_at": _at(3)}]
    tried = [(0, 1, 3, "failed"), *((k, 1 + (k == 0), day, "delivered") for k, day in enumerate(days))]
    return [
        ("order_items", 0, [{**item, "product_id": "p1", "merchant_id": "m1", "ordered_at": _at(0), "price": 10, "freight": 5} for item in items]),
        ("products", 0, [{"product_id": "p1", "weight_g": 800}]),
        ("payments", 0, [{"order_id": f"o{k}", "payment_number": 1, "ordered_at": _at(0), "method": "boleto", "amount": 15} for k in range(10)]
         # Junk, as landing would refuse it: a word that is not allowed, an amount below zero.
         + [{"order_id": "o1", "payment_number": n, "ordered_at": _at(0), "method": method, "amount": amount}
            for n, method, amount in ((2, "unheard_of", 15), (3, "voucher", -1))]),
        ("reviews", 26, [
            {"review_id": f"r{k}", "order_id": f"o{k}", "asked_at": _at(21), "answered_at": at, "score": score}
            for k, at, score in ((0, _at(22), 5), (8, _at(22), 1), (1, None, None))
        ]),
        ("leads", 0, [{"lead_id": f"l{k}", "contacted_at": _at(0, 3), "channel": "social"} for k in range(4)]),
        ("deals", 10, [{"lead_id": "l2", "merchant_id": "m2", "won_at": _at(10, 3)}]),
        ("lanes", 0, [{"lane_id": "H1-H2", "valid_from_at": _at(0), "origin_hub_id": "H1", "destination_hub_id": "H2", "distance_km": 9,
                       "planned_minutes": 120}]),
        ("scan_events", 3, [{"scan_id": f"s{n}", **scan} for n, scan in enumerate(scans)]),
        ("delivery_attempts", 25, [
            {"attempt_id": f"t{k}-{n}", "parcel_id": f"x{k}", "attempt_number": n, "hub_id": "H2", "courier_id": "v1", "attempted_at": _at(day),
             "recorded_at": _at(day), "outcome": outcome}
            for k, n, day, outcome in tried
        ]),
    ]  # fmt: skip


def _world(folder: Path) -> Path:
    """Ten parcels from São Paulo to Rio de Janeiro: eight come after 4 to 11 days, one late, one is called off; and junk."""
    areas = [
        {"postal_area_id": "01000", "lat": -23.55, "lng": -46.63, "state": "SP", "points_count": 1},
        {"postal_area_id": "20000", "lat": -22.91, "lng": -43.17, "state": "RJ", "points_count": 1},
    ]
    days = [4, 5, 6, 7, 8, 9, 10, 11, 20]
    arrived = [_parcel(k, delivered_at=_at(day)) for k, day in enumerate(days)]
    # The same key twice in a file: the first counts. A row without what must be there: junk.
    twice = [arrived[0], _parcel(0, delivered_at=_at(30)), {**_parcel(77, delivered_at=_at(2)), "merchant_id": None}]
    files = [
        ("orders", 0, [_order(k) for k in range(10)]),
        ("orders", 2, [{**_order(9), "cancelled_at": _at(2)}]),
        ("parcels", 0, [_parcel(k) for k in range(10)]),
        ("parcels", 25, [*twice, *arrived[1:]]),
        ("postal_areas", 0, areas),
        *_around(days),
    ]
    observed = folder / "observed"
    entries = [write_day(observed, table, FIRST + dt.timedelta(days=day), _rows(table, rows)) for table, day, rows in files]
    FolderManifest(
        name="simulator", country="BR", currency="BRL", zone="America/Sao_Paulo", first_day="2024-01-01", newest_day="2024-04-30",
        files=tuple(entries),
    ).write(observed)  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def rows(data: Path) -> dict[str, Comparison]:
    return {row.name: row for row in compare(data)}


def test_of_each_key_the_newest_version_counts_and_junk_does_not(data: Path):
    worlds = open_worlds(data, None)
    found = sorted(worlds.column(SIMULATED, "select delivery_days from parcels").tolist())
    assert found == [4, 5, 6, 7, 8, 9, 10, 11, 20]
    assert worlds.rows(SIMULATED, "select count(*) from parcels") == [(10,)]
    assert worlds.real == ()


def test_what_is_compared_is_what_was_written(rows: dict[str, Comparison]):
    assert rows["delivery days"].simulated == 8
    assert rows["delivery days"].kind == "ks_at_quantiles"
    assert rows["delivery days, SP to RJ"].count == 9
    assert rows["delivery days, SP to SP"].count == 0
    assert rows["delivery days, SP to SP"].is_within is None
    assert rows["distance"].simulated == pytest.approx(361, abs=2)
    # 12 local days were promised; the one of 20 days is late.
    assert rows["promised days"].simulated == 12
    assert rows["late share"].simulated == pytest.approx(1 / 9)
    assert rows["delivered share"].simulated == pytest.approx(0.9)
    # 15:00 in UTC is noon in São Paulo, and the first day of 2024 a Monday.
    assert rows["hour of purchase"].distance == pytest.approx(1 - published.SHARES["hour of purchase"].shares["12"], abs=0.001)
    assert rows["weekday of purchase"].distance == pytest.approx(1 - published.SHARES["weekday of purchase"].shares["1"], abs=0.001)


def test_what_is_said_of_orders_parcels_and_leads_is_compared_too(rows: dict[str, Comparison]):
    assert rows["cancelled share"].simulated == 0.1
    assert rows["items of an order"].simulated == 0.9
    assert rows["weight of an item"].simulated == 800
    assert rows["means of payment"].distance == pytest.approx(1 - published.SHARES["means of payment"].shares["boleto"], abs=0.001)
    assert (rows["review score, on time"].simulated, rows["review score, over a week late"].simulated) == (1, 1)
    assert (rows["review score, on time"].count, rows["review score, over a week late"].count) == (1, 1)
    assert rows["leads won, social"].simulated == 0.25
    assert rows["days from lead to deal"].simulated == 10
    assert rows["actual to planned minutes, legs of an hour or more"].simulated == 1.5
    assert rows["first attempts that deliver"].simulated == pytest.approx(8 / 9)
    assert rows["parcels tried again on a later day"].simulated == pytest.approx(1 / 9)
    assert rows["scans uploaded twice"].simulated == pytest.approx(1 / 28)
    assert rows["scans uploaded after an hour"].simulated == pytest.approx(1 / 28)
    assert rows["visits whose sorting nobody scanned"].simulated == 1


def test_a_comparison_is_within_its_tolerance_and_the_noise_of_its_size():
    row = Comparison("late share", 0.1, 0.08, 0.02, "difference", 0.01, "somebody", noise=0.005)
    assert row.is_within is False
    assert Comparison("late share", 0.1, 0.08, 0.02, "difference", 0.01, "somebody", noise=0.015).is_within is True


def test_the_page_needs_nothing_else_and_says_what_stood_in_for_real_data(data: Path, rows: dict[str, Comparison], tmp_path: Path):
    lines: list[str] = []
    write_report(data, tmp_path / "page.html", None, lines.append)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "No real data was at hand" in page
    assert set(re.findall(r'(?:src|href)="(.{11})', page)) == {"data:image/"}
    assert "url(" not in page
    assert not re.search(r"https?://", page)
    table = page[: page.index("</table>")]
    assert "<td>means of payment (share of credit_card)</td>" in table, "a bare share would not say of what"
    assert all(f"<td>{name}" in table and name in "\n".join(lines) for name in rows)
    assert len(re.findall(r"<tr>", table)) == len(MEASURES) + 1


def test_the_verdict_names_what_is_outside(data: Path, rows: dict[str, Comparison], tmp_path: Path):
    lines: list[str] = []
    write_report(data, tmp_path / "page.html", None, lines.append)
    outside = [name for name, row in rows.items() if row.is_within is False]
    assert outside
    assert lines[-1].endswith(f"Outside: {'; '.join(outside)}.")


def test_a_few_absurd_values_do_not_press_the_others_against_the_axis(data: Path, monkeypatch: pytest.MonkeyPatch):
    drawn: list[float] = []
    finished = figures._finished

    def looked_at(figure: Figure, axes: Axes, title: str) -> str:
        drawn.append(axes.get_xlim()[1])
        return finished(figure, axes, title)

    monkeypatch.setattr(figures, "_finished", looked_at)
    laid = next(each for each in lay(open_worlds(data, None)) if each.measure.name == "distance")
    figures.of_distribution(dataclasses.replace(laid, values=np.append(np.linspace(0, 3000, 999), 20_000.0), real_quantiles=None))
    assert drawn[0] < 4000


def test_real_data_is_read_where_it_is_and_the_rest_stays_published(data: Path, tmp_path: Path):
    (tmp_path / "delhivery").mkdir()
    (tmp_path / "delhivery" / "legs.csv").write_text("osrm_time,actual_time\n" + "60,120\n" * 5 + "0,9\n")
    (tmp_path / "changshu_redelivery").mkdir()
    (tmp_path / "changshu_redelivery" / "orders.csv").write_text("redelivered\n" + "0\n" * 3 + "1\n")
    found = {row.name: row for row in compare(data, tmp_path)}
    assert found["actual to planned minutes, legs of an hour or more"].real == 2
    assert found["parcels tried again on a later day"].real == 0.25
    assert found["delivery days"].source == published.OLIST
    assert open_worlds(data, tmp_path).real == (DELHIVERY, CHANGSHU)


def test_an_archive_that_lacks_a_file_is_named(data: Path, tmp_path: Path):
    (tmp_path / OLIST).mkdir()
    with zipfile.ZipFile(tmp_path / OLIST / "brazilian-ecommerce.zip", "w") as archive:
        archive.writestr("a.csv", "x\n1\n")
    with pytest.raises(SourceError, match=r"no olist_orders_dataset.csv in it \(found: a.csv\)"):
        compare(data, tmp_path)


def test_a_folder_without_a_world_is_refused(tmp_path: Path):
    with pytest.raises(SourceError, match="tradewind simulate"):
        compare(tmp_path)


def test_a_folder_without_real_data_is_refused_not_passed_over(data: Path, tmp_path: Path):
    with pytest.raises(SourceError, match=r"nowhere: no real data in it; expected a folder with olist/brazilian-ecommerce\.zip"):
        compare(data, tmp_path / "nowhere")


def test_damaged_files_are_refused_on_either_side(data: Path, tmp_path: Path):
    archive = tmp_path / "real" / "olist" / "brazilian-ecommerce.zip"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"PK not whole")
    with pytest.raises(SourceError, match="real: a file in it can't be read"):
        compare(data, tmp_path / "real")
    shutil.copytree(data, tmp_path / "damaged")
    next((tmp_path / "damaged" / "observed" / "orders").glob("*.parquet")).write_bytes(b"PAR1 not whole")
    with pytest.raises(SourceError, match="damaged: a file in it can't be read"):
        compare(tmp_path / "damaged")
