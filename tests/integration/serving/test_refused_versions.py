"""What following refuses, with a real registry and real bundles: the old version stays, it is said once, and what is mended is followed."""

import contextlib
import json
import os
import shutil
import socket
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import serving_world
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from tradewind_contracts.settings import Settings
from tradewind_features.online.reader import OnlineReader
from tradewind_models.eta.predictor import load
from tradewind_registry import Registry, RegistryClient
from tradewind_serving.following import Follower
from tradewind_serving.proving import prove
from tradewind_serving.vector import Vectorizer

POSTGRESQL_URL = os.environ.get("TEST_POSTGRESQL_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")


@contextlib.contextmanager
def followed(settings: Settings) -> Iterator[Follower]:
    """A follower as services have it, polled by hand."""
    vectorizer = Vectorizer(OnlineReader(settings.online_location), "America/Sao_Paulo")
    follower = Follower(
        "eta@champion",
        lambda: RegistryClient.open(settings),
        lambda folder, sealed: prove(folder, sealed, load, vectorizer.check),
        retry_seconds=0.0,
    )
    follower.start()
    try:
        yield follower
    finally:
        follower.stop()


def point_at(settings: Settings, number: int) -> None:
    """Move the champion behind the registry's back: past its gates and its look at the bundle."""
    with contextlib.closing(sqlite3.connect(settings.paths.registry / "registry.db")) as connection, connection:
        connection.execute("update aliases set number = ? where alias = 'champion'", (number,))


def rewritten(bundle: Path, folder: Path, change: Callable[[str, str], str]) -> Path:
    """A copy of ``bundle`` in which ``change`` made another text of each JSON file."""
    shutil.copytree(bundle, folder)
    for path in folder.glob("*.json"):
        path.write_text(change(path.name, path.read_text(encoding="utf-8")), encoding="utf-8")
    return folder


def other_golden_rows(name: str, text: str) -> str:
    if name != "golden_rows.json":
        return text
    said = json.loads(text)
    said["quantile_days"][0][1] *= 1.001
    return json.dumps(said)


