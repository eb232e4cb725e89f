"""The typed client: what it sends, what it makes of answers, and that it never asks twice."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tradewind_serving.client import EtaClient, EtaRefusedError, EtaRequest, EtaServiceError, EtaUnauthorizedError, EtaUnreachableError

REQUEST = EtaRequest(merchant_id="m1", destination_postal_code="22250", weight_g=1, price=1.0, freight=1.0)


def whole_request(connection: socket.socket) -> bytes:
    sent = b""
    while b"\r\n\r\n" not in sent:
        sent += connection.recv(65536)
    head, _, body = sent.partition(b"\r\n\r\n")
    [length] = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def server(response: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Answers each connection with ``response`` (none: it hangs up), and keeps what it was sent."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    seen.append(whole_request(connection))
                    connection.sendall(response)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", seen
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def reply(status: str, body: bytes, kind: bytes = b"application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n".encode()
    return head + b"Content-Type: " + kind + b"\r\n\r\n" + body


def test_the_key_and_the_request_are_sent_once() -> None:
    with server(reply("401 Unauthorized", b'{"error": "unauthorized", "detail": "a key is required", "fields": []}')) as (url, seen):
        with EtaClient(url, "hush") as client, pytest.raises(EtaUnauthorizedError, match="a key is required"):
            client.predict(REQUEST)
        [sent] = seen
    assert sent.startswith(b"POST /predict HTTP/1.1")
    assert b"authorization: Bearer hush" in sent
    assert b'"merchant_id":"m1"' in sent
    assert b"null" not in sent


def test_a_refusal_carries_its_fields() -> None:
    body = b'{"error": "invalid_request", "detail": "price: too low", "fields": [{"field": "price", "problem": "too low"}]}'
    with server(reply("422 Unprocessable Entity", body)) as (url, _), EtaClient(url) as client, pytest.raises(EtaRefusedError) as refused:
        client.predict_batch([REQUEST])
    assert [(f.field, f.problem) for f in refused.value.fields] == [("price", "too low")]


@pytest.mark.parametrize(
    "response", [reply("500 Oops", b"<html>"), reply("200 OK", b'{"days": 3}'), reply("200 OK", b"<html>", b"text/html")]
)
def test_what_is_no_answer_is_told(response: bytes) -> None:
    with server(response) as (url, _), EtaClient(url) as client, pytest.raises(EtaServiceError):
        client.predict(REQUEST)


def test_a_request_that_was_sent_is_never_sent_again() -> None:
    with server(b"") as (url, seen), EtaClient(url, connect_attempts=3) as client:
        with pytest.raises(EtaUnreachableError):
            client.predict(REQUEST)
        assert len(seen) == 1
