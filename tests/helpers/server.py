"""A server under test: `python app.py` on a free port."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.helpers.project import ROOT, environment, free_port

START_S = 300  # on a busy machine: Gradio's import alone takes seconds


@dataclass(frozen=True)
class Server:
    """A running server: its address, what it writes on stderr, and its process."""

    url: str
    log: Path
    process: "subprocess.Popen[bytes]"


StartServer = Callable[..., Server]  # as the fixture `start_server`: with arguments of app.py and settings


@contextmanager
def half_sent(server: Server, picture: Path) -> Iterator[Callable[[], bytes]]:
    """A `POST /predict` whose body has begun; calling what is yielded sends the rest and gives the answer."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    body = (
        b'--abc\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        + picture.read_bytes()
        + b"\r\n--abc--\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=abc\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
        )
        connection.sendall(body[:50])

        def finish() -> bytes:
            connection.sendall(body[50:])
            return b"".join(iter(lambda: connection.recv(65536), b""))

        yield finish


@contextmanager
def running(log: Path, *arguments: str, **settings: str) -> Iterator[Server]:
    """A server that works in the folder of its log: the developer's own `runs/` are none of its business."""
    port = free_port()
    command = [sys.executable, str(ROOT / "app.py"), "--port", str(port), *arguments]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, cwd=log.parent, env=environment(**settings), stdout=stream, stderr=stream)
    try:
        yield Server(f"http://127.0.0.1:{port}", log, process)
    finally:
        process.terminate()
        process.wait(START_S)


def wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            break
        try:
            if httpx.get(f"{server.url}/health/ready", timeout=START_S).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the server did not become ready:\n{server.log.read_text()}")
