"""The Space on this machine: its folder and nothing else, in a virtual environment with only its own requirements.

The folder is read-only, there is no setting, token or cache of the person's in the environment, two cores have to do,
and all that is written goes to a home of its own, as on Hugging Face's free hardware.
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

WORKPLACE = folder.ROOT / ".space"  # not in git
PORT = 7860  # where app.py listens on a Space
CORES = 2
STOP_S = 30


@dataclass(frozen=True, slots=True)
class Space:
    """A built Space: its folder, the Python that runs it, its home, and what it is told by the environment."""

    app: Path
    python: Path
    home: Path
    environment: Mapping[str, str]

    @property
    def log(self) -> Path:
        """What the running Space writes on its standard output and error."""
        return self.home / "log.txt"

    def command(self, *words: str) -> list[str]:
        """The Space's Python with these words, without the powers that would let root write where nobody may."""
        setpriv = shutil.which("setpriv") if hasattr(os, "geteuid") and os.geteuid() == 0 else None
        powerless = [setpriv, "--bounding-set=-all", "--inh-caps=-all"] if setpriv else []
        return [*powerless, str(self.python), *words]


def build(
    card: SpaceCard, variables: Mapping[str, str], workplace: Path = WORKPLACE, root: Path = folder.ROOT
) -> Space:
    """Lay out the Space in `workplace` and install its requirements, unless these very ones are installed there.

    `variables` are those of the Space. Raises SpaceError.
    """
    app, home = workplace / "app", workplace / "home"
    folder.write(folder.contents(card, root), app)
    shutil.rmtree(home, ignore_errors=True)
    (home / "tmp").mkdir(parents=True)
    python = _install(app, card, workplace / "venv")
    return Space(app, python, home, _environment(python, home, variables))


@dataclass(frozen=True, slots=True)
class Running:
    """A Space that runs, since `started` on the clock of `time.monotonic`."""

    space: Space
    process: "subprocess.Popen[bytes]"
    started: float


@contextmanager
def running(space: Space, *words: str) -> Iterator[Running]:
    """Run the Space's app.py on port 7860, or its Python with other words, until the end of the block.

    Raises SpaceError when another program listens there, since that one would be taken for the Space.
    """
    if listens():
        raise SpaceError(f"port {PORT} is taken: stop the program that uses it, perhaps another Space of yours")
    started = time.monotonic()
    with space.log.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  (our own words)
            space.command(*words or ("app.py",)), cwd=space.app, env=space.environment, stdout=log, stderr=log
        )
    try:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, sorted(os.sched_getaffinity(0))[:CORES])
        yield Running(space, process, started)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def listens() -> bool:
    """Whether anything listens where a Space does."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


def _environment(python: Path, home: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """What Hugging Face sets in a Space on cpu-basic, and nothing of this machine but where the Hub is."""
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
        "GRADIO_SERVER_NAME": "0.0.0.0",  # noqa: S104  (as there)
        "GRADIO_THEME": "huggingface",
        "GRADIO_ALLOW_FLAGGING": "never",
        **hub,
        **variables,
    }


def _install(app: Path, card: SpaceCard, venv: Path) -> Path:
    """The Python of a virtual environment with the Space's requirements and Gradio in the version of its card."""
    wanted = str(card.data["python_version"])
    gradio = f"gradio=={card.data['sdk_version']}"
    base = _python(wanted)
    said = f"{base}\n{gradio}\n{(app / 'requirements.txt').read_text(encoding='utf-8')}"
    python, stamp = venv / "bin" / "python", venv / "installed"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == said:
        return python
    print(f"Installing what the Space needs in {venv} (a minute or two) …", file=sys.stderr)
    _run([base, "-m", "venv", "--clear", str(venv)], "install Python's venv module")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "-r", str(app / "requirements.txt"), gradio], "check the network and run the command again")
    stamp.write_text(said, encoding="utf-8")
    return python


def _python(version: str) -> str:
    """A Python of the Space's version; where there is none this one, and a word about it."""
    here = ".".join(map(str, sys.version_info[:2]))
    if here == version:
        return sys.executable
    found = shutil.which(f"python{version}")
    works = found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0  # noqa: S603
    if found and works:
        return found
    print(f"There is no Python {version} here, which the Space has: trying with Python {here}.", file=sys.stderr)
    return sys.executable


def _run(command: list[str], advice: str) -> None:
    started = time.monotonic()
    try:
        subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  (our own words)
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().rpartition("\n")[2]
        raise SpaceError(
            f"{' '.join(command[:4])} … failed after {time.monotonic() - started:.0f} s ({said}): {advice}"
        ) from error
