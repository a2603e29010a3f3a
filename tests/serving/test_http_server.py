"""Connections and headers, over real sockets to a real server without models."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from serving import http_server
from serving.http_server import BoundedHttp
from tests.helpers.project import free_port

HEADER = b"GET / HTTP/1.1\r\nHost: x\r\n"


@contextmanager
def serving() -> Iterator[int]:
    """A server that answers GET /; yields its port."""

    async def hello(_: object) -> PlainTextResponse:
        return PlainTextResponse("hello")

    port = free_port()
    config = uvicorn.Config(Starlette(routes=[Route("/", hello)]), port=port, http=BoundedHttp, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),))
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield port
    finally:
        server.should_exit = True
        thread.join(30)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def response(connection: socket.socket) -> bytes:
    """Read one response."""
    received = b""
    while not received.endswith(b"hello"):
        received += connection.recv(65536)
    return received


def rest(connection: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    with suppress(ConnectionResetError):
        return b"".join(iter(lambda: connection.recv(65536), b""))
    return b""


def test_a_header_that_does_not_end_is_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "HEADER_S", 0.3)
    with serving() as port, connect(port) as silent, connect(port) as slow:
        slow.sendall(HEADER)
        for _ in range(10):
            with suppress(OSError):
                slow.sendall(b"a")
            time.sleep(0.05)
        assert rest(slow).startswith(b"HTTP/1.1 408")
        assert rest(silent).startswith(b"HTTP/1.1 408")


def test_a_second_request_on_a_connection_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "HEADER_S", 0.5)
    with serving() as port, connect(port) as connection:
        for _ in range(3):
            connection.sendall(HEADER + b"\r\n")
            assert response(connection).startswith(b"HTTP/1.1 200")
            time.sleep(0.3)
        connection.sendall(HEADER)
        assert rest(connection).startswith(b"HTTP/1.1 408")


def test_a_header_that_is_too_long_is_431() -> None:
    with serving() as port, connect(port) as connection:
        with suppress(OSError):
            connection.sendall(HEADER + b"X-Long: " + bytes(b"a" * 100_000))
        assert rest(connection).startswith(b"HTTP/1.1 431")


def test_connections_are_bounded_and_the_first_ones_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "MAX_CONNECTIONS", 2)
    with serving() as port, connect(port) as first, connect(port) as second:
        second.sendall(HEADER + b"\r\n")  # answered, hence both are counted
        assert response(second).startswith(b"HTTP/1.1 200")
        with connect(port) as third:
            assert rest(third).startswith(b"HTTP/1.1 503")
        first.sendall(HEADER + b"\r\n")
        assert response(first).startswith(b"HTTP/1.1 200")
