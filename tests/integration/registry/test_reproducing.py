"""A version is made again: from its sealed set the same bundle, from the landing the same rows; and what stands in the way is named."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import eta_world
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from tradewind_cli.main import app
from tradewind_contracts.errors import IntegrityError, NotFoundError, StateError
from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_lifecycle import feature_store
from tradewind_lifecycle.candidates import fit_candidate
from tradewind_lifecycle.provenance import Commit, commit, has_commit
from tradewind_lifecycle.reproducing import checks_of, read_reproductions, rebuilding, refitting, reproduce
from tradewind_lifecycle.reproducing.checking import Checkout, shown
from tradewind_lifecycle.reproducing.views import text_of, verdict_of
from tradewind_lifecycle.sealed_frames import sealed_frame
from tradewind_lifecycle.training import register_candidate
from tradewind_lifecycle.training_sets import FRAME
from tradewind_models.eta import EtaConfig
from tradewind_models.eta.config import TreesConfig
from tradewind_registry import Version

QUICK = EtaConfig(trees=TreesConfig(rounds=15, min_data_in_leaf=20, learning_rate=0.2))
MADE_AT = "1" * 40


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A published world with a landing of its own."""
    made = eta_world.publish_world(tmp_path_factory.mktemp("reproduce") / "home")
    eta_world.land_newest(made)
    features = made.paths.published / "features"
    present = Manifest.read(features)
    present.model_copy(update={"facts": {"landing": Manifest.read(made.paths.landing).digest}}).write(features)
    feature_store.apply(made)
    return made


@pytest.fixture(scope="module")
def version(settings: Settings) -> Iterator[Version]:
    """A version of that world, made at MADE_AT from a clean tree."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tradewind_lifecycle.training.commit", lambda: Commit(MADE_AT, True))
        yield register_candidate(settings, fit_candidate(settings, sealed_frame(settings, "eta").digest, QUICK))[0]


@pytest.fixture
def checkout(version: Version) -> Checkout:
    """A clean checkout of the version's commit with its packages."""
    return replace(Checkout.present(), commit=MADE_AT, is_clean=True, lock=version.lock_digest)


