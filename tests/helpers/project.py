"""The project's folders and examples, and an environment and ports for processes that tests start."""

import os
import socket
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "serving" / "examples"


def example(task: str, index: int = 0) -> Path:
    """One of the pictures that the page offers to try."""
    return sorted(p for p in (EXAMPLES / task).iterdir() if p.suffix in (".png", ".jpeg", ".jpg"))[index]


def environment(**changes: str) -> dict[str, str]:
    """Our environment without settings of Vistazo that the developer may have, and with `changes`."""
    return {name: value for name, value in os.environ.items() if not name.startswith("VISTAZO_")} | changes


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
