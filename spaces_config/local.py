"""Run the Space on this machine, with only its own files and a virtual environment with only its own requirements.

As on Hugging Face's free hardware: the folder is read-only, the environment has no settings, tokens or caches of the
user, the process gets two cores, and all output goes to a home directory of its own.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import SpaceCard

from spaces_config import folder
from spaces_config.errors import SpaceError

BUILD_DIR = folder.ROOT / ".space"  # ignored by git
PORT = 7860  # of app.py in a Space
CORES = 2
STOP_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Space:
    """A built Space: its folder, its Python, its home directory and its environment variables."""

    app: Path
    python: Path
    home: Path
    environment: Mapping[str, str]

    @property
    def log(self) -> Path:
        """The file with the standard output and error of the running Space."""
        return self.home / "log.txt"

    def command(self, *arguments: str) -> list[str]:
        """Return the command that runs the Space's Python with these arguments.

        For root, it drops the capabilities that would allow to write to read-only files.
        """
        setpriv = shutil.which("setpriv") if hasattr(os, "geteuid") and os.geteuid() == 0 else None
        drop_capabilities = [setpriv, "--bounding-set=-all", "--inh-caps=-all"] if setpriv else []
        return [*drop_capabilities, str(self.python), *arguments]


def build(
    card: SpaceCard, variables: Mapping[str, str], build_dir: Path = BUILD_DIR, root: Path = folder.ROOT
) -> Space:
    """Write the Space's files to `build_dir` and install its requirements, unless they are installed there already.

    `variables` are the Space's environment variables. Raises SpaceError.
    """
    app, home = build_dir / "app", build_dir / "home"
    folder.write_folder(folder.space_files(card, root), app)
    shutil.rmtree(home, ignore_errors=True)
    (home / "tmp").mkdir(parents=True)
    python = _install(app, card, build_dir / "venv")
    return Space(app, python, home, _environment(python, home, variables))


@dataclass(frozen=True, slots=True)
class RunningSpace:
    """A running Space. `started` is the value of `time.monotonic` at its start."""

    space: Space
    process: "subprocess.Popen[bytes]"
    started: float


@contextmanager
def running(space: Space, *arguments: str) -> Iterator[RunningSpace]:
    """Run the Space's app.py on port 7860, or its Python with other arguments, until the end of the block.

    Raises SpaceError when the port is in use, because the smoke test would test the other program.
    """
    if is_port_in_use():
        raise SpaceError(f"port {PORT} is in use: stop the program that uses it, perhaps another Space")
    started = time.monotonic()
    with space.log.open("wb") as log:
        process = subprocess.Popen(
            space.command(*arguments or ("app.py",)), cwd=space.app, env=space.environment, stdout=log, stderr=log
        )
    try:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, sorted(os.sched_getaffinity(0))[:CORES])
        yield RunningSpace(space, process, started)
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def is_port_in_use() -> bool:
    """Return True if a program listens on the Space's port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


def _environment(python: Path, home: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """Return what Hugging Face sets in a Space on cpu-basic. Of this machine, only the Hub's address is kept."""
    hub = {name: os.environ[name] for name in ("HF_ENDPOINT", "SSL_CERT_FILE") if name in os.environ}
    return {
        "PATH": os.pathsep.join((str(python.parent), os.defpath)),
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "HF_HOME": str(home / "huggingface"),
        "PYTHONUNBUFFERED": "1",
        "SYSTEM": "spaces",
        "SPACE_ID": "local/vistazo",
        "SPACE_HOST": "local-vistazo.hf.space",
        "SPACE_AUTHOR_NAME": "local",
        "SPACE_REPO_NAME": "vistazo",
        "CPU_CORES": str(CORES),
        "MEMORY": "16Gi",
        "ACCELERATOR": "none",
        "GRADIO_SERVER_NAME": "0.0.0.0",  # noqa: S104 (the value that Hugging Face sets)
        "GRADIO_THEME": "huggingface",
        "GRADIO_ALLOW_FLAGGING": "never",
        **hub,
        **variables,
    }


def _install(app: Path, card: SpaceCard, venv: Path) -> Path:
    """Return the Python of a virtual environment with the Space's requirements and the card's version of Gradio."""
    gradio = f"gradio=={card.data['sdk_version']}"
    base = _find_python(str(card.data["python_version"]))
    contents = f"{base}\n{gradio}\n{(app / 'requirements.txt').read_text(encoding='utf-8')}"
    python, stamp = venv / "bin" / "python", venv / "installed"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == contents:
        return python
    print(f"Installing the Space's requirements in {venv} (one or two minutes) …", file=sys.stderr)
    _run([base, "-m", "venv", "--clear", str(venv)], "install Python's venv module")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "-r", str(app / "requirements.txt"), gradio], "check the network and run the command again")
    stamp.write_text(contents, encoding="utf-8")
    return python


def _find_python(version: str) -> str:
    """Return a Python of the Space's version, or this Python, with a warning, if there is none."""
    own_version = ".".join(map(str, sys.version_info[:2]))
    if own_version == version:
        return sys.executable
    found = shutil.which(f"python{version}")
    # A shim of a version manager may exist without the version that it stands for.
    works = found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0
    if found and works:
        return found
    print(
        f"The Space has Python {version}, which is not installed here: running with Python {own_version}.",
        file=sys.stderr,
    )
    return sys.executable


def _run(command: list[str], advice: str) -> None:
    started = time.monotonic()
    try:
        subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = (getattr(error, "stderr", "") or str(error)).strip().rpartition("\n")[2]
        raise SpaceError(
            f"{' '.join(command[:4])} … failed after {time.monotonic() - started:.0f} s ({reason}): {advice}"
        ) from error
