"""Servers that the tests share: starting one takes seconds, mostly Gradio's import. And a stub of the Hub."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import huggingface_hub.constants
import pytest

from tests.hub import stub
from tests.hub.stub import Hub
from tests.support import Server, damaged_bundles, running, trained_runs, wait_until_ready

StartServer = Callable[..., Server]


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Start a server with arguments and settings of its own; it is stopped when the tests end."""
    with ExitStack() as stack:

        def start(*arguments: str, **settings: str) -> Server:
            log = tmp_path_factory.mktemp("server") / "log.txt"
            server = stack.enter_context(running(log, *arguments, **settings))
            wait_until_ready(server)
            return server

        yield start


@pytest.fixture(scope="session")
def server(start_server: StartServer) -> Server:
    """The server as everybody starts it."""
    return start_server()


@pytest.fixture(scope="session")
def damaged(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A server with some damaged models; see `tests.support.damaged_bundles`."""
    directory = tmp_path_factory.mktemp("bundles")
    models = ",".join(f"{task}={path}" for task, path in damaged_bundles(directory).items())
    return start_server(VISTAZO_MODELS=models)


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that is started where there are runs; see `tests.support.trained_runs`."""
    directory = tmp_path_factory.mktemp("own")
    trained_runs(directory / "runs")
    with running(directory / "log.txt") as server:
        wait_until_ready(server)
        yield server


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A stub of the Hub, empty; a subprocess takes it for the Hub when it is given `hub.env`."""
    with stub.running(tmp_path_factory.mktemp("hf")) as hub:
        yield hub


@pytest.fixture
def hub_here(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The same for the client in this process, which reads its settings only once, when it is imported."""
    for name, value in hub.env.items():
        monkeypatch.setenv(name, value)
    settings: dict[str, object] = {
        "ENDPOINT": hub.endpoint,
        "HUGGINGFACE_CO_URL_TEMPLATE": hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HOME": str(hub.home),
        "HF_HUB_CACHE": str(hub.home / "hub"),
        "HF_TOKEN_PATH": str(hub.home / "token"),
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_DISABLE_TELEMETRY": True,
    }
    for name, setting in settings.items():
        monkeypatch.setattr(huggingface_hub.constants, name, setting)
    return hub
