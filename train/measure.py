"""What a classifier does on a split, measured through the path that serves: bytes in, `Prediction` out."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

from models.bundle import Measurement, Metric
from models.classifier import Classifier
from models.prediction import Prediction, Verdict
from train.data import targets
from train.pictures import Row, read_picture
from train.side_by_side import side_by_side

RESAMPLES = 1000
ECE_BINS = 15

Figure = Callable[[NDArray[np.int64]], float]  # a figure over the chosen pictures, given as indices


def measure(classifier: Classifier, task_dir: Path, rows: Sequence[Row]) -> Measurement:
    """Classify every row's picture and sum up, with 95 % intervals by bootstrap over the rows' groups.

    A rejected picture counts as a wrong answer, and is counted in `rejected` too.
    """
    labels = classifier.manifest.label_ids
    truth = targets(rows, labels)

    def answer(row: Row) -> Prediction:
        return classifier.classify(read_picture(task_dir, row.path))

    predictions = list(side_by_side(answer, rows, f"{classifier.task}: {len(rows)} pictures"))
    operating = classifier.manifest.thresholds.operating
    positive = None if operating is None else labels.index(operating.label)
    chosen = np.array([-1 if p.index is None else p.index for p in predictions])
    answered = chosen >= 0
    _, groups = np.unique([row.group for row in rows], return_inverse=True)
    return Measurement(
        n=len(rows),
        groups=int(groups.max()) + 1,
        metrics=_with_intervals(_figures(truth, chosen, predictions, positive), groups),
        confusion=confusion_matrix(truth[answered], chosen[answered], labels=range(len(labels))).tolist(),
        rejected=int(np.sum(~answered)),
        uncertain=sum(p.verdict is Verdict.UNCERTAIN for p in predictions),
    )


def expected_calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Mean distance between confidence and accuracy over equal-width bins (Guo et al. 2017, arXiv 1706.04599)."""
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    surplus = np.bincount(bins, weights=confidence - right, minlength=ECE_BINS)
    return float(np.abs(surplus).sum() / len(confidence))


def _figures(
    truth: NDArray[np.int64], chosen: NDArray[np.int64], predictions: Sequence[Prediction], positive: int | None
) -> dict[str, Figure]:
    probabilities = np.array([p.probabilities for p in predictions])  # (N, K)
    right = chosen == truth
    likeliest = probabilities.argmax(1)
    confidence = probabilities.max(1)
    figures: dict[str, Figure] = {
        "accuracy": lambda i: float(right[i].mean()),
        "balanced_accuracy": lambda i: float(np.mean([right[i][truth[i] == k].mean() for k in np.unique(truth[i])])),
        "log_loss": lambda i: float(-np.log(np.maximum(probabilities[i, truth[i]], 1e-12)).mean()),
        "ece": lambda i: expected_calibration_error(confidence[i], (likeliest == truth)[i]),
    }
    if positive is not None:
        sick, score = truth == positive, probabilities[:, positive]
        figures |= {
            "roc_auc": lambda i: float(roc_auc_score(sick[i], score[i])),
            "average_precision": lambda i: float(average_precision_score(sick[i], score[i])),
            "sensitivity": lambda i: float(right[i][sick[i]].mean()),
            "specificity": lambda i: float(right[i][~sick[i]].mean()),
        }
    return figures


def _with_intervals(figures: dict[str, Figure], groups: NDArray[np.int64]) -> dict[str, Metric]:
    """Each figure over all pictures, and between which values 95 % of its bootstrap resamples over groups lie."""
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
