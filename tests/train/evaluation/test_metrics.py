import dataclasses

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, classification_report, roc_auc_score

from models.classifier import softmax
from models.prediction import Prediction, Verdict
from train.evaluation.metrics import (
    bootstrap_metrics,
    class_metrics,
    expected_calibration_error,
    metric_functions,
    report_metric_functions,
    risk_coverage_curve,
)
from train.evaluation.predictions import Predictions
from train.manifest import Row


def answers(truth: list[int], predictions: list[Prediction], positive: int | None) -> Predictions:
    labels = predictions[0].labels
    rows = tuple(Row(f"test/{number}", labels[index], "test", str(number)) for number, index in enumerate(truth))
    return Predictions(labels, positive, 1.0, rows, np.array(truth), tuple(predictions))


def test_the_figures_are_those_of_the_textbook() -> None:
    truth = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    sick = [0.1, 0.2, 0.3, 0.9, 0.4, 0.8, 0.85, 0.95, 0.6, 0.7]
    predictions = [
        Prediction("pneumonia", ("normal", "pneumonia"), (1 - p, p), Verdict.CONFIDENT, int(p >= 0.5)) for p in sick
    ]
    found = metric_functions(answers(truth, predictions, positive=1))
    everything = np.arange(10)
    assert found["accuracy"](everything) == pytest.approx(8 / 10)
    assert found["sensitivity"](everything) == pytest.approx(5 / 6)
    assert found["specificity"](everything) == pytest.approx(3 / 4)
    assert found["balanced_accuracy"](everything) == pytest.approx((5 / 6 + 3 / 4) / 2)
    assert found["roc_auc"](everything) == pytest.approx(roc_auc_score(truth, sick))


def test_a_rejected_picture_is_a_wrong_answer() -> None:
    rejected = Prediction("digit", ("0", "1"), (0.9, 0.1), Verdict.REJECTED, None)
    right = Prediction("digit", ("0", "1"), (0.9, 0.1), Verdict.CONFIDENT, 0)
    found = metric_functions(answers([0, 0], [rejected, right], positive=None))
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
    grouped = bootstrap_metrics(accuracy, group_of)["accuracy"]
    single = bootstrap_metrics(accuracy, np.arange(1000))["accuracy"]
    assert grouped.value == single.value == pytest.approx(right.mean())
    assert grouped.low < grouped.value < grouped.high
    assert grouped.high - grouped.low > 3 * (single.high - single.low)


def three_labels() -> Predictions:
    """300 answers to three labels, some of them rejected."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 300)
    probabilities = random.dirichlet(np.ones(3), 300) * 0.7 + 0.3 * np.eye(3)[truth]
    predictions = [
        Prediction("t", ("a", "b", "c"), tuple(p), Verdict.REJECTED, None)
        if n % 20 == 0
        else Prediction("t", ("a", "b", "c"), tuple(p), Verdict.CONFIDENT, int(np.argmax(p)))
        for n, p in enumerate(probabilities)
    ]
    return answers(truth.tolist(), predictions, positive=None)


def test_brier_is_that_of_scikit_learn_for_two_labels_and_for_more() -> None:
    many = three_labels()
    expected = brier_score_loss(many.truth, many.probabilities, labels=[0, 1, 2])
    assert metric_functions(many)["brier"](np.arange(300)) == pytest.approx(expected)
    sick = [0.1, 0.9, 0.4]
    two = [Prediction("t", ("no", "yes"), (1 - p, p), Verdict.CONFIDENT, int(p >= 0.5)) for p in sick]
    found = metric_functions(answers([0, 1, 1], two, positive=1))["brier"](np.arange(3))
    assert found == pytest.approx(brier_score_loss([0, 1, 1], sick)) == pytest.approx((0.01 + 0.01 + 0.36) / 3)


def test_calibration_before_scaling_takes_the_temperature_out_again() -> None:
    logits = np.array([[2.0, 0.0], [0.5, 1.5], [-1.0, 3.0], [0.2, 0.1]])
    predictions = [
        Prediction("t", ("a", "b"), tuple(p), Verdict.CONFIDENT, int(np.argmax(p))) for p in softmax(logits / 2.5)
    ]
    scaled = dataclasses.replace(answers([0, 1, 0, 1], predictions, positive=None), temperature=2.5)
    np.testing.assert_allclose(scaled.uncalibrated, softmax(logits))
    raw = softmax(logits)
    expected = expected_calibration_error(raw.max(1), raw.argmax(1) == scaled.truth)
    found = metric_functions(scaled)
    assert found["ece_before"](np.arange(4)) == pytest.approx(expected)
    assert found["ece"](np.arange(4)) != pytest.approx(expected)


def test_rankings_of_many_labels_are_means_over_the_labels() -> None:
    many = three_labels()
    found = report_metric_functions(many)
    macro = roc_auc_score(many.truth, many.probabilities, multi_class="ovr")
    assert found["roc_auc"](np.arange(300)) == pytest.approx(macro)
    precision = average_precision_score(np.eye(3)[many.truth], many.probabilities)
    assert found["average_precision"](np.arange(300)) == pytest.approx(precision)


def test_risk_by_coverage_by_hand() -> None:
    risks = risk_coverage_curve(np.array([0.6, 0.9, 0.8, 0.7]), np.array([True, True, False, True]))
    np.testing.assert_allclose(risks, [0, 1 / 2, 1 / 3, 1 / 4])
    many = three_labels()
    assert report_metric_functions(many)["aurc"](np.arange(300)) == pytest.approx(
        risk_coverage_curve(many.confidence, many.predicted == many.truth).mean()
    )


def test_each_label_has_the_scores_of_the_classification_report() -> None:
    many = three_labels()
    report = classification_report(
        many.truth, many.predicted, labels=[0, 1, 2], target_names=["a", "b", "c"], output_dict=True, zero_division=0
    )
    for label, scores in class_metrics(many).items():
        for name, key in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            assert scores[name].value == pytest.approx(report[label][key], abs=1e-5)
            assert scores[name].low < scores[name].value < scores[name].high


def test_what_a_resample_or_all_pictures_lack_spoils_nothing() -> None:
    predictions = [Prediction("t", ("no", "yes"), (0.3, 0.7), Verdict.CONFIDENT, 1) for _ in range(4)]
    few = bootstrap_metrics(metric_functions(answers([0, 1, 1, 1], predictions, positive=1)), np.arange(4))
    assert few["specificity"].value == few["specificity"].low == few["specificity"].high == 0
    all_sick = bootstrap_metrics(metric_functions(answers([1, 1, 1, 1], predictions, positive=1)), np.arange(4))
    assert all_sick["sensitivity"].value == 1
    assert {"specificity", "roc_auc", "average_precision"}.isdisjoint(all_sick)
