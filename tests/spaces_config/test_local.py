"""The Space runs here as it would there: its own files, its own packages, no powers, no secrets."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from models.catalog import TASKS
from spaces_config import local, smoke_test
from spaces_config.errors import SpaceError
from spaces_config.local import RunningSpace, Space
from spaces_config.smoke_test import SmokeTestResult
from tests.helpers.checkout import NOBODYS_BUSINESS

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def running(space: Space) -> Iterator[RunningSpace]:
    with local.running(space) as running:
        yield running


@pytest.fixture(scope="module")
def figures(running: RunningSpace) -> SmokeTestResult:
    return smoke_test.run_smoke_test(running)


def run(space: Space, script: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        space.command("-c", script), cwd=space.app, env=space.environment, capture_output=True, text=True, check=False
    )


def test_it_answers(figures: SmokeTestResult) -> None:
    assert 0 < figures.ready_s <= figures.first_prediction_s
    assert figures.installed_mb > 100
    for task in TASKS:
        picture = min((Path(smoke_test.__file__).parent.parent / "serving" / "examples" / task).glob("*.[pj]*"))
        answer = httpx.post(f"{smoke_test.URL}/predict/{task}", files={"file": picture.read_bytes()}, timeout=60)
        assert answer.json()["verdict"] in ("confident", "uncertain")
        assert answer.json()["model"]["engine"] == "litert"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="memory is read from /proc")
def test_its_memory_is_told(figures: SmokeTestResult) -> None:
    assert figures.memory_mb is not None
    assert 50 < figures.memory_mb < 1000


@pytest.mark.usefixtures("figures")
def test_it_writes_nowhere_but_at_home(space: Space, built_checkout: Path) -> None:
    assert run(space, "open('written', 'w')").returncode != 0
    assert run(space, "open('app.py', 'a')").returncode != 0
    assert "PermissionError" in run(space, "open('serving/written', 'w')").stderr
    for path in space.app.rglob("*"):
        assert not path.stat().st_mode & 0o222
        assert path.name != "__pycache__"
    assert (space.app / "app.py").read_bytes() == (built_checkout / "app.py").read_bytes()


@pytest.mark.usefixtures("figures")
def test_it_knows_no_secrets(running: RunningSpace, space: Space) -> None:
    assert not {"HF_TOKEN", "VISTAZO_QUEUE", "PYTHONPATH", "VIRTUAL_ENV"} & space.environment.keys()
    assert NOBODYS_BUSINESS not in space.environment.values()
    environ = Path(f"/proc/{running.process.pid}/environ")
    if environ.exists():
        assert b"SPACE_ID=" in environ.read_bytes()
        assert NOBODYS_BUSINESS.encode() not in environ.read_bytes()


@pytest.mark.parametrize("name", ["tensorflow", "keras", "sklearn", "matplotlib", "train", "tests", "spaces_config"])
def test_it_has_no(space: Space, name: str) -> None:
    done = run(space, f"import importlib.util; print(importlib.util.find_spec({name!r}))")
    assert done.stdout == "None\n", done.stderr


def test_gradio_is_the_one_of_the_card(space: Space) -> None:
    done = run(space, "import gradio; print(gradio.__version__)")
    assert f"sdk_version: {done.stdout}" in (space.app / "README.md").read_text()


@pytest.mark.usefixtures("figures")
def test_another_program_is_not_taken_for_the_space(space: Space) -> None:
    with pytest.raises(SpaceError, match="port 7860 is in use"), local.running(space):
        pass


def test_a_space_that_cannot_be_installed(space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from spaces_config import card

    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    root = space.app.parent.parent
    with pytest.raises(SpaceError, match="check the network"):
        local.build(card.build_card({}), {}, tmp_path / "work", root)
    assert not (tmp_path / "work" / "venv" / "installed").exists()
