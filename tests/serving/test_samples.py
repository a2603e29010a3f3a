"""The pictures that each model is tried with before the server says that it is ready."""

from pathlib import Path

import pytest

from models.catalog import BUNDLED, TASKS
from models.loading import load_classifier
from models.prediction import Verdict
from serving.samples import trial_picture
from tests.helpers.server import Server

LABELS = {"pneumonia": "normal", "digit": "2", "flower": "daisy"}


@pytest.mark.parametrize("task", TASKS)
def test_a_real_picture_that_the_model_knows(task: str) -> None:
    picture = trial_picture(task)
    assert isinstance(picture, Path)
    prediction = load_classifier(BUNDLED / task, workers=1).classify(picture.read_bytes())
    assert prediction.verdict is not Verdict.REJECTED
    assert prediction.label == LABELS[task]


def test_a_task_without_pictures_gets_a_drawn_one() -> None:
    picture = trial_picture("mis-aves")
    assert isinstance(picture, bytes)
    assert load_classifier(BUNDLED / "digit", workers=1).classify(picture).label is not None


def test_the_server_is_ready_once_each_model_has_answered(server: Server) -> None:
    log = server.log.read_text()
    for task in TASKS:
        assert f"warm-up {task} confident" in log or f"warm-up {task} uncertain" in log
        assert f"warm-up {task} rejected" not in log
