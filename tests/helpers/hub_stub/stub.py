"""A stub of the Hugging Face Hub on this machine, for tests.

It follows the contract that the client `huggingface_hub` 2.4 uses over HTTP (no xet), for models and Spaces, as read
from that client's source. It is a stub: what passes against it has not been tried on the Hub itself.

`running()` starts it on a free port. A test looks into `hub.repositories`, reads in `hub.requests` what was asked for,
and adds a `Fault` to `hub.faults` for what should go wrong.
"""

import asyncio
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from tests.helpers.hub_stub import routes
from tests.helpers.hub_stub.storage import Commit, File, Repository
from tests.helpers.project import free_port

WRITER, READER = "hf_writer", "hf_reader"  # the second may only read


@dataclass
class Fault:
    """A fault for the next `times` requests whose `METHOD /path` matches `where`, a regular expression.

    `status`: the answer, with `headers`, instead of the true one. `cut_after`: bytes of the body (of the upload for
    PUT and POST, else of the answer) after which the connection is closed. `wait_s`: seconds before anything else.
    """

    where: str
    times: int = 1
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    wait_s: float = 0


@dataclass
class Hub:
    """The stub's state. Repositories by kind (`model` or `space`) and `user/name`; bytes of LFS by SHA-256."""

    endpoint: str
    home: Path
    user: str = "ana"  # whose tokens these are
    token: str = WRITER
    read_only_token: str = READER
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)  # "METHOD /path", and " bytes=…" where a range was asked for

    @property
    def env(self) -> dict[str, str]:
        """Settings for a subprocess that is to take this for the Hub."""
        return {
            "HF_ENDPOINT": self.endpoint,
            "HF_TOKEN": self.token,
            "HF_HOME": str(self.home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_OFFLINE": "0",
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def model(self, repo_id: str) -> Repository:
        """A model that exists."""
        return self.repositories["model", repo_id]

    def commit(self, repo_id: str, changes: Mapping[str, bytes | None], repo_type: str = "model") -> str:
        """Commit files to main (None deletes one), in a new public repository if there is none; the commit's id."""
        repository = self.repositories.setdefault((repo_type, repo_id), Repository())
        commit = repository.commit("main", changes, "a test's commit")
        self.objects.update((file.sha256, file.content) for file in commit.files.values() if file.lfs)
        return commit.oid

    def replace(self, repo_id: str, path: str, content: bytes, revision: str = "main") -> None:
        """Change a file where it is, without a commit: what no honest Hub does."""
        commit: Commit | None = self.model(repo_id).find(revision)
        assert commit is not None
        commit.files[path] = File.at(path, content)
        self.objects[commit.files[path].sha256] = content

    def asked(self, where: str) -> list[str]:
        """The requests so far that have `where`, a regular expression."""
        return [request for request in self.requests if re.search(where, request)]

    def next_fault(self, request: str) -> Fault | None:
        """The first fault that concerns a request; it counts as used."""
        for fault in self.faults:
            if fault.times > 0 and re.search(fault.where, request):
                fault.times -= 1
                return fault
        return None


class _Faulty:
    """The application with the faults before it."""

    def __init__(self, app: Starlette, hub: Hub) -> None:
        self.app, self.hub = app, hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = f"{scope['method']} {scope['path']}"
        span = next((value.decode() for name, value in scope["headers"] if name == b"range"), "")
        self.hub.requests.append(f"{request} {span}".strip())
        fault = self.hub.next_fault(request) or Fault("")
        await asyncio.sleep(fault.wait_s)
        if fault.status is not None:
            answer = JSONResponse({"error": f"a test wanted {fault.status}"}, fault.status, dict(fault.headers))
            await answer(scope, receive, send)
        elif fault.cut_after is None:
            await self.app(scope, receive, send)
        else:
            await self._until(fault.cut_after, scope, receive, send)

    async def _until(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application until `limit` bytes of the body have passed."""
        passed = 0
        # ASGI knows no way to drop a connection, so this reaches for the one of uvicorn.
        transport = receive.__self__.transport  # type: ignore[attr-defined]
        upload = scope["method"] in ("PUT", "POST")

        def counted(message: Message) -> Message:
            nonlocal passed
            body = message.get("body", b"")
            if passed + len(body) > limit:
                message = {**message, "body": body[: limit - passed], "more_body": True}
            passed += len(body)
            return message

        async def receive_until() -> Message:
            message = await receive()
            if upload and counted(message) is not message:
                transport.abort()
                return {"type": "http.disconnect"}
            return message

        async def send_until(message: Message) -> None:
            if upload or passed > limit:
                await send(message)
                return
            await send(counted(message))
            if passed > limit:
                transport.close()  # after what was written

        await self.app(scope, receive_until, send_until)


@contextmanager
def running(home: Path) -> Iterator[Hub]:
    """Run the stub in a thread; `home` is an empty directory for the clients' cache (`HF_HOME`)."""
    port = free_port()
    hub = Hub(f"http://127.0.0.1:{port}", home)
    # The bytes of LFS are on another host, as on the Hub; the client then asks for them without its token.
    app = _Faulty(routes.application(hub, {WRITER: True, READER: False}, f"http://localhost:{port}"), hub)
    config = uvicorn.Config(
        app, port=port, http="h11", ws="none", lifespan="off", log_level="critical", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the stub of the Hub did not start")
        time.sleep(0.01)
    yield hub
    server.should_exit = server.force_exit = True
    thread.join()
