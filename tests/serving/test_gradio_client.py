"""Gradio's Python client, in a process of its own, as a person's script would use it."""

import json
from pathlib import Path

import httpx
import pytest

from tests.helpers.http import ask, by_client, the_same_answer
from tests.helpers.project import example
from tests.helpers.server import Server


@pytest.mark.parametrize("task", ["digit", "flower", "pneumonia"])
def test_the_answer_is_that_of_the_api(server: Server, task: str) -> None:
    picture = example(task)
    answer = by_client(server, task, picture)
    assert the_same_answer(answer, ask(server, f"/predict/{task}", picture.read_bytes()).json())


def test_a_bad_picture_is_a_sentence(server: Server, tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    raised = by_client(server, "digit", text)["raised"]
    assert raised.startswith("El archivo no es una imagen")
    assert "Traceback" not in server.log.read_text()


def test_too_large_a_file_is_refused(server: Server, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(bytes(20_000_001))
    assert "20 MB" in by_client(server, "digit", large)["raised"]
    large.write_bytes(bytes(21_000_000))
    assert "413" in by_client(server, "digit", large)["raised"]


def test_nothing_else_is_offered(server: Server) -> None:
    info = httpx.get(f"{server.url}/gradio_api/info", timeout=60).json()
    assert set(info["named_endpoints"]) == {"/pneumonia", "/digit", "/flower"}
    assert info["unnamed_endpoints"] == {}


def called(server: Server, path: str) -> str:
    """Call `/digit` by plain HTTP with a file reference of our own making; the last event."""
    data = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
    event = httpx.post(f"{server.url}/gradio_api/call/digit", json=data, timeout=60).json()["event_id"]
    return httpx.get(f"{server.url}/gradio_api/call/digit/{event}", timeout=60).text


def test_it_reads_no_files_of_the_server(server: Server) -> None:
    picture = example("digit").resolve()
    events = called(server, str(picture))
    assert "event: error" in events
    assert "confidence" not in events


def test_it_fetches_nothing_for_a_stranger(server: Server) -> None:
    events = called(server, "http://198.51.100.1/picture.png")
    assert "event: error" in events
    assert "no descarga" in json.loads(events[events.index("data:") + 5 :])["error"]
