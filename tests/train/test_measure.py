import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.prediction import Prediction, Verdict
from train.measure import _figures, _with_intervals, expected_calibration_error


def predictions(sick: list[float], threshold: float) -> list[Prediction]:
    return [
        Prediction("pneumonia", ("normal", "pneumonia"), (1 - p, p), Verdict.CONFIDENT, int(p >= threshold))
        for p in sick
    ]


def test_the_figures_are_those_of_the_textbook() -> None:
    truth = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    sick = [0.1, 0.2, 0.3, 0.9, 0.4, 0.8, 0.85, 0.95, 0.6, 0.7]
    answers = predictions(sick, 0.5)
    chosen = np.array([p.index for p in answers])
    figures = _figures(truth, chosen, answers, positive=1)
    everything = np.arange(10)
    assert figures["accuracy"](everything) == pytest.approx(8 / 10)
    assert figures["sensitivity"](everything) == pytest.approx(5 / 6)
    assert figures["specificity"](everything) == pytest.approx(3 / 4)
    assert figures["balanced_accuracy"](everything) == pytest.approx((5 / 6 + 3 / 4) / 2)
    assert figures["roc_auc"](everything) == pytest.approx(roc_auc_score(truth, sick))


def test_a_rejected_picture_is_a_wrong_answer() -> None:
    rejected = Prediction("digit", ("0", "1"), (0.9, 0.1), Verdict.REJECTED, None)
    right = Prediction("digit", ("0", "1"), (0.9, 0.1), Verdict.CONFIDENT, 0)
    figures = _figures(np.array([0, 0]), np.array([-1, 0]), [rejected, right], positive=None)
    assert figures["accuracy"](np.arange(2)) == 0.5


def test_calibration_error() -> None:
    right = np.array([True] * 8 + [False] * 2)
    assert expected_calibration_error(np.full(10, 0.8), right) == pytest.approx(0)
    assert expected_calibration_error(np.full(10, 1.0), right) == pytest.approx(0.2)


def test_intervals_are_wider_when_pictures_come_in_groups() -> None:
    random = np.random.default_rng(0)
    group_of = np.repeat(np.arange(40), 25)
    right = np.repeat(random.uniform(size=40) < 0.7, 25)  # a group is all right or all wrong
    figures = {"accuracy": lambda chosen: float(right[chosen].mean())}
    grouped = _with_intervals(figures, group_of)["accuracy"]
    single = _with_intervals(figures, np.arange(1000))["accuracy"]
    assert grouped.value == single.value == pytest.approx(right.mean())
    assert grouped.low < grouped.value < grouped.high
    assert grouped.high - grouped.low > 3 * (single.high - single.low)
