"""Requests to a server under test, and answers to compare."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.helpers.project import example
from tests.helpers.server import Server

_CLIENT = """
import json, sys
from gradio_client import Client, handle_file
url, endpoint, picture = sys.argv[1:]
client = Client(url, verbose=False)
try:
    answer = client.predict(handle_file(picture), api_name=endpoint)
except Exception as error:
    answer = {"raised": str(error)}
print(json.dumps(answer))
"""


def ask(
    server: Server, path: str = "/predict", picture: bytes | None = None, headers: dict[str, str] | None = None
) -> httpx.Response:
    """Send a picture, by default the example of a digit."""
    data = example("digit").read_bytes() if picture is None else picture
    return httpx.post(server.url + path, files={"file": ("imagen.png", data)}, headers=headers, timeout=60)


def the_same_answer(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Compare two answers apart from what differs in each request."""
    return {**one, "request_id": "", "elapsed_ms": 0} == {**other, "request_id": "", "elapsed_ms": 0}


def by_client(server: Server, task: str, picture: Path) -> dict[str, Any]:
    """Send a picture with Gradio's Python client, in a process as a script would. `raised` has an error's text."""
    command = [sys.executable, "-c", _CLIENT, server.url, f"/{task}", str(picture)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
