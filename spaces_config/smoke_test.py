"""Whether a Space answers: every task a real picture, and the page. With what that took."""

import os
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2

from models.catalog import TASKS
from spaces_config.errors import SpaceError
from spaces_config.local import CORES, PORT, Running, Space

URL = f"http://127.0.0.1:{PORT}"
START_S = 180  # on a busy machine
POLL_S = 0.02
PICTURES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True, slots=True)
class Figures:
    """What it took. Memory is None where the system does not tell it (`/proc`)."""

    ready_s: float  # from the start of the process to /health/ready
    first_answer_s: float  # to the answer about the first picture that is sent then
    installed_mb: float
    resident_mb: float | None  # after an answer of each task
    peak_mb: float | None

    @property
    def summary(self) -> str:
        """The results in one or two lines for the terminal."""
        cores = f"{CORES} cores of {platform.machine()}, Python {platform.python_version().rpartition('.')[0]}"
        lines = (
            f"Ready {self.ready_s:.1f} s after the start; first answer after {self.first_answer_s:.1f} s ({cores}).\n"
            f"Installed: {self.installed_mb:,.0f} MB."
        )
        if self.resident_mb is None or self.peak_mb is None:
            return lines
        return f"{lines} Memory after an answer of each task: {self.resident_mb:,.0f} MB, peak {self.peak_mb:,.0f} MB."


def prove(running: Running) -> Figures:
    """Wait until the Space is ready, and send it pictures.

    `POST /predict` and `POST /predict/TASK` have to answer about a picture of the Space's own examples without
    rejecting it, and `/` has to be the page. Raises SpaceError.
    """
    space = running.space
    with httpx2.Client(base_url=URL, timeout=START_S, trust_env=False) as client:
        _wait(client, running)
        ready_s = time.monotonic() - running.started
        _ask(client, space, "/predict", example(space.app, "digit"))
        first_answer_s = time.monotonic() - running.started
        for task in TASKS:
            _ask(client, space, f"/predict/{task}", example(space.app, task))
        page = client.get("/")
        if page.status_code != 200 or "gradio" not in page.text:
            raise SpaceError(f"the Space's page answers {page.status_code}: see {space.log}")
    return Figures(
        ready_s,
        first_answer_s,
        installed_mb(space.python.parent.parent),
        _memory_mb(running.process.pid, "VmRSS"),
        _memory_mb(running.process.pid, "VmHWM"),
    )


def example(app: Path, task: str) -> Path:
    """The first of the pictures that the page offers to try."""
    return min(path for path in (app / "serving" / "examples" / task).iterdir() if path.suffix in PICTURES)


def installed_mb(directory: Path) -> float:
    """What the files of a directory hold, in millions of bytes."""
    found = (Path(folder) / name for folder, _, names in os.walk(directory) for name in names)
    return sum(path.lstat().st_size for path in found) / 1e6


def _wait(client: httpx2.Client, running: Running) -> None:
    log = running.space.log
    said = "nothing"
    while time.monotonic() - running.started < START_S:
        if running.process.poll() is not None:
            last = log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
            raise SpaceError(f"the Space stopped when it was started ({last or running.process.returncode}): see {log}")
        try:
            answer = client.get("/health/ready")
            if answer.status_code == 200:
                return
            said = answer.text
        except httpx2.TransportError:
            pass
        time.sleep(POLL_S)
    raise SpaceError(f"the Space was not ready after {START_S} s (it said {said}): see {log}")


def _ask(client: httpx2.Client, space: Space, path: str, picture: Path) -> None:
    answer = client.post(path, files={"file": (picture.name, picture.read_bytes())})
    if answer.status_code != 200 or answer.json()["verdict"] == "rejected":
        raise SpaceError(
            f"the Space answers {answer.status_code} to {picture.name} at {path} ({answer.text[:200]}): see {space.log}"
        )


def _memory_mb(process_id: int, name: str) -> float | None:
    """A figure of `/proc/…/status`, in millions of bytes."""
    if not sys.platform.startswith("linux"):
        return None
    lines = Path(f"/proc/{process_id}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{name}:"))
