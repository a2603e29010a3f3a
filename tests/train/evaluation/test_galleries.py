import numpy as np

from models.prediction import Prediction, Verdict
from train.evaluation.galleries import GALLERY_SIZE, select_galleries
from train.evaluation.predictions import Predictions
from train.manifest import Row


def answers(right: list[float], wrong: list[float], rejected: int = 0) -> Predictions:
    """Pictures of class 0: those answered right, wrong with these confidences, and those rejected, in this order."""
    predictions = [
        *(Prediction("t", ("a", "b"), (p, 1 - p), Verdict.CONFIDENT, 0) for p in right),
        *(Prediction("t", ("a", "b"), (1 - p, p), Verdict.CONFIDENT, 1) for p in wrong),
        *(Prediction("t", ("a", "b"), (0.5, 0.5), Verdict.REJECTED, None) for _ in range(rejected)),
    ]
    rows = tuple(Row(f"{n:03}", "a", "val", str(n)) for n in range(len(predictions)))
    return Predictions(("a", "b"), None, 1.0, rows, np.zeros(len(rows), np.int64), tuple(predictions))


def test_the_boldest_mistakes_and_the_least_sure_answers_come_first() -> None:
    found = select_galleries(answers(right=[0.9, 0.55, 0.99], wrong=[0.6, 0.95, 0.7], rejected=1))
    assert found["Most confident wrong"] == [4, 5, 3], "a rejected picture was not answered"
    assert found["Least confident"] == [1, 3, 5, 0, 4, 2]
    assert found["Correct"] == [0, 1, 2]
    assert found["Wrong"] == [3, 4, 5, 6]


def test_of_many_a_few_are_shown_the_same_each_time() -> None:
    many = answers(right=[0.9] * 100, wrong=[0.5 + n / 250 for n in range(100)])
    found = select_galleries(many)
    assert all(len(chosen) == GALLERY_SIZE for chosen in found.values())
    assert found["Most confident wrong"] == list(range(199, 199 - GALLERY_SIZE, -1))
    assert max(found["Correct"]) > 2 * GALLERY_SIZE, "not just the first ones"
    assert select_galleries(many) == found


def test_without_mistakes_the_gallery_is_empty() -> None:
    found = select_galleries(answers(right=[0.9], wrong=[]))
    assert found["Wrong"] == found["Most confident wrong"] == []
