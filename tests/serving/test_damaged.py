"""Damaged bundles: named at start, refused by name, and no trouble for the others."""

import httpx

from tests.helpers.http import ask
from tests.helpers.project import example
from tests.helpers.server import Server


def test_each_is_named_at_start_with_its_reason(damaged: Server) -> None:
    lines = [line for line in damaged.log.read_text().splitlines() if line.startswith("Warning:")]
    assert [line.split()[1] for line in lines] == ["flower", "incomplete", "newer"]
    assert "SHA-256" in lines[0]
    assert "missing" in lines[1]
    assert "schema version 99" in lines[2]
    assert "Traceback" not in damaged.log.read_text()


def test_the_others_are_served(damaged: Server) -> None:
    for task in ("digit", "pneumonia"):
        assert ask(damaged, f"/predict/{task}", example(task).read_bytes()).status_code == 200
    fourth = ask(damaged, "/predict/fourth", example("digit").read_bytes()).json()
    assert fourth["task"] == "fourth"
    assert fourth["label"] == ask(damaged).json()["label"]


def test_asking_for_it_is_503(damaged: Server) -> None:
    refused = ask(damaged, "/predict/flower", example("flower").read_bytes())
    assert (refused.status_code, refused.json()["code"]) == (503, "model_not_loaded")
    assert "flower" in refused.json()["error"]


def test_the_list_says_so_without_our_paths(damaged: Server) -> None:
    model = httpx.get(f"{damaged.url}/models/flower").json()
    assert (model["available"], model["source"], model["version"]) == (False, "local", None)
    assert "flower" in model["error"]
    assert "/" not in model["error"]


def test_the_server_is_ready_and_says_what_is_missing(damaged: Server) -> None:
    ready = httpx.get(f"{damaged.url}/health/ready")
    assert ready.status_code == 200
    assert ready.json()["ready"] == ["pneumonia", "digit", "fourth"]
    assert ready.json()["unavailable"] == ["flower", "incomplete", "newer"]
