"""A bundle is a function of the rows and knobs alone, and proves itself when it is loaded."""

import json

import numpy as np
import pytest
from eta_simulation import DAY, START, config, shuffled, simulate

from tradewind_contracts.digests import digest_folder
from tradewind_contracts.errors import IntegrityError
from tradewind_models.eta import TooFewRowsError, bundle, fit, read
from tradewind_models.eta.config import TreesConfig
from tradewind_models.eta.predictor import load

SMALL = config(trees=TreesConfig(rounds=15, min_data_in_leaf=20))


@pytest.fixture(scope="module")
def known():
    return simulate(1500, 120, 4).frame.known_at(START + 90 * DAY)


@pytest.fixture(scope="module")
def model(known):
    return fit(known, SMALL)


@pytest.fixture
def folder(tmp_path, model):
    bundle(model, tmp_path)
    return tmp_path


def test_the_same_rows_in_another_order_give_the_same_bundle(tmp_path, known, folder):
    other = tmp_path / "other"
    other.mkdir()
    bundle(fit(shuffled(known, 3), SMALL), other)
    assert digest_folder(other) == digest_folder_without(folder, other)


def digest_folder_without(folder, inner):
    files = {path.name: path for path in folder.iterdir() if path.is_file()}
    copy = inner.parent / "copy"
    copy.mkdir()
    for name, path in files.items():
        (copy / name).write_bytes(path.read_bytes())
    return digest_folder(copy)


def test_another_seed_gives_another_bundle(tmp_path, known, folder):
    other = tmp_path / "other"
    other.mkdir()
    bundle(fit(known, SMALL.model_copy(update={"seed": 8})), other)
    assert digest_folder(other) != digest_folder_without(folder, other)


def test_a_loaded_bundle_answers_as_the_model_did_and_in_ascending_quantiles(folder, model, known):
    found = load(folder).predict(known.columns)
    np.testing.assert_allclose(found, model.predict(known.columns), rtol=1e-9)
    assert (np.diff(found, axis=1) >= 0).all()
    assert (found > 0).all()


def test_a_bundle_read_again_is_the_same_model(folder, model, known, tmp_path):
    again = read(folder)
    np.testing.assert_allclose(again.unseen(known), model.unseen(known), rtol=1e-9)
    assert (again.calibration, again.fitted_at) == (model.calibration, model.fitted_at)
    other = tmp_path / "other"
    other.mkdir()
    bundle(again, other)
    assert digest_folder(other) == digest_folder_without(folder, other)


def test_a_bundle_holds_open_text_only_and_says_how_far_it_knows(folder):
    predictor = load(folder)
    assert {path.suffix for path in folder.iterdir()} == {".json", ".txt"}
    assert predictor.contract.as_of.isoformat() == "2020-03-31T00:00:00+00:00"
    assert predictor.calibrated_at == predictor.contract.as_of
    assert sorted(predictor.contract.files) == sorted(path.name for path in folder.iterdir() if path.name != "contract.json")


def test_trees_that_answer_golden_rows_otherwise_are_refused(folder):
    path = folder / "p50_fold0.txt"
    path.write_text((folder / "p90_fold0.txt").read_text())
    with pytest.raises(IntegrityError, match="do not answer as they did"):
        load(folder)


def test_changed_calibration_is_refused(folder):
    path = folder / "contract.json"
    contract = json.loads(path.read_text())
    contract["parameters"]["calibration"]["factors"][1] *= 1.001
    path.write_text(json.dumps(contract))
    with pytest.raises(IntegrityError, match="golden"):
        load(folder)


@pytest.mark.parametrize("name", ["contract.json", "golden_rows.json", "p10_fold1.txt"])
def test_a_bundle_without_one_of_its_files_is_refused_by_name(folder, name):
    (folder / name).unlink()
    with pytest.raises(IntegrityError, match=name):
        load(folder)


@pytest.mark.parametrize("text", ["", "{}", "not a tree"])
def test_a_file_that_is_no_tree_is_refused_by_name(folder, text):
    (folder / "p10_fold0.txt").write_text(text)
    with pytest.raises(IntegrityError, match="p10_fold0"):
        load(folder)


def test_too_few_deliveries_are_refused_with_their_count(known):
    with pytest.raises(TooFewRowsError, match="of 5 parcels"):
        fit(known.take(np.arange(5)), SMALL)
