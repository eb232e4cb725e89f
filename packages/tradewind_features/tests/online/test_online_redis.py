"""What is Redis's own: many writers, several stores on one server, secrets that stay secret, a server that is away, full or restarted."""

import logging
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from online_rows import NOW, NOW_US, SCHEMA, SPEC, packed, speeds, written

from tradewind_contracts.errors import IntegrityError, SettingsError, StateError
from tradewind_features.online import redis_layout, redis_store
from tradewind_features.online.backend import Standing, ViewSpec, open_backend
from tradewind_features.online.reader import OnlineReader, Presence
from tradewind_features.online.redis_connecting import RedisStore, with_prefix
from tradewind_features.online.redis_store import RedisBackend

pytestmark = pytest.mark.redis
SECRET = "s3cret-word"  # a test's own password


@pytest.fixture
def client(server_location: str) -> Iterator[SimpleNamespace]:
    """The server past all care, and the names of the store's keys."""
    store = RedisStore(server_location)
    yield SimpleNamespace(raw=store.client, keys=store.keys)
    store.close()


def test_stores_with_other_prefixes_do_not_see_each_other(server_location: str) -> None:
    other = server_location + "-other"
    written(server_location, [("a", NOW_US, NOW_US, 1.0)])
    written(other, [("a", NOW_US, NOW_US, 2.0)])
    assert speeds(server_location, ["a"]) == [1.0]
    assert speeds(other, ["a"]) == [2.0]
    with RedisBackend(other) as backend:
        backend.clear()
        assert backend.location.endswith("-other")
    assert speeds(server_location, ["a"]) == [1.0]
    with pytest.raises(StateError, match="no online store here"):
        OnlineReader(other).views()


def test_clearing_leaves_no_key_behind(server_location: str, client: SimpleNamespace) -> None:
    with RedisBackend(server_location) as backend:
        backend.declare(SPEC)
        backend.write("view", packed([("a", NOW_US, NOW_US, 1.0)]))
        backend.note_materialized("view", "{}")
        backend.erase("id", "b", NOW_US)
        assert len(list(client.raw.scan_iter(match=f"{{{client.keys.prefix}}}*"))) == 6
        backend.clear()
    assert list(client.raw.scan_iter(match=f"{{{client.keys.prefix}}}*")) == []


def test_a_row_that_is_torn_on_the_server_is_refused_and_the_next_write_mends_it(server_location: str, client: SimpleNamespace) -> None:
    written(server_location, [(key, NOW_US, NOW_US, 1.0) for key in ("a", "b", "c")])
    rows = client.keys.rows("view")
    client.raw.hset(rows, b"sa", client.raw.hget(rows, b"sa")[:-3])
    client.raw.hset(rows, b"sb", b"short")
    reader = OnlineReader(server_location)
    now_of_old = NOW.replace(year=1970)
    with pytest.raises(IntegrityError, match=r"view 'view': the row of 'a' is damaged"):
        reader.read("view", ["a", "c"], NOW)
    with pytest.raises(IntegrityError, match=r"view 'view': the row of 'b' is damaged"):
        reader.vectors([("view", "speed")], {"view": ["c", "b"]}, now_of_old)
    assert reader.read("view", ["c"], NOW).values["speed"].tolist() == [1.0]
    reader.close()
    assert written(server_location, [("b", 5, 5, 2.0), ("a", NOW_US, NOW_US, 3.0)]) == 2
    assert speeds(server_location, ["a"]) == [3.0]


