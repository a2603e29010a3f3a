"""Smoke test of a running Space: classify a sample picture of each task and load the page."""

import os
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2

from models.catalog import TASKS
from models.images.formats import has_picture_suffix
from spaces_config import processes
from spaces_config.errors import SpaceError
from spaces_config.local import CORES, PORT, RunningSpace, Space

URL = f"http://127.0.0.1:{PORT}"
START_TIMEOUT_S = 180  # long enough for a busy machine
POLL_INTERVAL_S = 0.02


@dataclass(frozen=True, slots=True)
class SmokeTestResult:
    """Start time and resources of the Space. Memory is None on systems without `/proc`."""

    ready_s: float  # from the start of the process to /health/ready
    first_prediction_s: float  # from the start of the process to the first prediction
    installed_mb: float
    memory_mb: float | None  # of all its processes, after one prediction per task

    @property
    def summary(self) -> str:
        """The result as text for the terminal."""
        cores = f"{CORES} cores of {platform.machine()}, Python {'.'.join(map(str, sys.version_info[:2]))}"
        text = (
            f"Ready {self.ready_s:.1f} s after the start; first prediction after {self.first_prediction_s:.1f} s "
            f"({cores}).\nInstalled: {self.installed_mb:,.0f} MB."
        )
        if self.memory_mb is None:
            return text
        return f"{text} Memory of all processes after one prediction per task: {self.memory_mb:,.0f} MB."


def run_smoke_test(running: RunningSpace) -> SmokeTestResult:
    """Wait until the Space is ready, then test it.

    `POST /predict` and `POST /predict/TASK` have to accept a sample picture of the task, and `/` has to return the
    page. Raises SpaceError.
    """
    space = running.space
    with httpx2.Client(base_url=URL, timeout=START_TIMEOUT_S, trust_env=False) as client:
        _wait_until_ready(client, running)
        ready_s = time.monotonic() - running.started
        _check_prediction(client, space, "/predict", sample_picture(space.app, "digit"))
        first_prediction_s = time.monotonic() - running.started
        for task in TASKS:
            _check_prediction(client, space, f"/predict/{task}", sample_picture(space.app, task))
        page = client.get("/")
        if page.status_code != 200 or "gradio" not in page.text:
            raise SpaceError(f"the Space's page returned status {page.status_code}: see {space.log}")
    return SmokeTestResult(
        ready_s,
        first_prediction_s,
        directory_mb(space.python.parent.parent),
        _memory_mb(running.process.pid),
    )


def sample_picture(app: Path, task: str) -> Path:
    """Return the first of the page's sample pictures of this task."""
    samples = app / "serving" / "examples" / task
    return min(path for path in samples.iterdir() if has_picture_suffix(path))


def directory_mb(directory: Path) -> float:
    """Return the size of all files below a directory, in millions of bytes."""
    found = (Path(parent) / name for parent, _, names in os.walk(directory) for name in names)
    return sum(path.lstat().st_size for path in found) / 1e6


def _wait_until_ready(client: httpx2.Client, running: RunningSpace) -> None:
    log = running.space.log
    last_response = "none"
    while time.monotonic() - running.started < START_TIMEOUT_S:
        if running.process.poll() is not None:
            last_line = log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
            raise SpaceError(f"the Space stopped at its start ({last_line or running.process.returncode}): see {log}")
        try:
            response = client.get("/health/ready")
            if response.status_code == 200:
                return
            last_response = response.text
        except httpx2.TransportError:
            pass
        time.sleep(POLL_INTERVAL_S)
    raise SpaceError(f"the Space was not ready after {START_TIMEOUT_S} s (last response: {last_response}): see {log}")


def _check_prediction(client: httpx2.Client, space: Space, path: str, picture: Path) -> None:
    response = client.post(path, files={"file": (picture.name, picture.read_bytes())})
    if response.status_code != 200 or response.json()["verdict"] == "rejected":
        raise SpaceError(
            f"{path} returned status {response.status_code} for {picture.name} ({response.text[:200]}): see {space.log}"
        )


def _memory_mb(process_id: int) -> float | None:
    if not sys.platform.startswith("linux"):
        return None
    return processes.memory_mb(process.pid for process in processes.tree(process_id))
