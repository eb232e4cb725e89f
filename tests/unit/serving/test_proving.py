"""A version is proven by its bytes, its family and its quantiles before it may answer."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from serving_world import CONTRACT, PlainPredictor

from tradewind_contracts.bundle import BundleContract
from tradewind_contracts.digests import digest_folder
from tradewind_contracts.errors import IntegrityError
from tradewind_serving.answers import ServedVersion
from tradewind_serving.baked import baked_version
from tradewind_serving.proving import Sealed, Served, prove


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    CONTRACT.write(folder)
    (folder / "p10.txt").write_text("tree")
    return folder


def fills_anything(contract: BundleContract, view_specs: Mapping[str, str]) -> None:
    pass


def prove_it(folder: Path, digest: str = "", contract: BundleContract = CONTRACT, name: str = "eta") -> Served:
    version = ServedVersion(name=name, number=4, digest=digest or digest_folder(folder), source="registry")
    return prove(folder, Sealed(version, {"merchant_pace": "d" * 64}), lambda _: PlainPredictor(contract), fills_anything)


def test_a_bundle_whose_digest_matches_is_served(bundle: Path) -> None:
    served = prove_it(bundle)
    assert (served.version.number, served.view_specs) == (4, {"merchant_pace": "d" * 64})


@pytest.mark.parametrize("change", ["edited", "added", "removed"])
def test_a_changed_bundle_is_refused_before_it_is_loaded(bundle: Path, change: str) -> None:
    sealed = digest_folder(bundle)
    file = bundle / ("p10.txt" if change != "added" else "p11.txt")
    if change == "removed":
        file.unlink()
    else:
        file.write_text("trees")

    def load(folder: Path) -> PlainPredictor:
        raise AssertionError("a bundle that does not match was loaded")

    version = ServedVersion(name="eta", number=4, digest=sealed, source="registry")
    with pytest.raises(IntegrityError, match="eta@4: the bundle's digest"):
        prove(bundle, Sealed(version), load, fills_anything)


def test_another_family_or_other_quantiles_are_refused(bundle: Path) -> None:
    with pytest.raises(IntegrityError, match="family 'risk'"):
        prove_it(bundle, contract=CONTRACT.model_copy(update={"family": "risk"}))
    with pytest.raises(IntegrityError, match="quantiles"):
        prove_it(bundle, contract=CONTRACT.model_copy(update={"quantiles": [0.5]}))


def test_a_contract_that_can_not_be_filled_is_refused(bundle: Path) -> None:
    def refuse(contract: BundleContract, view_specs: Mapping[str, str]) -> None:
        raise IntegrityError("the service can't fill weather:rain_mm")

    version = ServedVersion(name="eta", number=4, digest=digest_folder(bundle), source="registry")
    with pytest.raises(IntegrityError, match="rain_mm"):
        prove(bundle, Sealed(version), lambda _: PlainPredictor(), refuse)


@pytest.mark.parametrize("fault", [KeyError("calibration"), ValueError("not a number"), TypeError("None")])
def test_a_bundle_that_the_code_stumbles_over_is_refused_by_name(bundle: Path, fault: Exception) -> None:
    def load(folder: Path) -> PlainPredictor:
        raise fault

    version = ServedVersion(name="eta", number=4, digest=digest_folder(bundle), source="registry")
    with pytest.raises(IntegrityError, match=f"eta@4: .*{type(fault).__name__}.*not served"):
        prove(bundle, Sealed(version), load, fills_anything)


def test_the_note_of_a_baked_version_is_read_or_refused(tmp_path: Path) -> None:
    assert baked_version(tmp_path, "olist") is None
    note = tmp_path / "version.json"
    note.write_text('{"model": "eta", "number": 2, "digest": "ab", "world": "olist"}')
    assert baked_version(tmp_path, "simulator") is None, "baked for another world"
    version = ServedVersion(name="eta", number=2, digest="ab", source="baked")
    assert baked_version(tmp_path, "olist") == (tmp_path / "bundle", Sealed(version)), "built before digests of views were noted"
    note.write_text('{"model": "eta", "number": 2, "digest": "ab", "world": "olist", "view_specs": {"merchant_pace": "cd"}}')
    assert baked_version(tmp_path, "olist") == (tmp_path / "bundle", Sealed(version, {"merchant_pace": "cd"}))
    note.write_text('{"model": "eta"}')
    with pytest.raises(IntegrityError, match="build the Bento again"):
        baked_version(tmp_path, "olist")