def test_a_writer_that_had_not_heard_of_an_erasure_is_held_back_by_the_server(
    server_location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RedisBackend(server_location) as backend:
        backend.declare(SPEC)
        asked, times = RedisBackend._asked_before_writing, []

        def asked_and_then_erased(writer: RedisBackend, view: str) -> tuple[object, ...]:
            found = asked(writer, view)
            times.append(view)
            if len(times) == 1:
                with open_backend(server_location) as other:
                    other.erase("id", "a", NOW_US)
            return found

        monkeypatch.setattr(RedisBackend, "_asked_before_writing", asked_and_then_erased)
        rows = packed([("a", NOW_US, NOW_US, 1.0), ("b", NOW_US, NOW_US, 2.0)])
        assert backend.write("view", rows) == 1
        assert times == ["view", "view"]
    assert speeds(server_location, ["a", "b"]) == [None, 2.0]


def test_a_server_that_forgot_its_scripts_is_told_them_again(server_location: str, client: SimpleNamespace) -> None:
    with RedisBackend(server_location) as backend:
        backend.declare(SPEC)
        client.raw.script_flush()
        rows = packed([(f"k{i}", NOW_US, NOW_US, float(i)) for i in range(20 * redis_store.ROWS_PER_CHUNK + 1)])
        assert backend.write("view", iter(rows)) == len(rows)
        assert backend.standing() == {"view": Standing(len(rows), NOW_US)}


def test_threads_write_and_read_over_one_pool(server_location: str) -> None:
    failures = []
    with RedisBackend(server_location) as backend:
        backend.declare(SPEC)

        def work(number: int) -> None:
            for moment in range(10):
                backend.write(
                    "view",
                    packed([("shared", NOW_US + moment * 8 + number, NOW_US, moment * 8.0 + number), (f"k{number}", moment, moment, 1.0)]),
                )
                if backend.read({"view": [f"k{number}"]})["view"][0] is None:
                    failures.append(number)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert speeds(server_location, ["shared"]) == [79.0]


def test_a_key_of_somebody_elses_is_not_taken_for_a_store(server_location: str, client: SimpleNamespace) -> None:
    client.raw.set(client.keys.state, "theirs")
    with pytest.raises(StateError, match="WRONGTYPE"):
        open_backend(server_location)
    client.raw.delete(client.keys.state)
    client.raw.hset(client.keys.state, mapping={"layout": 99, "generation": 0})
    for opening in (lambda: open_backend(server_location), lambda: OnlineReader(server_location).views()):
        with pytest.raises(StateError, match="not a packed online store of layout 1"):
            opening()


def test_a_server_that_can_not_be_reached_is_named_without_its_password() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"redis://somebody:{SECRET}@127.0.0.1:{port}/3?prefix=shop:br"
    reader = OnlineReader(url)
    for act in (
        lambda: open_backend(url),
        lambda: reader.read("view", ["a"], NOW),
        lambda: reader.vectors([("view", "x")], {"view": ["a"]}, NOW),
    ):
        with pytest.raises(StateError, match=rf"redis://127\.0\.0\.1:{port}/3\?prefix=shop:br.*can't be reached") as caught:
            act()
        told = [str(caught.value), repr(caught.value)]
        cause = caught.value.__cause__
        while cause is not None:
            told.append(repr(cause))
            cause = cause.__cause__
        assert not [text for text in told if SECRET in text]


def test_a_server_that_refuses_the_password_is_said_and_nothing_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with guarded_server(tmp_path) as port:
        with pytest.raises(StateError, match="refuses the user or password of the URL") as caught:
            open_backend(f"redis://:{SECRET}-wrong@127.0.0.1:{port}")
        assert SECRET not in str(caught.value)
        right = f"redis://:{SECRET}@127.0.0.1:{port}?prefix=p"
        written(right, [("a", NOW_US, NOW_US, 1.0)])
        assert speeds(right, ["a"]) == [1.0]
    assert SECRET not in caplog.text


def test_a_full_server_says_so_keeps_what_there_was_and_serves_it(tmp_path: Path) -> None:
    with guarded_server(tmp_path) as port:
        location = f"redis://:{SECRET}@127.0.0.1:{port}?prefix=p"
        written(location, [("a", NOW_US, NOW_US, 1.0)])
        store = RedisStore(location)
        store.client.config_set("maxmemory", "1mb")
        with pytest.raises(StateError, match=r"view 'view': the server has no memory left"):
            written(location, [(f"k{i}", NOW_US, NOW_US, 1.0) for i in range(20_000)])
        assert speeds(location, ["a"]) == [1.0]
        store.client.config_set("maxmemory", "0")
        assert written(location, [("b", NOW_US, NOW_US, 2.0)]) == 1
        store.close()


def test_a_server_that_restarts_empty_is_a_store_that_is_not_there_and_one_filled_again_is_read(server_location: str) -> None:
    written(server_location, [("a", NOW_US, NOW_US, 1.0)])
    reader = OnlineReader(server_location)
    assert reader.read("view", ["a"], NOW).presence.tolist() == [Presence.PRESENT]
    with RedisBackend(server_location) as backend:
        backend.clear()
    with pytest.raises(StateError, match="no online store here yet"):
        reader.read("view", ["a"], NOW)
    written(server_location, [("a", NOW_US, NOW_US, 2.0)], ViewSpec("view", "id", 0, SCHEMA))
    assert reader.read("view", ["a"], NOW).values["speed"].tolist() == [2.0]
    reader.close()


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{SECRET}@host:port/0",
        f"redis://:{SECRET}@host:6379/0?prefix=",
        f"redis://:{SECRET}@host/0?prefix=a{{b}}",
        f"redis://:{SECRET}@host/0?nonsense",
    ],
)
def test_a_url_that_can_not_be_read_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError, match="online store on Redis") as caught:
        open_backend(url)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_prefix_goes_into_a_url_with_other_arguments() -> None:
    assert with_prefix("redis://h/1?socket_timeout=3", "a:b") == "redis://h/1?socket_timeout=3&prefix=a%3Ab"
    assert RedisStore(with_prefix("rediss://u:p@h:1/2", "a:b")).location == "rediss://h:1/2?prefix=a:b"


def test_values_compare_on_the_server_as_the_numbers_they_are() -> None:
    stamps = [-(2**63), -1, 0, 1, 2**32, 2**53, 2**53 + 1, 2**63 - 1]
    assert [redis_layout.stamp_of(stamp) for stamp in stamps] == sorted(redis_layout.stamp_of(stamp) for stamp in stamps)
    assert redis_layout.row_of(redis_layout.value_of(("a", -5, 2**60, b"x"))) == (-5, 2**60, b"x")
    assert [redis_layout.key_of(redis_layout.field_of(key)) for key in ("7", 7, -7, "")] == ["7", 7, -7, ""]


class guarded_server:  # noqa: N801 - a context manager
    """A Redis of the test's own with a password, on a free port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> int:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        command = [
            "redis-server",
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--requirepass",
            SECRET,
            "--dir",
            str(self._folder),
        ]
        try:
            self._server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        except FileNotFoundError:
            pytest.skip("redis-server is not installed")
        assert self._server.stdout is not None
        for line in self._server.stdout:
            if "Ready to accept connections" in line:
                return port
        raise AssertionError("the test's own Redis did not start")

    def __exit__(self, *_: object) -> None:
        self._server.terminate()
        self._server.communicate()
