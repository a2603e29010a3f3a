"""The example pictures of the page."""

import pytest

from models.catalog import BUNDLED, TASKS
from models.loading import load_classifier
from models.prediction import Verdict
from serving.samples import example_pictures


@pytest.mark.parametrize("task", TASKS)
def test_each_example_is_classified_and_not_rejected(task: str) -> None:
    classifier = load_classifier(BUNDLED / task, workers=1)
    pictures = example_pictures(task)
    assert pictures
    for picture in pictures:
        assert classifier.classify(picture.read_bytes()).verdict is not Verdict.REJECTED


def test_a_task_that_is_not_built_in_has_none() -> None:
    assert example_pictures("mis-aves") == []
