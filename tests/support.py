"""A real server for tests: `python app.py` on a free port. And pictures and bundles to give it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx

from models import bundle
from models.catalog import BUNDLED

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "serving" / "examples"
START_S = 300  # on a busy machine: Gradio's import alone takes seconds


@dataclass(frozen=True)
class Server:
    """A running server: its address, what it writes on stderr, and its process."""

    url: str
    log: Path
    process: "subprocess.Popen[bytes]"


def example(task: str, index: int = 0) -> Path:
    """One of the pictures that the page offers to try."""
    return sorted(p for p in (EXAMPLES / task).iterdir() if p.suffix in (".png", ".jpeg", ".jpg"))[index]


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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**changes: str) -> dict[str, str]:
    """Our environment without settings of Vistazo that the developer may have, and with `changes`."""
    return {name: value for name, value in os.environ.items() if not name.startswith("VISTAZO_")} | changes


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


def damaged_bundles(directory: Path) -> dict[str, Path]:
    """Copies of the bundled models, by task.

    One with a flipped byte, one without its network, one of another schema, and a whole one under a new name, as a
    fourth classifier would be.
    """
    flipped = _copy("flower", directory / "flower")
    content = bytearray((flipped / bundle.MODEL_NAME).read_bytes())
    content[len(content) // 2] ^= 1
    (flipped / bundle.MODEL_NAME).write_bytes(content)

    incomplete = _copy("digit", directory / "incomplete", task="incomplete")
    (incomplete / bundle.MODEL_NAME).unlink()

    newer = _copy("digit", directory / "newer", task="newer", schema_version=99)
    fourth = _copy("digit", directory / "fourth", task="fourth")
    return {"flower": flipped, "incomplete": incomplete, "newer": newer, "fourth": fourth}


def trained_runs(directory: Path) -> None:
    """Runs as `fit --data` and `export` leave them: a task of a person's own, a damaged one, and an own digit."""
    labels = [{"id": f"clase {n}", "es": f"Rosa ñ{n} <b>", "en": f"Rosa ñ{n} <b>"} for n in range(10)]
    _copy("digit", directory / "mis-rosas-20260101-000000" / "bundle", task="mis-rosas", labels=labels)
    (_copy("digit", directory / "torn-20260101-000000" / "bundle", task="torn") / bundle.MODEL_NAME).write_bytes(b"")
    _copy("digit", directory / "digit-20260101-000000" / "bundle", version="9.9.9")


def revision(version: str, network: bytes | None = None, **changes: object) -> dict[str, bytes]:
    """The files of the shipped model for digits as another version, as they are published: with Keras' own beside."""
    files = {bundle.MODEL_NAME: network or (BUNDLED / "digit" / bundle.MODEL_NAME).read_bytes()}
    manifest = json.loads((BUNDLED / "digit" / bundle.INFO_NAME).read_text(encoding="utf-8"))
    files |= dict.fromkeys((bundle.CARD_NAME, *bundle.KERAS_FILES), b"must not be fetched to serve")
    listed = {name: {"sha256": sha256(content).hexdigest(), "size": len(content)} for name, content in files.items()}
    files[bundle.INFO_NAME] = json.dumps(manifest | {"version": version, "files": listed} | changes).encode()
    return files


def _copy(source: str, target: Path, **changes: object) -> Path:
    shutil.copytree(BUNDLED / source, target)
    manifest = json.loads((target / bundle.INFO_NAME).read_text(encoding="utf-8"))
    (target / bundle.INFO_NAME).write_text(json.dumps(manifest | changes), encoding="utf-8")
    return target