@pytest.fixture
def rebuilt_as(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Stand in for dbt: publishes the world's own tables into the scratch home, each through ``changed``."""

    def stand_in(settings: Settings, changed: Any = lambda name, table: table) -> None:
        def publish(half: str, scratch: Settings) -> Manifest:
            folder = settings.paths.published / "features"
            present = Manifest.read(folder)
            if half == "features":
                tables = {name: changed(name, pq.read_table(folder / entry.path)) for name, entry in present.tables.items()}
                eta_world.publish(scratch, tables).model_copy(update={"facts": present.facts}).write(scratch.paths.published / "features")
            return present

        monkeypatch.setattr(rebuilding, "run_dbt", lambda half, scratch: None)
        monkeypatch.setattr(rebuilding.publishing, "publish", publish)

    return stand_in


def test_the_same_checkout_gives_the_same_bundle_digest_and_keeps_a_record(
    settings: Settings, version: Version, checkout: Checkout
) -> None:
    made = reproduce(settings, "eta@1", checkout=checkout)
    assert made.not_held == ()
    assert made.refitted is not None
    assert made.refitted.found == version.bundle_digest
    assert (made.outcome, made.exit_code, verdict_of(made)) == ("same", 0, "the same bundle digest")
    assert read_reproductions(settings, "eta@1", version.bundle_digest)[-1] == made
    assert read_reproductions(settings, "eta@1", "f" * 64) == [], "the same number in another registry is another version"
    assert not list(settings.home.glob(".reproducing-*/")), "the scratch home is gone"


def test_another_commit_is_refused_with_the_commands_that_make_its_checkout(
    settings: Settings, version: Version, checkout: Checkout
) -> None:
    elsewhere = replace(checkout, commit="2" * 40)
    with pytest.raises(StateError, match="eta@1 can't be reproduced here") as refusal:
        reproduce(settings, "eta@1", checkout=elsewhere, from_landing=True)
    said = str(refusal.value)
    assert f"it was made at {MADE_AT}, this checkout is at {'2' * 40}" in said
    assert f"git worktree add {checkout.root.parent / 'tradewind-eta-1'} {MADE_AT}" in said
    assert "git fetch --all" in said, "the commit is in no repository"
    assert f"TRADEWIND_HOME={settings.paths.home} " in said
    assert "tradewind models reproduce eta@1 --world olist --from-landing" in said
    assert "--anyway" in said


@pytest.mark.parametrize(
    ("change", "said", "todo"),
    [
        ({"is_clean": False}, "tree of this checkout: it has changes", "status"),
        ({"lock": "a" * 64}, "lock of packages: its lock has the digest", "make setup"),
        ({"installed": {"lightgbm": "3.9"}}, "lightgbm 3.9 (pinned: 4", "make setup"),
        ({"commit": ""}, "this checkout is at no repository", "git worktree"),
    ],
)
def test_what_another_checkout_has_is_named_with_what_to_do(
    settings: Settings, version: Version, checkout: Checkout, change: dict[str, Any], said: str, todo: str
) -> None:
    held = checks_of(settings, version, replace(checkout, **change), from_landing=False)
    failed = [check for check in held if not check.holds]
    assert len(failed) == 1
    assert said in shown(failed)
    assert todo in failed[0].todo


def test_a_version_of_a_tree_with_changes_can_never_be_proven(settings: Settings, version: Version, checkout: Checkout) -> None:
    unclean = version.model_copy(update={"tree_clean": False})
    failed = [check for check in checks_of(settings, unclean, checkout, from_landing=False) if not check.holds]
    assert "commit first, then train" in shown(failed)


def test_code_that_no_commit_shows_is_found_by_the_inputs_key(
    settings: Settings, version: Version, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradewind_lifecycle.candidates.code_digest", lambda package: "c" * 64)
    with pytest.raises(StateError, match=r"inputs: rows, knobs, the family's code and the lock give the key"):
        reproduce(settings, "eta@1", checkout=checkout)


def test_with_anyway_a_changed_knob_is_told_exactly(
    settings: Settings, version: Version, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = QUICK.model_copy(update={"trees": QUICK.trees.model_copy(update={"rounds": 14})})
    monkeypatch.setattr(refitting, "config_of", lambda version: other)
    heard: list[str] = []
    made = reproduce(settings, "eta@1", checkout=replace(checkout, commit="2" * 40, is_clean=False), anyway=True, say=heard.append)
    assert [check.name for check in made.not_held] == ["commit", "tree of this checkout"]
    assert made.refitted is not None
    assert "parameters.config.trees.rounds: 15, now 14" in made.refitted.files["contract.json"]
    assert any(name.endswith(".txt") for name in made.refitted.files)
    assert made.refitted.largest_difference is not None
    assert made.refitted.largest_difference > 1e-3
    assert made.refitted.metrics[0].startswith("metrics.bias_days: ")
    assert (made.outcome, made.exit_code) == ("other", 1)
    assert "NOT reproduced" in text_of(made)
    assert any(line.startswith("differs: commit") for line in heard)


def test_other_bytes_that_answer_the_same_are_said_to_be_equal(
    settings: Settings, version: Version, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = refitting.fit_candidate

    def with_another_comment(*arguments: Any) -> Any:
        made = fit(*arguments)
        tree = next(made.bundle.glob("*.txt"))
        tree.write_text(tree.read_text() + "\n")
        return made

    monkeypatch.setattr(refitting, "fit_candidate", with_another_comment)
    made = reproduce(settings, "eta@1", checkout=checkout)
    assert made.refitted is not None
    assert made.refitted.found != version.bundle_digest
    assert len(made.refitted.files) == 1
    assert made.refitted.largest_difference == 0
    assert (made.outcome, made.exit_code) == ("equal", 0)
    assert "predictions and metrics equal within 1e-09" in text_of(made)


def test_a_sealed_set_with_one_changed_byte_is_refused_even_with_anyway(
    settings: Settings, version: Version, checkout: Checkout, tmp_path: Path
) -> None:
    copied = settings.model_copy(update={"home": tmp_path / "home"})
    shutil.copytree(settings.home, copied.home)
    frame = copied.paths.training_sets / version.training_set_digest / FRAME
    data = bytearray(frame.read_bytes())
    data[len(data) // 2] ^= 1
    frame.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"frame\.parquet: not what was sealed"):
        reproduce(copied, "eta@1", checkout=checkout, anyway=True)
    shutil.rmtree(frame.parent)
    with pytest.raises(StateError, match="build it anew with --from-landing"):
        reproduce(copied, "eta@1", checkout=checkout, anyway=True)


def test_from_the_landing_the_same_set_comes_out_and_stands_in_for_one_that_is_gone(
    settings: Settings, version: Version, checkout: Checkout, rebuilt_as: Any, tmp_path: Path
) -> None:
    rebuilt_as(settings)
    copied = settings.model_copy(update={"home": tmp_path / "home"})
    shutil.copytree(settings.home, copied.home)
    shutil.rmtree(copied.paths.training_sets)
    made = reproduce(copied, "eta@1", checkout=checkout, from_landing=True)
    assert made.rebuilt is not None
    assert made.rebuilt.found == version.training_set_digest
    assert verdict_of(made) == "the same bundle digest; the same training-set digest"


def test_from_the_landing_the_first_row_that_differs_is_named_by_view_and_feature(
    settings: Settings, version: Version, checkout: Checkout, rebuilt_as: Any
) -> None:
    def older(name: str, table: pa.Table) -> pa.Table:
        if name != "ftr_merchant__handling_90d":
            return table
        place = next(i for i, field in enumerate(table.schema) if pa.types.is_floating(field.type))
        return table.set_column(place, table.schema.field(place), pc.add(table.column(place), 1.0))

    rebuilt_as(settings, older)
    made = reproduce(settings, "eta@1", checkout=checkout, from_landing=True)
    assert made.rebuilt is not None
    assert made.rebuilt.outcome == "other"
    assert made.rebuilt.rows[0].startswith("view merchant_handling_90d, ")
    assert " rows differ, first row " in made.rebuilt.rows[0]
    assert any(fact.startswith("published_digest: ") for fact in made.rebuilt.facts)
    assert made.refitted is not None
    assert made.refitted.outcome == "same", "the fit is of the sealed rows, whatever the rebuild gave"
    assert made.exit_code == 1


def test_a_landing_that_has_grown_is_told_from_the_one_that_the_version_was_made_of(
    settings: Settings, version: Version, checkout: Checkout, tmp_path: Path
) -> None:
    copied = settings.model_copy(update={"home": tmp_path / "home"})
    shutil.copytree(settings.home, copied.home)
    present = Manifest.read(copied.paths.landing)
    tables = {name: table.model_copy(update={"digest": "d" * 64}) for name, table in present.tables.items()}
    present.model_copy(update={"tables": tables}).write(copied.paths.landing)
    with pytest.raises(StateError, match="landing: it was made of the landing"):
        reproduce(copied, "eta@1", checkout=checkout, from_landing=True)
    failed = [check.name for check in checks_of(copied, version, checkout, from_landing=False) if not check.holds]
    assert failed == [], "without --from-landing the landing is not asked"


def test_the_command_refuses_a_working_tree_of_another_commit_in_words(
    settings: Settings, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEWIND_HOME", str(settings.home))
    with pytest.raises(StateError, match=MADE_AT):
        CliRunner().invoke(app, ["models", "reproduce", "eta@1", "--source", "olist"], standalone_mode=False, catch_exceptions=False)
    with pytest.raises(NotFoundError, match="eta@9"):
        CliRunner().invoke(app, ["models", "reproduce", "eta@9", "--source", "olist"], standalone_mode=False, catch_exceptions=False)


def test_a_damaged_record_is_named(settings: Settings, version: Version) -> None:
    folder = settings.paths.reports / "reproduced"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "eta@1-2020-01-01T00-00-00Z.json"
    path.write_text("{}")
    try:
        with pytest.raises(IntegrityError, match="not the record of a reproduction"):
            read_reproductions(settings, "eta@1", version.bundle_digest)
    finally:
        path.unlink()


def test_a_repository_says_whether_it_holds_a_commit(root: Path) -> None:
    name = commit().name
    if not name:
        pytest.skip("not in a repository")
    assert has_commit(name)
    assert not has_commit(MADE_AT)
    assert not has_commit("")
    tree = subprocess.run(["git", "rev-parse", "HEAD^{tree}"], cwd=root, capture_output=True, text=True, check=True).stdout.strip()
    assert not has_commit(tree), "a tree is no commit"
