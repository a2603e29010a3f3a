"""How well scores rank the positives above the rest, over all thresholds.

scikit-learn's `roc_auc_score` and `average_precision_score` to the last digit, ties included, and several times
faster: a bootstrap asks for them a thousand times a class. Both are NaN where there is no positive or no negative, as
happens in resamples of small sets.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Scores = NDArray[np.float64]
Ranking = Callable[[Scores, NDArray[np.bool_]], float]


def roc_auc(scores: Scores, positive: NDArray[np.bool_]) -> float:
    """The chance that a positive scores above a negative: `(N,)` scores, and which are positive."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return float("nan")
    ranks = rankdata(scores)[positive]
    return float((ranks.mean() - (positives + 1) / 2) / negatives)


def average_precision(scores: Scores, positive: NDArray[np.bool_]) -> float:
    """The precision at the threshold of each positive, averaged: `(N,)` scores, and which are positive."""
    if not positive.any() or positive.all():
        return float("nan")
    taken = rankdata(-scores, method="max")[positive]  # how many pictures a threshold at this positive takes
    found = rankdata(-scores[positive], method="max")  # how many of them are positive
    return float(np.mean(found / taken))


def one_against_rest(ranking: Ranking, probabilities: Scores, truth: NDArray[np.int64]) -> float:
    """The mean of a ranking over the classes that occur, each against all others; `probabilities` are `(N, K)`."""
    return float(np.mean([ranking(probabilities[:, k], truth == k) for k in np.unique(truth)]))
