"""Figures of a classifier on a split, with 95 % intervals by bootstrap over patients or near-duplicates."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from models.bundle import Measurement, Metric
from models.prediction import Verdict
from train.evaluation.predictions import Predictions
from train.evaluation.ranking import average_precision, one_against_rest, roc_auc

RESAMPLES = 1000
ECE_BINS = 15

Figure = Callable[[NDArray[np.int64]], float]  # a figure over the chosen pictures, given as indices


def measure(answers: Predictions) -> Measurement:
    """Sum up the answers. A rejected picture counts as a wrong answer, and is counted in `rejected` too."""
    return Measurement(
        n=len(answers.rows),
        groups=answers.group_count,
        metrics=with_intervals(figures(answers), answers.groups),
        confusion=confusion(answers),
        rejected=int(np.sum(answers.chosen < 0)),
        uncertain=sum(p.verdict is Verdict.UNCERTAIN for p in answers.predictions),
    )


def confusion(answers: Predictions) -> list[list[int]]:
    """How many pictures of each label (rows) were answered with each label (columns); rejected ones are left out."""
    answered = answers.chosen >= 0
    counts: list[list[int]] = confusion_matrix(
        answers.truth[answered], answers.chosen[answered], labels=range(len(answers.labels))
    ).tolist()
    return counts


def expected_calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Mean distance between confidence and accuracy over equal-width bins (Guo et al. 2017, arXiv 1706.04599)."""
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    surplus = np.bincount(bins, weights=confidence - right, minlength=ECE_BINS)
    return float(np.abs(surplus).sum() / len(confidence))


def figures(answers: Predictions) -> dict[str, Figure]:
    """The figures that a bundle records, each as a function of which pictures to take."""
    truth, probabilities, positive = answers.truth, answers.probabilities, answers.positive
    right = answers.chosen == truth
    squares = ((probabilities - np.eye(len(answers.labels))[truth]) ** 2).sum(1)
    if len(answers.labels) == 2:
        squares /= 2  # as is usual: of two labels, one is counted
    named: dict[str, Figure] = {
        "accuracy": lambda i: float(right[i].mean()),
        "balanced_accuracy": lambda i: float(np.mean([right[i][truth[i] == k].mean() for k in np.unique(truth[i])])),
        "log_loss": lambda i: float(-np.log(np.maximum(probabilities[i, truth[i]], 1e-12)).mean()),
        "brier": lambda i: float(squares[i].mean()),
        "ece": _calibration_error(probabilities, truth),
        "ece_before": _calibration_error(answers.uncalibrated, truth),
    }
    if positive is not None:
        sick, score = truth == positive, probabilities[:, positive]
        named |= {
            "roc_auc": lambda i: roc_auc(score[i], sick[i]),
            "average_precision": lambda i: average_precision(score[i], sick[i]),
            "sensitivity": lambda i: _share(right[i][sick[i]]),
            "specificity": lambda i: _share(right[i][~sick[i]]),
        }
    return named


def all_figures(answers: Predictions) -> dict[str, Figure]:
    """The figures of `figures`, and those that take their time: a report has them, a bundle does not."""
    truth, probabilities = answers.truth, answers.probabilities
    right = answers.chosen == truth
    rankings: dict[str, Figure] = {
        "roc_auc": lambda i: one_against_rest(roc_auc, probabilities[i], truth[i]),
        "average_precision": lambda i: one_against_rest(average_precision, probabilities[i], truth[i]),
    }
    slow: dict[str, Figure] = {"aurc": lambda i: float(risk_by_coverage(answers.confidence[i], right[i]).mean())}
    return figures(answers) | ({} if answers.positive is not None else rankings) | slow


def risk_by_coverage(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The share of wrong answers among the 1, 2, … N most confident ones, `(N,)`; their mean is the AURC.

    Risk-coverage curves: El-Yaniv and Wiener 2010 (JMLR 11); AURC: Geifman et al. 2019 (arXiv 1805.08206).
    """
    wrong = ~right[np.argsort(-confidence, kind="stable")]
    return np.asarray(np.cumsum(wrong) / np.arange(1, len(wrong) + 1), dtype=np.float64)


def per_class(answers: Predictions) -> dict[str, dict[str, Metric]]:
    """Precision, recall and F1 of each label with their intervals: scikit-learn's classification report.

    A rejected picture is a miss for its label and no false alarm for any other.
    """

    def scores(chosen: NDArray[np.int64]) -> NDArray[np.float64]:  # (3, K)
        found = precision_recall_fscore_support(
            answers.truth[chosen], answers.chosen[chosen], labels=range(len(answers.labels)), zero_division=0
        )
        return np.array(found[:3])

    low, high = np.percentile([scores(chosen) for chosen in _resamples(answers.groups)], (2.5, 97.5), axis=0)
    value = scores(np.arange(len(answers.truth)))
    return {
        label: {
            name: _metric(value[row, column], low[row, column], high[row, column])
            for row, name in enumerate(("precision", "recall", "f1"))
        }
        for column, label in enumerate(answers.labels)
    }


def with_intervals(figures: dict[str, Figure], groups: NDArray[np.int64]) -> dict[str, Metric]:
    """Each figure over all pictures, and between which values 95 % of its bootstrap resamples over groups lie.

    `groups` is the number of each picture's group, `(N,)`. A figure that these pictures do not have (a sensitivity
    where no one is sick) is left out; resamples that do not have it do not count.
    """
    everything = np.arange(len(groups))
    resamples = _resamples(groups)
    measured = {}
    for name, figure in figures.items():
        value = figure(everything)
        if np.isnan(value):
            continue
        low, high = np.nanpercentile([figure(resample) for resample in resamples], (2.5, 97.5))
        measured[name] = _metric(value, low, high)
    return measured


def _resamples(groups: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """For each resample the pictures of as many groups as there are, drawn with replacement."""
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1])
    random = np.random.default_rng(0)
    return [
        np.concatenate([members[g] for g in random.integers(len(members), size=len(members))]) for _ in range(RESAMPLES)
    ]


def _metric(value: float, low: float, high: float) -> Metric:
    return Metric(value=round(float(value), 5), low=round(float(low), 5), high=round(float(high), 5))


def _calibration_error(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> Figure:
    confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
    return lambda i: expected_calibration_error(confidence[i], right[i])


def _share(right: NDArray[np.bool_]) -> float:
    return float(right.mean()) if right.size else float("nan")
