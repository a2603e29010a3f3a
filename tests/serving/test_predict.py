"""The contract of the answers, over real HTTP."""

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.helpers.http import ask, the_same_answer
from tests.helpers.project import example
from tests.helpers.server import Server

FIELDS = {
    "class", "label", "confidence", "probabilities", "labels", "top", "verdict", "task", "model", "request_id",
    "elapsed_ms", "reason", "message",
}  # fmt: skip


@pytest.mark.parametrize("task", ["digit", "flower", "pneumonia"])
def test_the_json_of_the_contract(server: Server, task: str) -> None:
    response = ask(server, f"/predict/{task}", example(task).read_bytes())
    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == FIELDS | ({"disclaimer"} if task == "pneumonia" else set())
    assert answer["task"] == task
    assert answer["label"] == answer["labels"][answer["class"]]
    assert answer["confidence"] == answer["probabilities"][answer["class"]]
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-4)
    ranked = sorted(answer["probabilities"], reverse=True)[:3]
    assert [guess["confidence"] for guess in answer["top"]] == ranked
    assert answer["verdict"] in ("confident", "uncertain")
    assert set(answer["model"]) == {"version", "revision", "engine"}
    assert answer["model"]["engine"] == "litert"
    assert answer["elapsed_ms"] > 0


def test_without_a_task_the_digits_answer(server: Server) -> None:
    assert the_same_answer(ask(server).json(), ask(server, "/predict/digit").json())


def test_a_rejected_picture_has_no_label_but_probabilities(server: Server) -> None:
    blank = io.BytesIO()
    Image.new("L", (200, 200), 255).save(blank, "PNG")
    answer = ask(server, picture=blank.getvalue()).json()
    assert (answer["verdict"], answer["reason"]) == ("rejected", "blank")
    assert (answer["class"], answer["label"], answer["confidence"]) == (None, None, 0)
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-4)


def test_messages_follow_the_language(server: Server) -> None:
    spanish = ask(server, "/predict/pneumonia", example("pneumonia").read_bytes()).json()
    english = ask(
        server, "/predict/pneumonia", example("pneumonia").read_bytes(), {"Accept-Language": "en-GB,en;q=0.9"}
    ).json()
    assert "diagnóstico" in spanish["disclaimer"]
    assert "diagnosis" in english["disclaimer"]
    assert spanish["message"] != english["message"]
    assert spanish["label"] == english["label"]


@pytest.mark.parametrize("task", ["flower", "pneumonia"])
def test_explain_adds_a_heat_map(server: Server, task: str) -> None:
    answer = ask(server, f"/predict/{task}?explain=true", example(task).read_bytes()).json()
    head, _, encoded = answer["heat_map"].partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as heat_map:
        assert heat_map.mode == "RGB"
        red, green, blue = (np.asarray(channel) for channel in heat_map.split())
    assert (red != green).any() or (green != blue).any()


def test_a_picture_that_was_not_looked_at_has_no_heat_map(server: Server) -> None:
    blank = io.BytesIO()
    Image.new("L", (200, 200), 255).save(blank, "PNG")
    assert ask(server, "/predict?explain=true", blank.getvalue()).json()["heat_map"] is None


def test_the_request_id_is_ours_unless_the_caller_sends_a_sane_one(server: Server) -> None:
    answered = ask(server, headers={"X-Request-ID": "job-17.a_b"})
    assert answered.json()["request_id"] == answered.headers["X-Request-ID"] == "job-17.a_b"
    assert "job-17.a_b" in server.log.read_text()

    for foul in ("a b", "x" * 65, "<script>"):
        replaced = ask(server, headers={"X-Request-ID": foul})
        assert replaced.json()["request_id"] == replaced.headers["X-Request-ID"] != foul


def test_many_at_once_answer_as_one_alone(server: Server) -> None:
    tasks = ["digit", "flower", "pneumonia"] * 6
    alone = {task: ask(server, f"/predict/{task}", example(task).read_bytes()).json() for task in set(tasks)}
    with ThreadPoolExecutor(len(tasks)) as pool:
        answers = pool.map(lambda task: ask(server, f"/predict/{task}", example(task).read_bytes()).json(), tasks)
    assert all(the_same_answer(answer, alone[task]) for task, answer in zip(tasks, answers, strict=True))


def test_another_default_task(start_server: Any) -> None:
    other = start_server("--task", "flower")
    assert ask(other, picture=example("flower").read_bytes()).json()["task"] == "flower"
    assert httpx.get(f"{other.url}/models").json()["default"] == "flower"
