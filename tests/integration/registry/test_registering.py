"""Registering: sealed rows, dense numbers, the same inputs once."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from tradewind_contracts.digests import digest_folder
from tradewind_contracts.errors import IntegrityError, NotFoundError
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_contracts.verdicts import Verdict
from tradewind_registry import Registry, RegistryClient, VersionDraft

Drafts = Callable[..., VersionDraft]
Bundles = Callable[..., Path]


def test_a_version_gives_back_all_that_its_draft_sealed(registry: Registry, client: RegistryClient, draft: Drafts, bundle: Bundles) -> None:
    made, folder = draft(), bundle()
    registered = registry.register(made, folder)
    read = client.resolve("eta@1")
    assert read == registered
    assert VersionDraft.model_validate(read.model_dump(include=set(VersionDraft.model_fields))) == made
    assert read.bundle_digest == digest_folder(folder)
    assert list(read.metrics) == list(made.metrics), "the first metric is the main one: their order counts"


def test_registering_the_same_inputs_twice_registers_once(registry: Registry, draft: Drafts, bundle: Bundles) -> None:
    first = registry.register(draft("a"), bundle("tree"))
    again = registry.register(draft("a"), bundle("a tree that came out otherwise"))
    assert again == first
    assert [v.number for v in registry.versions("eta")] == [1]
    assert registry.orphans() == []
    assert [entry.action for entry in registry.audit()] == ["register"]


def test_two_versions_may_share_one_bundle(registry: Registry, draft: Drafts, bundle: Bundles) -> None:
    first = registry.register(draft("a"), bundle("tree"))
    second = registry.register(draft("b"), bundle("tree"))
    assert (first.number, second.number) == (1, 2)
    assert registry.open_bundle(first) == registry.open_bundle(second)


def test_numbers_are_dense_for_each_model_on_its_own(registry: Registry, draft: Drafts, bundle: Bundles) -> None:
    names = [("eta", "a"), ("risk", "a"), ("eta", "b"), ("risk", "b"), ("eta", "c")]
    numbers = [registry.register(draft(key, model=model), bundle(f"{model} {key}")).number for model, key in names]
    assert numbers == [1, 1, 2, 2, 3]
    assert registry.models() == ["eta", "risk"]


def test_a_number_that_does_not_exist_names_those_that_do(registry: Registry, draft: Drafts, bundle: Bundles) -> None:
    with pytest.raises(NotFoundError, match="no model at all yet"):
        registry.resolve("eta@1")
    for n in range(1, 11):
        registry.register(draft(str(n)), bundle(str(n)))
    with pytest.raises(NotFoundError, match="no version eta@11; there are eta@1 … eta@10"):
        registry.resolve("eta@11")
    with pytest.raises(
        NotFoundError, match=r"no alias eta@champion in world olist; aliases: none is set; versions: there are eta@1 … eta@10"
    ):
        registry.resolve("eta")
    with pytest.raises(NotFoundError, match=r"no version et@1; there is no model et \(there are: eta\)"):
        registry.resolve("et@1")


def test_a_missing_version_one_never_becomes_version_ten(registry: Registry, draft: Drafts, bundle: Bundles) -> None:
    for n in range(1, 11):
        registry.register(draft(str(n), model="eta_x"), bundle(str(n)))
    registry.register(draft("only"), bundle("only"))
    assert registry.resolve("eta@1").model == "eta"
    with pytest.raises(NotFoundError, match="there is eta@1 only"):
        registry.resolve("eta@10")


@pytest.mark.parametrize(
    "statement",
    [
        "update versions set owner = 'me'",
        "delete from versions",
        "delete from alias_history",
        "update audit set who = 'me'",
        "update verdicts set passed = true",
        "update overrules set why = 'none'",
        "delete from overrules",
    ],
)
def test_the_database_itself_refuses_to_change_sealed_rows(
    passed_versions: Registry, registry_settings: Settings, statement: str, verdict: Callable[..., Verdict]
) -> None:
    passed_versions.promote("eta", 1, why="first", who="test")
    passed_versions.record_verdicts("eta", 1, [verdict("covers", passed=False)])
    tomorrow = Clock().now() + dt.timedelta(days=1)
    passed_versions.overrule("eta", 1, "covers", why="seen", who="test", expires_at=tomorrow)
    engine = create_engine(registry_settings.database_url)
    with engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text(statement))
    engine.dispose()


def test_a_bundle_edited_by_one_byte_is_refused_by_name(
    registry: Registry, draft: Drafts, bundle: Bundles, registry_settings: Settings
) -> None:
    version = registry.register(draft(), bundle())
    kept = registry_settings.paths.bundles / version.bundle_digest / "tables" / "calibration.json"
    sealed = version.bundle_files["tables/calibration.json"]
    kept.write_text("{ ")
    with pytest.raises(IntegrityError, match=rf"calibration.json: expected sha256 {sealed}, found sha256 [0-9a-f]{{64}};"):
        registry.open_bundle(version)
    kept.unlink()
    with pytest.raises(IntegrityError, match=rf"calibration.json: expected sha256 {sealed}, found no such file"):
        registry.open_bundle(version)


def test_a_damaged_bundle_is_mended_from_the_folder_that_was_sealed_and_from_no_other(
    registry: Registry, draft: Drafts, bundle: Bundles, registry_settings: Settings
) -> None:
    folder = bundle()
    version = registry.register(draft(), folder)
    assert not registry.mend_bundle(version, folder)
    (registry_settings.paths.bundles / version.bundle_digest / "tables" / "calibration.json").write_text("{ ")
    assert not registry.mend_bundle(version, registry_settings.paths.bundles / version.bundle_digest)
    assert registry.mend_bundle(version, folder)
    assert registry.open_bundle(version).is_dir()


def test_an_added_file_or_an_absent_bundle_is_refused(
    registry: Registry, draft: Drafts, bundle: Bundles, registry_settings: Settings
) -> None:
    version = registry.register(draft(), bundle())
    folder = registry_settings.paths.bundles / version.bundle_digest
    (folder / "more.txt").write_text("more")
    with pytest.raises(IntegrityError, match=r"more.txt: expected no such file, found sha256"):
        registry.open_bundle(version)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(IntegrityError, match="the bundle is absent"):
        registry.open_bundle(version)


def test_registering_equal_content_again_mends_a_damaged_bundle(
    registry: Registry, draft: Drafts, bundle: Bundles, registry_settings: Settings
) -> None:
    first = registry.register(draft("a"), bundle("tree"))
    (registry_settings.paths.bundles / first.bundle_digest / "model.txt").write_text("tre3")
    registry.register(draft("b"), bundle("tree"))
    assert (registry.open_bundle(first) / "model.txt").read_text() == "tree"
    assert registry.orphans() == []


def test_a_refused_bundle_leaves_nothing(registry: Registry, draft: Drafts, bundle: Bundles) -> None:
    folder = bundle()
    (folder / "model.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(IntegrityError, match="open formats only"):
        registry.register(draft(), folder)
    assert registry.models() == []
    assert registry.orphans() == []


def test_bundles_behind_any_fsspec_url_are_fetched_verified_and_refetched(
    home: Path, draft: Drafts, bundle: Bundles, request: pytest.FixtureRequest
) -> None:
    settings = Settings(home=home, world="olist", bundle_url=f"memory://{request.node.name}")
    registry = Registry.open(settings)
    version = registry.register(draft(), bundle("tree"))
    local = registry.open_bundle(version)
    assert digest_folder(local) == version.bundle_digest
    assert registry.orphans() == []
    (local / "model.txt").write_text("changed in the local copy")
    assert (registry.open_bundle(version) / "model.txt").read_text() == "tree"

    import fsspec

    files = fsspec.filesystem("memory")
    with files.open(f"/{request.node.name}/{version.bundle_digest}/model.txt", "wb") as stream:
        stream.write(b"tre3")
    assert (registry.open_bundle(version) / "model.txt").read_text() == "tree", "the verified local copy still serves"
    (local / "model.txt").unlink()
    with pytest.raises(IntegrityError, match=r"model\.txt: expected sha256"):
        registry.open_bundle(version)
    registry.close()
