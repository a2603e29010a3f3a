"""Starting and stopping, as a person at a terminal sees it."""

import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from tests.helpers.project import ROOT, environment, example
from tests.helpers.server import Server, StartServer, half_sent


def app(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "app.py"), *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(**settings), capture_output=True, text=True, timeout=120, check=False
    )


def one_sentence(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
    assert len(errors) == 1
    return errors[0]


def test_a_taken_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = one_sentence(app("--port", str(port)))
    assert str(port) in sentence
    assert "--port" in sentence


def test_an_unknown_setting() -> None:
    assert "VISTAZO_QEUE" in one_sentence(app(VISTAZO_QEUE="3"))


def test_an_unknown_task() -> None:
    sentence = one_sentence(app("--task", "cat"))
    assert "cat" in sentence
    assert "digit" in sentence


def test_help_names_the_defaults() -> None:
    done = app("--help", NO_COLOR="1", COLUMNS="120")
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("--host", "127.0.0.1", "--port", "5000", "--task", "digit"))


def test_the_address_is_printed_when_it_is_ready(server: Server) -> None:
    assert server.url in server.log.read_text()


def test_on_sigterm_what_is_in_flight_is_answered(start_server: StartServer) -> None:
    server = start_server()
    with half_sent(server, example("digit")) as finish:
        httpx.get(f"{server.url}/health/live")  # by now the first request is being read
        server.process.send_signal(signal.SIGTERM)
        stopped = threading.Thread(target=server.process.wait, args=(60,))
        stopped.start()
        assert finish().startswith(b"HTTP/1.1 200")
    stopped.join(60)
    assert server.process.poll() is not None
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{server.url}/health/live")


def test_serving_needs_no_tensorflow() -> None:
    script = """
import sys
for name in ("tensorflow", "keras", "sklearn", "scipy", "matplotlib"):
    sys.modules[name] = None  # an import of it fails
from pathlib import Path
import asyncio
from models.catalog import Catalog
from serving import server
from serving.worker_pool import WorkerPool
from serving.service import WARM_UP, Service
from serving.settings import Settings
catalog = Catalog.load()
server.build_app(catalog, Settings(), "digit", "http://127.0.0.1:5000", lambda: None)
service = Service(catalog, Settings(), "digit", WorkerPool(1, 1, 60))
result = asyncio.run(service.classify(service.find("digit"), Path(sys.argv[1]), WARM_UP))
assert result.prediction.label is not None
assert not [name for name in sys.modules if name.split(".")[0] in ("tensorflow", "keras") and sys.modules[name]]
"""
    command = [sys.executable, "-c", script, str(example("digit"))]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_nothing_is_told_to_anybody_at_start() -> None:
    """No name is looked up and no connection is opened to another machine, from the import to the built app."""
    script = """
import sys
def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.connect", "socket.gethostbyname"):
        if "127.0.0.1" not in repr(arguments) and "localhost" not in repr(arguments):
            print(event, arguments, file=sys.stderr)
            import os
            os._exit(3)
sys.addaudithook(watch)
from models.catalog import Catalog
from serving import server
from serving.settings import Settings
server.build_app(Catalog.load(), Settings(), "digit", "http://127.0.0.1:5000", lambda: None)
import threading
for thread in threading.enumerate():
    if thread is not threading.current_thread() and not thread.daemon:
        thread.join(30)
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
