"""Starting and stopping, as a person at a terminal sees it."""

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.helpers.project import ROOT, environment, example
from tests.helpers.server import Server, StartServer, half_sent, running, wait_until_ready


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
    assert server.process.poll() == 0
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{server.url}/health/live")


def test_open_pages_do_not_hold_the_stop(start_server: StartServer) -> None:
    server = start_server()
    with httpx.stream("GET", f"{server.url}/gradio_api/heartbeat/a-visitor", timeout=60) as stream:
        chunks = stream.iter_text()
        next(chunks)  # the stream has begun
        server.process.send_signal(signal.SIGTERM)
        list(chunks)  # to its end: without an error of the connection
        assert server.process.wait(60) == 0
    assert "Traceback" not in server.log.read_text()
    assert "timeout graceful shutdown exceeded" not in server.log.read_text()


def test_a_second_signal_ends_at_once(start_server: StartServer) -> None:
    server = start_server()
    with half_sent(server, example("digit")):
        httpx.get(f"{server.url}/health/live")
        server.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(httpx.TransportError):
            while True:
                httpx.get(f"{server.url}/health/live")  # until it accepts no more
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0  # the half-sent request would hold it for longer


def test_uploads_to_the_page_are_gone_after_a_kill_and_a_start(tmp_path: Path) -> None:
    settings = {"TMPDIR": str(tmp_path)}
    with running(tmp_path / "log.txt", **settings) as server:
        wait_until_ready(server)
        upload = {"files": ("x-ray.png", b"an X-ray of somebody")}
        (path,) = httpx.post(f"{server.url}/gradio_api/upload", files=upload).json()
        assert Path(path).read_bytes() == b"an X-ray of somebody"
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as cut:
            cut.sendall(
                b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
                b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
                b'Content-Disposition: form-data; name="files"; filename="a.png"\r\n\r\ncut off' + bytes(500_000)
            )
        httpx.get(f"{server.url}/health/live")
        assert not [file for file in tmp_path.rglob("*") if file.is_file() and b"cut off" in file.read_bytes()]
        port = server.url.rpartition(":")[2]
        server.process.kill()
        server.process.wait()
    assert Path(path).exists()
    with running(tmp_path / "log.txt", "--port", port, **settings) as server:
        while "Vistazo is ready" not in server.log.read_text():
            assert server.process.poll() is None
            time.sleep(0.05)
        assert not Path(path).exists()


def test_serving_needs_no_tensorflow() -> None:
    script = """
import sys
for name in ("tensorflow", "keras", "sklearn", "scipy", "matplotlib"):
    sys.modules[name] = None  # an import of it fails
from pathlib import Path
import asyncio
from models.catalog import Catalog
from models.workers.threads import WorkerThreads
from serving import server
from serving.events import Caller
from serving.settings import Settings
workers = WorkerThreads()
catalog = Catalog.load(load_model=workers.load)
app = server.build_app(catalog, workers, Settings(), "digit", "http://127.0.0.1:5000", 0, lambda: None)
service = app.state.service
result = asyncio.run(service.classify(service.find("digit"), Path(sys.argv[1]), Caller("1", "es", "api")))
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
from models.workers.threads import WorkerThreads
from serving import server
from serving.settings import Settings
workers = WorkerThreads()
catalog = Catalog.load(load_model=workers.load)
server.build_app(catalog, workers, Settings(), "digit", "http://127.0.0.1:5000", 0, lambda: None)
import threading
import time
from pathlib import Path
for thread in threading.enumerate():
    if thread is not threading.current_thread() and not thread.daemon:
        thread.join(30)
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
