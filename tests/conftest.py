"""Fixtures for all tests: servers, which take seconds to start, and a stub of the Hub. And what pytest-xdist needs.

`make test` runs two workers. All tests of a group run in one worker, so that what they share is made once.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import huggingface_hub.constants
import pytest

from tests.helpers.bundles import damaged_bundles, trained_runs
from tests.helpers.hub_stub import stub
from tests.helpers.hub_stub.stub import Hub
from tests.helpers.server import Server, StartServer, running, wait_until_ready

# One thread each: two workers share two cores, and with tensors this small more threads only wait for each other.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")

# Groups of slow tests, the longest first so that the two workers end at about the same time. These tests train or
# export networks, classify whole test sets, decode the largest pictures, start servers, processes or a browser, or
# install packages. Each other file is a group, and quick: `make check` runs only those.
SLOW = {
    "servers": (
        "serving/test_bad_input.py",
        "serving/test_damaged.py",
        "serving/test_gradio_client.py",
        "serving/test_hub_start.py",
        "serving/test_own.py",
        "serving/test_predict.py",
        "serving/test_reload.py",
        "serving/test_routes.py",
        "serving/test_samples.py",
        "serving/test_start.py",
        "e2e",
        "test_readme.py",
    ),
    "space": ("spaces_config/test_local.py", "spaces_config/test_cold_start.py", "spaces_config/test_deploy.py"),
    "bundles": ("train/bundling", "train/publishing"),
    "reports": ("train/comparison", "train/evaluation/test_evaluate.py"),
    "resume": ("train/learning/test_resume.py",),
    "robust": ("train/learning/test_robust.py",),
    "commands": (
        "train/test_commands.py",
        "train/sources/test_folder_commands.py",
        "train/sources/test_real_data.py",
        "test_make.py",
        "models/hub",
        "test_hub_stub.py",
    ),
    "figures": ("test_figures.py",),
    "notebook": ("test_notebook.py",),
    "backends": ("train/learning/test_backends.py",),
    "learning": ("train/learning",),
    "comparisons": ("benchmarks/test_comparisons.py",),
    "benchmarks": ("benchmarks",),
    "robustness": ("train/evaluation/test_robustness.py",),
    "processes": ("models/workers/test_processes.py", "models/images/test_attacks.py"),
}


def pytest_configure() -> None:
    """Limit the threads of this process, of the workers and of the processes that tests start."""
    for name in THREADS:
        os.environ.setdefault(name, "1")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow tests, and sort all tests by group."""
    order = {name: number for number, name in enumerate(SLOW)}
    groups = {item: _group(item.path) for item in items}
    for item, group in groups.items():
        if group in SLOW:
            item.add_marker("slow")
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: order.get(groups[item], len(order)))


def _group(path: Path) -> str:
    relative = path.relative_to(Path(__file__).parent).as_posix()
    named = (name for name, paths in SLOW.items() if any(f"{relative}/".startswith(f"{part}/") for part in paths))
    return next(named, relative)


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
    """A server with some damaged models; see `tests.helpers.bundles.damaged_bundles`."""
    directory = tmp_path_factory.mktemp("bundles")
    models = ",".join(f"{task}={path}" for task, path in damaged_bundles(directory).items())
    return start_server(VISTAZO_MODELS=models)


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that is started where there are runs; see `tests.helpers.bundles.trained_runs`."""
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
