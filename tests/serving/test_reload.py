"""New revisions for a running server: published on the stub of the Hub, served by a real `python app.py`."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from models import bundle
from tests.helpers.bundles import revision
from tests.helpers.http import ask, by_client
from tests.helpers.hub_stub import stub
from tests.helpers.hub_stub.stub import Fault, Hub
from tests.helpers.project import ROOT, environment, example, free_port
from tests.helpers.server import Server, half_sent, running, wait_until_ready

REPO, KEY = "ana/digit", "una clave de ñandú"
BEARER = {"Authorization": f"Bearer {KEY}".encode()}
VISITORS = 4


@dataclass(frozen=True)
class Served:
    """A server that takes its digits from the main branch of a repository."""

    server: Server
    hub: Hub

    def reload(self, task: str = "digit", headers: Any = BEARER, asked: object = None) -> httpx.Response:
        body = json.dumps(asked) if asked else None
        return httpx.post(f"{self.server.url}/models/{task}/reload", headers=headers, content=body, timeout=120)

    @property
    def now(self) -> dict[str, Any]:
        """The JSON of `GET /models/digit`."""
        said: dict[str, Any] = httpx.get(f"{self.server.url}/models/digit", timeout=60).json()
        return said

    def publish(self, version: str, **changes: Any) -> str:
        return self.hub.commit(REPO, revision(version, **changes))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with stub.running(tmp_path_factory.mktemp("hf")) as hub:
        hub.commit(REPO, revision("1.0.0"))
        log = tmp_path_factory.mktemp("server") / "log.txt"
        settings = hub.env | {"VISTAZO_MODELS": f"digit={REPO}", "VISTAZO_ADMIN_KEY": KEY}
        with running(log, **settings) as server:
            wait_until_ready(server)
            yield Served(server, hub)


def test_models_say_what_is_served_and_from_where(served: Served) -> None:
    said = served.now
    assert (said["source"], said["repository"], said["fallback"]) == ("hub", REPO, None)
    assert said["revision"] in served.hub.model(REPO).commits
    assert ask(served.server).json()["model"]["revision"] == said["revision"]
    others = httpx.get(f"{served.server.url}/models", timeout=60).json()["models"]
    assert [(model["source"], model["repository"]) for model in others if model["task"] != "digit"] == [
        ("bundled", None)
    ] * 2


def test_requests_in_flight_end_on_the_old_model_and_none_fails(served: Served) -> None:
    old, new = served.now["revision"], served.publish("2.0.0")
    stop = threading.Event()
    before = threading.Barrier(VISITORS + 1)

    def visit(_: int) -> list[tuple[int, str]]:
        seen = []
        with httpx.Client(timeout=60) as client:
            while not stop.is_set():
                files = {"file": ("a.png", example("digit").read_bytes())}
                response = client.post(f"{served.server.url}/predict", files=files)
                model = response.json().get("model", {})
                seen.append((response.status_code, f"{model.get('revision')} {model.get('version')}"))
                if len(seen) == 1:
                    before.wait(60)
        return seen

    with ThreadPoolExecutor(VISITORS) as pool:
        visits = pool.map(visit, range(VISITORS))
        try:
            before.wait(60)
            answer = served.reload()
            after = ask(served.server).json()["model"]
        finally:
            stop.set()
        sequences = list(visits)
    assert (answer.status_code, answer.json()["revision"], after["revision"]) == (200, new, new)
    assert answer.json() == served.now
    for seen in sequences:
        assert {status for status, _ in seen} == {200}
        said = [model for _, model in seen]
        assert set(said) <= {f"{old} 1.0.0", f"{new} 2.0.0"}, "each answer names one model, whole"
        assert said == sorted(said, key=lambda model: model.endswith("2.0.0")), "from old to new, once"
        assert said[0].startswith(old)


def test_what_began_before_the_switch_ends_on_the_old_model(served: Served) -> None:
    old, new = served.now["revision"], served.publish("2.1.0")
    with half_sent(served.server, example("digit")) as finish:
        assert served.reload().json()["revision"] == new
        received = finish()
    assert received.startswith(b"HTTP/1.1 200")
    assert json.loads(received.partition(b"\r\n\r\n")[2])["model"] == {
        "version": "2.0.0", "revision": old, "engine": "litert",
    }  # fmt: skip
    assert ask(served.server).json()["model"]["revision"] == new


def test_a_named_revision_until_the_next_reload(served: Served) -> None:
    first = served.publish("3.0.0")
    newest = served.publish("4.0.0")
    assert served.reload(asked={"model": f"{REPO}@{first}"}).json()["revision"] == first
    assert ask(served.server).json()["model"] == {"version": "3.0.0", "revision": first, "engine": "litert"}
    assert served.reload().json()["revision"] == newest


def test_a_bad_revision_changes_nothing(served: Served) -> None:
    before = served.now
    good = served.publish("5.0.0")
    served.hub.replace(REPO, bundle.MODEL_NAME, b"TFL3 of somebody else")
    refused = served.reload()
    assert (refused.status_code, refused.json()["code"]) == (409, "model_refused")
    assert "is not the file that was exported" in refused.json()["error"]
    assert served.now == before
    served.publish("5.0.1", network=b"TFL3, but not a network")
    assert "is not a LiteRT model" in served.reload().json()["error"]
    served.publish("5.0.2", task="letter")
    assert "is a model for 'letter', not for 'digit'" in served.reload().json()["error"]
    assert served.now == before
    assert ask(served.server).json()["model"]["revision"] == before["revision"] != good
    log = served.server.log.read_text()
    assert log.count("the model 'digit' was not changed: ") == 3
    assert httpx.get(f"{served.server.url}/health/ready", timeout=60).status_code == 200


def test_a_model_that_cannot_answer_is_refused(served: Served) -> None:
    """Its hashes are right, but its network does not take what its manifest says."""
    before = served.now
    served.publish("5.1.0", input={"height": 32, "width": 32, "channels": 3}, preprocessing="center_crop")
    refused = served.reload()
    assert (refused.status_code, refused.json()["code"]) == (409, "model_refused")
    assert "takes pictures of 28 x 28 x 1, not of 32 x 32 x 3" in refused.json()["error"]
    assert served.now == before


def test_a_hub_that_is_away_changes_nothing(served: Served) -> None:
    before = served.now
    served.hub.faults.append(Fault(".", times=99, status=503))
    try:
        refused = served.reload(headers=BEARER | {"Accept-Language": "en"})
    finally:
        served.hub.faults.clear()
    assert (refused.status_code, refused.json()["code"]) == (502, "hub_failed")
    assert "503" in refused.json()["error"]
    assert "the old one is still served" in refused.json()["error"]
    assert served.now == before
    missing = served.reload(asked={"model": f"{REPO}@v99"})
    assert (missing.status_code, missing.json()["code"]) == (502, "hub_failed")


def test_other_labels_are_everywhere_from_then_on(served: Served) -> None:
    labels = [{"id": f"cifra {n}", "es": f"Cifra <{n}>", "en": f"Figure {n}"} for n in range(10)]
    served.publish("6.0.0", labels=labels)
    assert served.reload().json()["labels"] == labels
    assert ask(served.server).json()["label"].startswith("cifra ")
    assert by_client(served.server, "digit", example("digit"))["label"].startswith("cifra ")
    assert "6.0.0" in httpx.get(served.server.url, timeout=60).text
    served.publish("6.0.1")
    assert served.reload().json()["labels"][0]["id"] == "0"


def test_two_at_the_same_time_take_turns(served: Served) -> None:
    newest = served.publish("7.0.0")
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: served.reload(), range(2)))
    assert [(answer.status_code, answer.json()["revision"]) for answer in answers] == [(200, newest)] * 2


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this platform has no such signal")
def test_sighup_reloads(served: Served) -> None:
    newest = served.publish("8.0.0")
    served.server.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 120
    while served.now["revision"] != newest and time.monotonic() < deadline:
        time.sleep(0.2)
    assert (served.now["revision"], served.now["version"]) == (newest, "8.0.0")
    assert f"the model 'digit' was changed: {REPO}@{newest}, version 8.0.0" in served.server.log.read_text()


def test_a_bundled_model_may_be_reloaded_too(served: Served) -> None:
    assert served.reload("flower").json()["source"] == "bundled"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {KEY}".encode()},
        {"Authorization": "Bearer"},
        {"X-Admin-Key": ""},
        {"X-Admin-Key": f"{KEY}x".encode()},
    ],
)
def test_nobody_without_the_key(served: Served, headers: Any) -> None:
    served.hub.requests.clear()
    for task in ("digit", "nothing"):
        refused = served.reload(task, headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
        assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert served.hub.requests == []


def test_the_key_in_a_header_of_its_own(served: Served) -> None:
    assert served.reload("flower", {"X-Admin-Key": KEY.encode()}).status_code == 200


def test_without_a_key_on_the_server_nobody_may(server: Server) -> None:
    for headers in ({}, {"Authorization": "Bearer"}, {"X-Admin-Key": "None"}):
        refused = httpx.post(f"{server.url}/models/digit/reload", headers=headers, timeout=60)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
        assert "VISTAZO_ADMIN_KEY" in refused.json()["error"]


@pytest.mark.parametrize(
    "asked", [{"model": "ana"}, {"model": "./models/bundled/digit"}, {"modle": REPO}, {"model": 3}, "digit", [REPO]]
)
def test_a_body_that_names_no_repository(served: Served, asked: object) -> None:
    refused = served.reload(asked=asked)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


def test_an_unknown_task(served: Served) -> None:
    refused = served.reload("cat")
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_task")


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this platform has no such signal")
def test_a_server_stops_when_its_terminal_is_closed(tmp_path: Path) -> None:
    """A closed terminal sends SIGHUP as well."""
    import pty

    takes_the_terminal = (
        "import os, sys; os.close(os.open(os.ttyname(0), os.O_RDWR)); "
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    ours, theirs = pty.openpty()
    port = free_port()
    with (tmp_path / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", takes_the_terminal, str(ROOT / "app.py"), "--port", str(port)],
            cwd=tmp_path, env=environment(), stdin=theirs, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    os.close(theirs)
    try:
        wait_until_ready(Server(f"http://127.0.0.1:{port}", tmp_path / "log.txt", process))
        process.send_signal(signal.SIGHUP)
        assert httpx.get(f"http://127.0.0.1:{port}/health/live", timeout=60).status_code == 200
        os.close(ours)
        assert process.wait(60) is not None
    finally:
        process.kill()
        process.wait()
