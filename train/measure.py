"""Figures of a classifier on a split, with 95 % intervals by bootstrap over patients or near-duplicates."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

from models.bundle import Measurement, Metric
from models.prediction import Verdict
from train.answers import Answers

RESAMPLES = 1000
ECE_BINS = 15

Figure = Callable[[NDArray[np.int64]], float]  # a figure over the chosen pictures, given as indices


def measure(answers: Answers) -> Measurement:
    """Sum up the answers. A rejected picture counts as a wrong answer, and is counted in `rejected` too."""
    answered = answers.chosen >= 0
    return Measurement(
        n=len(answers.rows),
        groups=int(answers.groups.max()) + 1,
        metrics=with_intervals(figures(answers), answers.groups),
        confusion=confusion_matrix(
            answers.truth[answered], answers.chosen[answered], labels=range(len(answers.labels))
        ).tolist(),
        rejected=int(np.sum(~answered)),
        uncertain=sum(p.verdict is Verdict.UNCERTAIN for p in answers.predictions),
    )


def expected_calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Mean distance between confidence and accuracy over equal-width bins (Guo et al. 2017, arXiv 1706.04599)."""
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    surplus = np.bincount(bins, weights=confidence - right, minlength=ECE_BINS)
    return float(np.abs(surplus).sum() / len(confidence))


def figures(answers: Answers) -> dict[str, Figure]:
    """The figures that a bundle records, each as a function of which pictures to take."""
    truth, probabilities, positive = answers.truth, answers.probabilities, answers.positive
    right = answers.chosen == truth
    likeliest = probabilities.argmax(1)
    confidence = probabilities.max(1)
    named: dict[str, Figure] = {
        "accuracy": lambda i: float(right[i].mean()),
        "balanced_accuracy": lambda i: float(np.mean([right[i][truth[i] == k].mean() for k in np.unique(truth[i])])),
        "log_loss": lambda i: float(-np.log(np.maximum(probabilities[i, truth[i]], 1e-12)).mean()),
        "ece": lambda i: expected_calibration_error(confidence[i], (likeliest == truth)[i]),
    }
    if positive is not None:
        sick, score = truth == positive, probabilities[:, positive]
        named |= {
            "roc_auc": lambda i: float(roc_auc_score(sick[i], score[i])),
            "average_precision": lambda i: float(average_precision_score(sick[i], score[i])),
            "sensitivity": lambda i: float(right[i][sick[i]].mean()),
            "specificity": lambda i: float(right[i][~sick[i]].mean()),
        }
    return named


def with_intervals(figures: dict[str, Figure], groups: NDArray[np.int64]) -> dict[str, Metric]:
    """Each figure over all pictures, and between which values 95 % of its bootstrap resamples over groups lie.

    `groups` is the number of each picture's group, `(N,)`.
    """
    everything = np.arange(len(groups))
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1])
    random = np.random.default_rng(0)
    resamples = [
        np.concatenate([members[g] for g in random.integers(len(members), size=len(members))]) for _ in range(RESAMPLES)
    ]
    measured = {}
    for name, figure in figures.items():
        low, high = np.percentile([figure(resample) for resample in resamples], (2.5, 97.5))
        measured[name] = Metric(
            value=round(figure(everything), 5), low=round(float(low), 5), high=round(float(high), 5)
        )
    return measured
