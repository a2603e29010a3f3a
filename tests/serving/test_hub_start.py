"""Starting with models from the Hub: the server starts, whatever the Hub does, and says what it serves and why."""

from pathlib import Path

import httpx
import pytest

from models import bundle
from tests.helpers.bundles import revision
from tests.helpers.commands import start_models
from tests.helpers.http import ask
from tests.helpers.hub_stub.stub import Fault, Hub
from tests.helpers.project import example
from tests.helpers.server import Server, running, wait_until_ready

REPO = "ana/digit"
SETTINGS = {"VISTAZO_MODELS": f"digit={REPO}@main,bird=ana/bird", "VISTAZO_HUB_TIMEOUT_S": "60"}


def told(server: Server, task: str, language: str = "en") -> dict[str, object]:
    headers = {"Accept-Language": language}
    said: dict[str, object] = httpx.get(f"{server.url}/models/{task}", headers=headers, timeout=60).json()
    return said


def warnings(server: Server) -> list[str]:
    return [line for line in server.log.read_text().splitlines() if line.startswith("Warning:")]


def test_a_dead_hub(tmp_path: Path, hub: Hub) -> None:
    """And one of the models is neither in the cache nor bundled."""
    with running(tmp_path / "log.txt", **hub.env | SETTINGS | {"HF_ENDPOINT": "http://127.0.0.1:9"}) as server:
        wait_until_ready(server)
        digit = told(server, "digit")
        assert (digit["source"], digit["repository"], digit["available"]) == ("bundled", None, True)
        assert digit["fallback"] == (f"{REPO}@main could not be downloaded: the Hub does not respond, or too slowly")
        assert "no responde" in str(told(server, "digit", "es")["fallback"])
        assert ask(server).status_code == 200
        bird = told(server, "bird")
        assert (bird["available"], bird["revision"]) == (False, None)
        assert "ana/bird@main" in str(bird["fallback"])
        assert ask(server, "/predict/bird", example("digit").read_bytes()).json()["code"] == "model_not_loaded"
        ready = httpx.get(f"{server.url}/health/ready", timeout=60).json()
        assert (ready["ready"], ready["unavailable"]) == (["pneumonia", "digit", "flower"], ["bird"])
        first, second = warnings(server)
        assert first.startswith("Warning: digit: ")
        assert f"is served instead of {REPO}@main: cannot pull {REPO}@main" in first
        assert second.startswith("Warning: bird is not available: cannot pull ana/bird@main")
        assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("trouble", ["slow", "offline", "damaged"])
def test_the_last_verified_copy(tmp_path: Path, hub: Hub, trouble: str) -> None:
    commit = hub.commit(REPO, revision("1.0.0"))
    settings = hub.env | {"VISTAZO_MODELS": f"digit={REPO}"}
    assert start_models("pull", "digit", settings=settings).returncode == 0
    second = hub.commit(REPO, revision("2.0.0"))
    match trouble:
        case "slow":
            hub.faults.append(Fault(".", times=999, wait_s=20))
            settings["VISTAZO_HUB_TIMEOUT_S"] = "3"
            why = "too slowly"
        case "offline":
            settings["HF_HUB_OFFLINE"] = "1"
            why = "does not respond"
        case _:
            hub.replace(REPO, bundle.MODEL_NAME, b"something else", second)
            why = "damaged"
    with running(tmp_path / "log.txt", **settings) as server:
        wait_until_ready(server)
        digit = told(server, "digit")
        assert (digit["source"], digit["revision"], digit["version"]) == ("hub", commit, "1.0.0")
        assert why in str(digit["fallback"])
        assert "/" not in str(digit["fallback"]).replace(REPO, "")
        assert ask(server).json()["model"] == {"version": "1.0.0", "revision": commit, "engine": "litert"}
        assert f"{REPO}@{commit} is served instead of {REPO}@main" in warnings(server)[0]


def test_offline_with_a_pinned_commit_in_the_cache(tmp_path: Path, hub: Hub) -> None:
    commit = hub.commit(REPO, revision("1.0.0"))
    settings = hub.env | {"VISTAZO_MODELS": f"digit={REPO}@{commit}"}
    assert start_models("pull", "digit", settings=settings).returncode == 0
    hub.requests.clear()
    with running(tmp_path / "log.txt", **settings | {"HF_HUB_OFFLINE": "1"}) as server:
        wait_until_ready(server)
        assert (told(server, "digit")["revision"], told(server, "digit")["fallback"]) == (commit, None)
        assert warnings(server) == []
    assert hub.requests == []
