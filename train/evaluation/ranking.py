"""Ranking metrics: ROC AUC and average precision.

They equal scikit-learn's `roc_auc_score` and `average_precision_score`, ties included, and are much faster:
a bootstrap computes them a thousand times for each class. Both are NaN without positives or without negatives, which
happens in resamples of small sets.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
RankingMetric = Callable[[Scores, NDArray[np.bool_]], float]


def roc_auc(scores: Scores, positive: NDArray[np.bool_]) -> float:
    """Return the probability that a positive scores above a negative. Both arguments are `(N,)`."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return float("nan")
    ordered, selected = np.sort(scores), scores[positive]
    # The mean rank of equal scores; ranks are counted from 1.
    ranks = (np.searchsorted(ordered, selected) + np.searchsorted(ordered, selected, "right") + 1) / 2
    return float((ranks.mean() - (positives + 1) / 2) / negatives)


def average_precision(scores: Scores, positive: NDArray[np.bool_]) -> float:
    """Return the mean precision at the threshold of each positive. Both arguments are `(N,)`."""
    if not positive.any() or positive.all():
        return float("nan")
    thresholds = scores[positive]
    true_positives, selected = _at_or_above(thresholds, thresholds), _at_or_above(thresholds, scores)
    return float(np.mean(true_positives / selected))


def mean_one_vs_rest(metric: RankingMetric, probabilities: Scores, truth: NDArray[np.int64]) -> float:
    """Return the mean of a metric over the classes that occur, each against the rest; `probabilities` are `(N, K)`."""
    return float(np.mean([metric(probabilities[:, k], truth == k) for k in np.unique(truth)]))


def _at_or_above(thresholds: Scores, scores: Scores) -> NDArray[np.int64]:
    """Return the number of scores, `(N,)`, that are at or above each threshold, `(M,)`."""
    return len(scores) - np.searchsorted(np.sort(scores), thresholds)
