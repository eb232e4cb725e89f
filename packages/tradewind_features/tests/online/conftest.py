"""Where an online store may be: in a file, or on the Redis that answers on loopback. What is promised of both is tested on both."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from online_rows import Location

SERVER = "redis://127.0.0.1:6379/15"


def _server_location() -> Iterator[str]:
    import redis

    client = redis.Redis.from_url(SERVER, socket_connect_timeout=1)
    try:
        client.ping()
    except redis.RedisError as error:
        pytest.skip(f"no Redis answers on loopback ({error})")
    prefix = f"tradewind-test:{uuid.uuid4().hex}"
    try:
        yield f"{SERVER}?prefix={prefix}"
    finally:
        for key in client.scan_iter(match=f"{{{prefix}*", count=1000):
            client.unlink(key)
        client.close()
        client.connection_pool.disconnect()


@pytest.fixture
def server_location() -> Iterator[str]:
    """A prefix of this test's own on the Redis on loopback, emptied afterwards."""
    yield from _server_location()


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.redis)])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> "Iterator[Location]":
    """An empty place for a store: a file, then a prefix on a server."""
    if request.param == "sqlite":
        yield tmp_path / "online.db"
    else:
        yield from _server_location()
