"""Metrics of a classifier on a split, with 95 % bootstrap intervals over patients or near-duplicate groups."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from models.bundle import Measurement, Metric
from models.prediction import Verdict
from train.evaluation.predictions import Predictions
from train.evaluation.ranking import average_precision, mean_one_vs_rest, roc_auc

RESAMPLES = 1000
ECE_BINS = 15

MetricFunction = Callable[[NDArray[np.int64]], float]  # indices of pictures (M,) → the metric over these pictures


def measure(predictions: Predictions) -> Measurement:
    """Return the metrics that a bundle records. A rejected picture counts as an error and also in `rejected`."""
    return Measurement(
        n=len(predictions.rows),
        groups=predictions.group_count,
        metrics=bootstrap_metrics(metric_functions(predictions), predictions.groups),
        confusion=confusion_matrix(predictions),
        rejected=int(np.sum(predictions.predicted < 0)),
        uncertain=sum(item.verdict is Verdict.UNCERTAIN for item in predictions.items),
    )


def confusion_matrix(predictions: Predictions) -> list[list[int]]:
    """Return the confusion matrix, `(K, K)`: true labels in rows, predicted labels in columns, rejections excluded."""
    accepted = predictions.predicted >= 0
    counts: list[list[int]] = sklearn_metrics.confusion_matrix(
        predictions.truth[accepted], predictions.predicted[accepted], labels=range(len(predictions.labels))
    ).tolist()
    return counts


def expected_calibration_error(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    """Return the mean distance of confidence and accuracy over equal-width bins (Guo et al. 2017, arXiv 1706.04599)."""
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    surplus = np.bincount(bins, weights=confidence - correct, minlength=ECE_BINS)
    return float(np.abs(surplus).sum() / len(confidence))


def metric_functions(predictions: Predictions) -> dict[str, MetricFunction]:
    """Return the metrics that a bundle records, by name, each as a function of picture indices."""
    truth, probabilities, positive = predictions.truth, predictions.probabilities, predictions.positive
    correct = predictions.predicted == truth
    squares = ((probabilities - np.eye(len(predictions.labels))[truth]) ** 2).sum(1)
    if len(predictions.labels) == 2:
        squares /= 2  # the usual definition for two labels counts one of them
    functions: dict[str, MetricFunction] = {
        "accuracy": lambda i: float(correct[i].mean()),
        "balanced_accuracy": lambda i: _mean_recall(truth[i], correct[i]),
        "log_loss": lambda i: float(-np.log(np.maximum(probabilities[i, truth[i]], 1e-12)).mean()),
        "brier": lambda i: float(squares[i].mean()),
        "ece": _calibration_error(probabilities, truth),
        "ece_before": _calibration_error(predictions.uncalibrated, truth),
    }
    if positive is not None:
        is_positive, scores = truth == positive, probabilities[:, positive]
        functions |= {
            "roc_auc": lambda i: roc_auc(scores[i], is_positive[i]),
            "average_precision": lambda i: average_precision(scores[i], is_positive[i]),
            "sensitivity": lambda i: _share(correct[i][is_positive[i]]),
            "specificity": lambda i: _share(correct[i][~is_positive[i]]),
        }
    return functions


def report_metric_functions(predictions: Predictions) -> dict[str, MetricFunction]:
    """Return the metrics of `metric_functions` and the slow ones, which a report has and a bundle does not."""
    truth, probabilities = predictions.truth, predictions.probabilities
    correct = predictions.predicted == truth
    functions = metric_functions(predictions)
    if predictions.positive is None:
        functions |= {
            "roc_auc": lambda i: mean_one_vs_rest(roc_auc, probabilities[i], truth[i]),
            "average_precision": lambda i: mean_one_vs_rest(average_precision, probabilities[i], truth[i]),
        }
    return functions | {"aurc": lambda i: float(risk_coverage_curve(predictions.confidence[i], correct[i]).mean())}


def risk_coverage_curve(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the error rate among the 1, 2, … N most confident predictions, `(N,)`. Its mean is the AURC.

    Risk-coverage curves: El-Yaniv and Wiener 2010 (JMLR 11). AURC: Geifman et al. 2019 (arXiv 1805.08206).
    """
    wrong = ~correct[np.argsort(-confidence, kind="stable")]
    return np.asarray(np.cumsum(wrong) / np.arange(1, len(wrong) + 1), dtype=np.float64)


def class_metrics(predictions: Predictions) -> dict[str, dict[str, Metric]]:
    """Return precision, recall and F1 of each label with 95 % intervals, as in scikit-learn's classification report.

    A rejected picture is a false negative of its label and no false positive of any other.
    """
    truth, predicted, count = predictions.truth, predictions.predicted, len(predictions.labels)

    # Not scikit-learn's own functions: they check their arguments, a thousand times for a bootstrap.
    def scores(indices: NDArray[np.int64]) -> NDArray[np.float64]:  # (3, K)
        true, said = truth[indices], predicted[indices]
        of_label, as_label = np.bincount(true, minlength=count), np.bincount(said[said >= 0], minlength=count)
        hits = np.bincount(true[said == true], minlength=count)
        return np.array([_divide(hits, as_label), _divide(hits, of_label), _divide(2 * hits, of_label + as_label)])

    low, high = np.percentile([scores(indices) for indices in _resamples(predictions.groups)], (2.5, 97.5), axis=0)
    value = scores(np.arange(len(predictions.truth)))
    return {
        label: {
            name: _metric(value[row, column], low[row, column], high[row, column])
            for row, name in enumerate(("precision", "recall", "f1"))
        }
        for column, label in enumerate(predictions.labels)
    }


def bootstrap_metrics(functions: Mapping[str, MetricFunction], groups: NDArray[np.int64]) -> dict[str, Metric]:
    """Return each metric over all pictures with its 95 % percentile interval, from a bootstrap over groups.

    `groups` is the group number of each picture, `(N,)`. A metric that is undefined for these pictures (sensitivity
    without positives) is omitted; resamples where it is undefined are ignored.
    """
    all_pictures = np.arange(len(groups))
    resamples = _resamples(groups)
    metrics = {}
    for name, function in functions.items():
        value = function(all_pictures)
        if np.isnan(value):
            continue
        low, high = np.nanpercentile([function(resample) for resample in resamples], (2.5, 97.5))
        metrics[name] = _metric(value, low, high)
    return metrics


def _resamples(groups: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Draw as many groups as there are, with replacement, RESAMPLES times; return the picture indices of each draw."""
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1])
    random = np.random.default_rng(0)
    return [
        np.concatenate([members[g] for g in random.integers(len(members), size=len(members))]) for _ in range(RESAMPLES)
    ]


def _metric(value: float, low: float, high: float) -> Metric:
    return Metric(value=round(float(value), 5), low=round(float(low), 5), high=round(float(high), 5))


def _calibration_error(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> MetricFunction:
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == truth
    return lambda i: expected_calibration_error(confidence[i], correct[i])


def _mean_recall(truth: NDArray[np.int64], correct: NDArray[np.bool_]) -> float:
    """Return the mean, over the labels that occur, of the share of correct predictions. Both are `(N,)`."""
    counts = np.bincount(truth)
    present = counts > 0
    return float(np.mean(np.bincount(truth[correct], minlength=len(counts))[present] / counts[present]))


def _divide(numerator: NDArray[np.int64], denominator: NDArray[np.int64]) -> NDArray[np.float64]:
    """Divide element by element; 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator > 0)


def _share(correct: NDArray[np.bool_]) -> float:
    return float(correct.mean()) if correct.size else float("nan")
