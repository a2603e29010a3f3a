"""A server under attack: started, watched and stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from models.errors import VistazoError
from spaces_config import processes

ROOT = Path(__file__).parents[2]
START_S = 60.0
STOP_S = 100.0
SAMPLE_S = 0.05


class ServerFailed(VistazoError):
    """The server did not start."""


@dataclass(slots=True)
class Watch:
    """Measurements of a server during an attack."""

    memory_before_mb: float
    memory_peak_mb: float = 0.0
    memory_after_mb: float = 0.0
    visitor_s: list[float] = field(default_factory=list)  # time of each prediction of another visitor
    visitor_failures: int = 0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its address, its process, its log and its directory for temporary files."""

    port: int
    process: "subprocess.Popen[bytes]"
    log: Path
    temporary: Path

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        """Return a new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=STOP_S)

    def memory_mb(self) -> float:
        """Return the proportional memory of the server and all its descendants, in megabytes."""
        return processes.memory_mb(process.pid for process in processes.tree(self.process.pid))

    def stop(self) -> tuple[float, int | None]:
        """Send SIGTERM; return the seconds until the end and the exit code, or None after `STOP_S`."""
        started = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            return STOP_S, None
        return time.perf_counter() - started, code


@contextmanager
def running(checkout: Path, **settings: str) -> Iterator[Server]:
    """Start the server of a checkout and wait until it is ready. Raises ServerFailed."""
    with tempfile.TemporaryDirectory() as directory, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        log, temporary = Path(directory) / "log", Path(directory) / "tmp"
        temporary.mkdir()
        settings |= {"TMPDIR": str(temporary), "PYTHONPATH": ""}
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, str(checkout / "app.py"), "--port", str(port)],
                cwd=directory,
                env=os.environ | settings,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        try:
            yield _ready(Server(port, process, log, temporary))
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def watched(server: Server, picture: Path) -> Iterator[Watch]:
    """Measure memory, and predictions of another visitor ten times a second, while the context is open."""
    watch = Watch(server.memory_mb())
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(SAMPLE_S):
            watch.memory_peak_mb = max(watch.memory_peak_mb, server.memory_mb())

    sampling = threading.Thread(target=sample)
    sampling.start()
    command = [sys.executable, "-m", "benchmarks.attacks.visitor", server.url, str(picture)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as visitor:
        try:
            time.sleep(1)  # the visitor is there before the attack
            yield watch
            time.sleep(1)
            watch.memory_after_mb = server.memory_mb()
        finally:
            ended.set()
            sampling.join()
            visits = json.loads(visitor.communicate()[0])
            watch.visitor_s, watch.visitor_failures = visits["seconds"], visits["failures"]


def _ready(server: Server) -> Server:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.process.poll() is None:
        with suppress(httpx2.HTTPError):
            if httpx2.get(f"{server.url}/health/ready").status_code == 200:
                return server
        time.sleep(0.05)
    raise ServerFailed(f"the server did not become ready: {server.log.read_text(encoding='utf-8')[-2000:]}")
