"""Runs that are trained once, a web server that can misbehave, and a silent progress bar."""

import os
from collections.abc import Callable, Iterator

import pytest
from rich.console import Console
from rich.progress import Progress

from tests.helpers.samples import Files, tgz_bytes, zip_bytes
from tests.helpers.site import Site, serving
from tests.helpers.tiny_runs import TinyRuns


@pytest.fixture(scope="session")
def tiny_runs(tmp_path_factory: pytest.TempPathFactory) -> TinyRuns:
    """Exported runs by name, trained when they are first needed. All workers of pytest-xdist share them."""
    base = tmp_path_factory.getbasetemp()
    return TinyRuns((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "tiny_runs")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A web server on this machine, at `site.url`, that answers as `site` says."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as site:
        yield site


@pytest.fixture
def progress() -> Progress:
    """A progress bar that nobody sees."""
    return Progress(console=Console(quiet=True))


@pytest.fixture(params=[zip_bytes, tgz_bytes], ids=["zip", "tgz"])
def pack(request: pytest.FixtureRequest) -> Callable[[Files], bytes]:
    """A function that makes an archive of files, once for each format."""
    packer: Callable[[Files], bytes] = request.param
    return packer
