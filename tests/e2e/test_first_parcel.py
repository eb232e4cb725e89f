"""The main job as a newcomer runs it: from an archive to an answered question, again, and through three kills."""

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import COMMAND, DEADLINE_SECONDS, ROOT, Ran, environment, tradewind
from olist_archive import write_archive

from tradewind_contracts.manifest import Manifest
from tradewind_contracts.settings import Settings
from tradewind_registry.registry import Registry

KILL_AT = (r"▸ landing", r"▸ .*features", r"▸ .*model")
"""Lines of progress at which a run is killed: while landing, while dbt builds the features, while the model is fit or sealed."""


def killed_at(home: Path, archive: Path, line: str) -> str:
    """Start a run and kill it and all its children, for real, when it prints ``line``; what it had printed."""
    process = subprocess.Popen(
        [COMMAND, "run", "--source", "olist", "--data", str(archive)],
        cwd=ROOT, env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    watchdog = threading.Timer(DEADLINE_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
    watchdog.start()
    printed = []
    assert process.stdout is not None
    for text in process.stdout:
        printed.append(text)
        if re.search(line, text):
            os.killpg(process.pid, signal.SIGKILL)
            break
    watchdog.cancel()
    process.stdout.close()
    code = process.wait()
    assert code == -signal.SIGKILL, f"it never printed {line!r}:\n{''.join(printed)[-3000:]}"
    return "".join(printed)


def published(home: Path) -> dict[str, str]:
    paths = Settings(home=home, source="olist").paths
    folders = {"landing": paths.landing, "marts": paths.published / "marts", "features": paths.published / "features"}
    return {name: Manifest.read(folder).digest for name, folder in folders.items()}


def sealed(home: Path) -> list[tuple[str, str, str]]:
    """What each version is a function of, and what it is; and where the champion points."""
    registry = Registry.open(Settings(home=home, source="olist"))
    try:
        versions = [registry.resolve(summary.reference) for summary in registry.versions("eta")]
        champion = registry.resolve("eta@champion")
        return [(v.reference, v.training_set_digest, v.bundle_digest) for v in versions] + [("champion", champion.reference, "")]
    finally:
        registry.close()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_archive(tmp_path_factory.mktemp("archive"), orders=4000, merchants=60, days=300).path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, archive: Path) -> Iterator[tuple[Path, Ran]]:
    """A home in which one run went through undisturbed, and what that run printed."""
    home = tmp_path_factory.mktemp("whole")
    ran = tradewind(home, "run", "--source", "olist", "--data", str(archive))
    assert ran.code == 0, ran.out[-6000:]
    return home, ran


def test_the_run_ends_in_answers_beside_what_happened_later(whole: tuple[Path, Ran]) -> None:
    home, ran = whole
    assert re.search(r"eta@1", ran.out)
    for said in ("champion", "lane median", "promise", "real data", "make dev", "make serve"):
        assert said in ran.out, f"{said!r} is not in the summary:\n{ran.out[-5000:]}"
    answers = json.loads((home / "reports" / "questions" / "olist.json").read_text())
    assert len(answers) >= 3
    known = [a for a in answers if a["actual_days"] is not None]
    assert known, "the archive reaches beyond as_of, so some answers have their truth"
    for answer in answers:
        quantiles = answer["answer"]["estimates"]
        assert 0 < quantiles["p10"]["days"] <= quantiles["p50"]["days"] <= quantiles["p90"]["days"] < 90
        assert (answer["answer"]["model"]["name"], answer["answer"]["model"]["number"]) == ("eta", 1)


def test_the_service_is_stopped_at_the_end(whole: tuple[Path, Ran]) -> None:
    home, _ = whole
    left = [p for p in Path("/proc").iterdir() if p.name.isdigit() and _environ_names(p, str(home))]
    assert left == []


def _environ_names(process: Path, home: str) -> bool:
    try:
        return f"TRADEWIND_HOME={home}".encode() in (process / "environ").read_bytes()
    except OSError:
        return False


def test_a_second_run_changes_nothing_and_says_so(whole: tuple[Path, Ran], archive: Path) -> None:
    home, _ = whole
    before = published(home), sealed(home)
    again = tradewind(home, "run", "--source", "olist", "--data", str(archive))
    assert again.code == 0, again.out[-5000:]
    assert (published(home), sealed(home)) == before
    assert "reused" in again.out or "unchanged" in again.out


def test_three_kills_and_a_last_run_end_where_an_undisturbed_run_does(
    whole: tuple[Path, Ran], archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("killed")
    for line in KILL_AT:
        killed_at(home, archive, line)
    ran = tradewind(home, "run", "--source", "olist", "--data", str(archive))
    assert ran.code == 0, ran.out[-6000:]
    assert published(home) == published(whole[0])
    assert sealed(home) == sealed(whole[0])


def test_the_registry_is_readable_from_the_command(whole: tuple[Path, Ran]) -> None:
    home, _ = whole
    listed, shown, card = (
        tradewind(home, "models", *words) for words in (["list"], ["show", "eta@1"], ["card", "eta@champion", "--source", "olist"])
    )
    assert (listed.code, shown.code, card.code) == (0, 0, 0), listed.out + shown.out + card.out
    assert "eta@1" in listed.out
    assert "training set" in shown.out.lower()
    assert card.out.startswith("# ")
    missing = tradewind(home, "models", "show", "eta@9")
    assert missing.code != 0
    assert "eta@9" in missing.out
    assert "Traceback" not in missing.out


def test_the_champion_scores_a_span(whole: tuple[Path, Ran], tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    home, _ = whole
    as_of = json.loads(Settings(home=home, source="olist").paths.world_file.read_text())["clock"]["at"][:10]
    out = tmp_path / "scores.parquet"
    ran = tradewind(home, "score", "eta", "--source", "olist", "--from", as_of, "--to", "2019-01-01", "--out", str(out))
    assert ran.code == 0, ran.out[-3000:]
    scores = pq.read_table(out).to_pydict()
    assert len(scores["p50_days"]) > 20
    assert all(a <= b <= c for a, b, c in zip(scores["p10_days"], scores["p50_days"], scores["p90_days"], strict=True))


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["run", "--source", "olist", "--data", "no/such/archive.zip"], r"archive\.zip"),
        (["run", "--source", "nowhere"], "nowhere"),
        (["run", "--source", "olist", "--as-of", "yesterday"], "yesterday"),
        (["run", "--source", "olist", "--as-of", "1999-01-01"], "1999-01-01"),
        (["run", "--bogus"], "bogus"),
    ],
)
def test_bad_input_is_one_clear_line_and_nothing_changes(whole: tuple[Path, Ran], archive: Path, arguments: list[str], names: str) -> None:
    home, _ = whole
    before = published(home), sealed(home)
    given = arguments if "--data" in arguments else [*arguments, "--data", str(archive)]
    ran = tradewind(home, *given)
    assert ran.code != 0
    assert re.search(names, ran.out)
    assert "Traceback" not in ran.out
    assert (published(home), sealed(home)) == before


def test_a_port_in_use_is_named(whole: tuple[Path, Ran]) -> None:
    import socket

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        ran = tradewind(whole[0], "serve", "--port", str(port))
    assert ran.code != 0
    assert f"port {port}" in ran.out