FAULTS: dict[str, tuple[Callable[[str, str], str], str]] = {
    "a golden row": (other_golden_rows, "do not answer as they did"),
    "the family": (lambda name, said: said.replace('"eta"', '"risk"') if name == "contract.json" else said, "'risk'"),
    "a view": (lambda _, said: said.replace("network_flow_7d", "weather_flow_7d"), "weather_flow_7d:ordered_count_7d"),
    "the calibration": (lambda name, said: said.replace('"calibration"', '"gone"') if name == "contract.json" else said, "KeyError"),
}
"""What is wrong with a bundle whose digest is right, and how the refusal names it."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_version_that_is_sealed_and_wrong_is_refused_once_and_the_old_one_stays(
    served_home: Any, bundles: tuple[Path, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    change, reason = FAULTS[fault]
    settings = served_home.settings
    wrong = serving_world.register(settings, rewritten(bundles[1], tmp_path / "wrong", change), "wrong", promote=False)
    assert wrong.bundle_digest != served_home.second.bundle_digest
    with followed(settings) as follower, Registry.open(settings) as registry:
        registry.promote("eta", wrong.number, why="a test", who="a test")
        follower.poll()
        follower.poll()
        assert follower.current.version.number == 1
        assert follower.trouble is not None
        assert reason in follower.trouble
        assert [reason in record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [True]
        registry.promote("eta", 2, why="a right one", who="a test")
        follower.poll()
        assert (follower.current.version.number, follower.trouble) == (2, None)


def test_a_bundle_that_is_mended_is_followed_without_another_promotion(served_home: Any) -> None:
    settings = served_home.settings
    trees = sorted((settings.paths.bundles / served_home.second.bundle_digest).glob("*.txt"))[0]
    content = trees.read_bytes()
    with followed(settings) as follower:
        trees.chmod(0o644)
        trees.write_bytes(content[:-1] + b"?")
        point_at(settings, 2)
        follower.poll()
        assert follower.current.version.number == 1
        assert follower.trouble is not None
        assert trees.name in follower.trouble
        trees.write_bytes(content)
        follower.poll()
        assert (follower.current.version.number, follower.trouble) == (2, None)


def test_an_alias_that_was_bent_to_another_world_is_refused(served_home: Any, bundles: tuple[Path, Path]) -> None:
    settings = served_home.settings
    other = serving_world.register(settings.model_copy(update={"source": "simulator"}), bundles[1], "simulated")
    with followed(settings) as follower:
        point_at(settings, other.number)
        follower.poll()
        assert follower.current.version.number == 1
        assert follower.trouble == "eta@3 is of world simulator, this service answers for olist; it is not served"


@pytest.mark.parametrize("knew", ["the version", "no champion"])
def test_a_database_of_yesterday_is_read_as_soon_as_it_is_put_back(served_home: Any, tmp_path: Path, knew: str) -> None:
    settings = served_home.settings
    database, backup = settings.paths.registry / "registry.db", tmp_path / "yesterday.db"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("vacuum into ?", (str(backup),))
    if knew == "no champion":
        with contextlib.closing(sqlite3.connect(backup)) as connection, connection:
            connection.execute("delete from aliases")
    with followed(settings) as follower:
        with Registry.open(settings) as registry:
            registry.promote("eta", 2, why="a test", who="a test")
        follower.poll()
        assert follower.current.version.number == 2
        for left in database.parent.glob("registry.db-*"):
            left.unlink()
        backup.replace(database)
        follower.poll()
        if knew == "no champion":
            assert follower.current.version.number == 2, "what is served goes on answering"
            assert "no alias eta@champion" in str(follower.trouble)
        else:
            assert (follower.current.version.number, follower.trouble) == (1, None), "the registry that is there decides"


class Wire:
    """A TCP connection to a server that a test may cut, and mend again."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self.whole = True
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Hang up all, and take nobody."""
        self.whole = False
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """For good."""
        self.cut()
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for end in self._open:
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            if not self.whole:
                near.close()
                continue
            far = socket.create_connection(self._server)
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(65536):
                target.sendall(block)
            target.shutdown(socket.SHUT_WR)


@pytest.fixture
def wired(served_home: Any, tmp_path: Path) -> Iterator[tuple[Settings, Settings, Wire]]:
    """Settings of a registry in PostgreSQL, straight and through a wire; skips where none answers."""
    engine = create_engine(POSTGRESQL_URL, connect_args={"connect_timeout": 3})
    schema = f"tradewind_test_{uuid.uuid4().hex}"
    try:
        with engine.begin() as connection:
            connection.execute(text(f"create schema {schema}"))
    except OperationalError as error:
        engine.dispose()
        pytest.skip(f"no PostgreSQL answers at {engine.url.render_as_string(hide_password=True)}: {str(error.orig).strip()}")
    url = make_url(POSTGRESQL_URL).update_query_dict({"options": f"-csearch_path={schema}"})
    wire = Wire(str(url.host), url.port or 5432)
    own = served_home.settings.model_copy(update={"bundle_url": (tmp_path / "bundles of postgresql").as_uri()})
    straight, through = (
        own.model_copy(update={"registry_url": u.render_as_string(hide_password=False)})
        for u in (url, url.set(host="127.0.0.1", port=wire.port))
    )
    try:
        yield straight, through, wire
    finally:
        wire.close()
        with engine.begin() as connection:
            connection.execute(text(f"drop schema {schema} cascade"))
        engine.dispose()


@pytest.mark.postgresql
def test_a_postgresql_that_goes_away_takes_no_version_with_it_and_is_followed_again(
    wired: tuple[Settings, Settings, Wire], bundles: tuple[Path, Path]
) -> None:
    straight, through, wire = wired
    serving_world.register(straight, bundles[0], "one")
    serving_world.register(straight, bundles[1], "two", promote=False)
    with followed(through) as follower:
        wire.cut()
        with Registry.open(straight) as registry:
            registry.promote("eta", 2, why="a test", who="a test")
        follower.poll()
        assert follower.current.version.number == 1
        assert str(follower.trouble).startswith("registry out of reach")
        wire.whole = True
        follower.poll()
        assert (follower.current.version.number, follower.trouble) == (2, None)
