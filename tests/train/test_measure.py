import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.prediction import Prediction, Verdict
from train.answers import Answers
from train.measure import expected_calibration_error, figures, with_intervals
from train.pictures import Row


def answers(truth: list[int], predictions: list[Prediction], positive: int | None) -> Answers:
    labels = predictions[0].labels
    rows = tuple(Row(f"test/{number}", labels[index], "test", str(number)) for number, index in enumerate(truth))
    return Answers(labels, positive, 1.0, rows, np.array(truth), tuple(predictions))


def test_the_figures_are_those_of_the_textbook() -> None:
    truth = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    sick = [0.1, 0.2, 0.3, 0.9, 0.4, 0.8, 0.85, 0.95, 0.6, 0.7]
    predictions = [
        Prediction("pneumonia", ("normal", "pneumonia"), (1 - p, p), Verdict.CONFIDENT, int(p >= 0.5)) for p in sick
    ]
    found = figures(answers(truth, predictions, positive=1))
    everything = np.arange(10)
    assert found["accuracy"](everything) == pytest.approx(8 / 10)
    assert found["sensitivity"](everything) == pytest.approx(5 / 6)
    assert found["specificity"](everything) == pytest.approx(3 / 4)
    assert found["balanced_accuracy"](everything) == pytest.approx((5 / 6 + 3 / 4) / 2)
    assert found["roc_auc"](everything) == pytest.approx(roc_auc_score(truth, sick))


def test_a_rejected_picture_is_a_wrong_answer() -> None:
    rejected = Prediction("digit", ("0", "1"), (0.9, 0.1), Verdict.REJECTED, None)
    right = Prediction("digit", ("0", "1"), (0.9, 0.1), Verdict.CONFIDENT, 0)
    found = figures(answers([0, 0], [rejected, right], positive=None))
    assert found["accuracy"](np.arange(2)) == 0.5


def test_calibration_error() -> None:
    right = np.array([True] * 8 + [False] * 2)
    assert expected_calibration_error(np.full(10, 0.8), right) == pytest.approx(0)
    assert expected_calibration_error(np.full(10, 1.0), right) == pytest.approx(0.2)


def test_intervals_are_wider_when_pictures_come_in_groups() -> None:
    random = np.random.default_rng(0)
    group_of = np.repeat(np.arange(40), 25)
    right = np.repeat(random.uniform(size=40) < 0.7, 25)  # a group is all right or all wrong
    accuracy = {"accuracy": lambda chosen: float(right[chosen].mean())}
    grouped = with_intervals(accuracy, group_of)["accuracy"]
    single = with_intervals(accuracy, np.arange(1000))["accuracy"]
    assert grouped.value == single.value == pytest.approx(right.mean())
    assert grouped.low < grouped.value < grouped.high
    assert grouped.high - grouped.low > 3 * (single.high - single.low)
