"""A server under load: started on a free port, waited for, measured and stopped."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2

from models.errors import VistazoError
from spaces_config import processes

ROOT = Path(__file__).parents[2]
START_S = 120.0
STOP_S = 10.0
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of server. `command` has the arguments of Python for a task and a port."""

    title: str
    packages: tuple[str, ...]  # what it needs; the report gives their versions
    command: Callable[[str, int], Sequence[str]]
    path: str = "/predict"
    has_real_weights: bool = True


KINDS = {
    "vistazo": Kind(
        "Vistazo",
        ("fastapi", "uvicorn"),
        lambda _, port: (str(ROOT / "app.py"), "--port", str(port)),
        "/predict/{task}",
    ),
    "flask": Kind(
        "Flask, `model.predict`",
        ("flask", "waitress", "tensorflow", "keras"),
        lambda task, port: ("-m", "benchmarks.servers.flask_server", task, str(port)),
        has_real_weights=False,
    ),
    "litserve": Kind(
        "LitServe",
        ("litserve",),
        lambda task, port: ("-m", "benchmarks.servers.litserve_server", task, str(port)),
    ),
    "bentoml": Kind(
        "BentoML",
        ("bentoml",),
        lambda _, port: (
            *("-m", "bentoml", "serve", "benchmarks.servers.bentoml_server:ClassifierService"),
            *("--host", "127.0.0.1", "--port", str(port)),
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server that has given a right prediction, `start_s` seconds after its start."""

    url: str
    pid: int
    start_s: float

    def cpu_s(self) -> float:
        """Return the processor time of all its processes so far."""
        return processes.cpu_s(self.pid)

    def memory_mb(self) -> float:
        """Return the memory of all its processes."""
        return processes.memory_mb(process.pid for process in processes.tree(self.pid))


@contextmanager
def running(kind: Kind, task: str, pictures: Mapping[Path, str], directory: Path) -> Iterator[Server]:
    """Start a server in `directory`, wait for its predictions of `pictures` (file → label), and stop it.

    Raises VistazoError when it does not start, or when a label is wrong.
    """
    port = _free_port()
    log = directory / "server.log"
    command = [sys.executable, *kind.command(task, port)]
    started = time.monotonic()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=_environment(task, directory),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,  # `_stop` finds processes that have lost their parent by their session
        )
    url = f"http://127.0.0.1:{port}{kind.path.format(task=task)}"
    try:
        with httpx2.Client(trust_env=False, timeout=START_S) as client:
            while _label(client, url, next(iter(pictures))) is None:
                if process.poll() is not None or time.monotonic() - started > START_S:
                    last = (log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no output"])[-1]
                    raise VistazoError(f"{kind.title} did not start: {last}")
                time.sleep(POLL_S)
            start_s = time.monotonic() - started
            for picture, label in pictures.items():
                found = _label(client, url, picture)
                if kind.has_real_weights and found != label:
                    raise VistazoError(f"{kind.title} says that {picture.name} is {found!r}: check its model")
        yield Server(url, process.pid, start_s)
    finally:
        _stop(process)


def wait_until_idle(server: Server, picture: Path) -> None:
    """Return when the requests that a client has left behind are done."""
    with httpx2.Client(trust_env=False, timeout=START_S) as client:
        _label(client, server.url, picture)
    for _ in range(50):
        before = server.cpu_s()
        time.sleep(0.1)
        if server.cpu_s() - before <= 0.02:  # a fifth of a core
            return


def _label(client: httpx2.Client, url: str, picture: Path) -> str | None:
    """Return the label that the server gives to a picture, or None when it cannot answer yet. Raises VistazoError."""
    try:
        response = client.post(url, files={"file": (picture.name, picture.read_bytes())})
    except httpx2.TransportError:
        return None
    if response.is_client_error:
        raise VistazoError(f"{url} refuses {picture.name} with status {response.status_code}: {response.text[:200]}")
    return str(response.json()["label"]) if response.is_success else None


def _environment(task: str, directory: Path) -> dict[str, str]:
    """Return our environment without settings of Vistazo, and with what the servers need."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("VISTAZO_")}
    return mine | {
        "TASK": task,
        "PYTHONPATH": str(ROOT),
        "CUDA_VISIBLE_DEVICES": "-1",  # all servers compute on the CPU
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "BENTOML_HOME": str(directory / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
    }


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask the server to end, then kill what is left of its processes."""
    members = processes.tree(process.pid)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    processes.kill([*members, *processes.tree(process.pid)])
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
