"""What turns logits into an answer that can be relied on: temperature, thresholds, rejection. Fitted on validation."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import minimize_scalar
from sklearn.decomposition import PCA

from models.bundle import OperatingPoint, Rejection, Thresholds
from models.classifier import softmax
from models.ood import FeatureSpace, pack, unit
from train.recipe import Recipe

COMPONENTS = 64
NOTHING_REJECTED = 1e9  # a threshold that no score reaches; JSON has no infinity
SMALLEST_SCALE = 1e-3  # features that never vary would divide by nothing; float16 keeps this


def fit_temperature(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """The temperature with the lowest log loss (Guo et al. 2017, arXiv 1706.04599); `logits` are (N, K).

    Counted as if one picture more had been wrong: of a dozen that are all right the plain loss would conclude that
    the network never errs. It is what Platt (1999) does to the targets; of thousands it is one in thousands.
    """
    count, labels = logits.shape
    wrong = 1 / (count + 2)
    targets = np.full((count, labels), wrong / (labels - 1))
    targets[np.arange(count), truth] = 1 - wrong

    def log_loss(log_temperature: float) -> float:
        probabilities = softmax(logits / np.exp(log_temperature))
        return float(-(targets * np.log(np.maximum(probabilities, 1e-12))).sum(1).mean())

    return float(np.exp(minimize_scalar(log_loss, bounds=(np.log(0.1), np.log(10)), method="bounded").x))


def fit_thresholds(probabilities: NDArray[np.float64], truth: NDArray[np.int64], recipe: Recipe) -> Thresholds:
    """The recipe's `confident` level and, where it names a positive label, the threshold for its sensitivity.

    `probabilities` are (S, N, K): the N validation pictures as they are and, where there are such, altered. The
    sensitivity is reached on each of the S.

    A network that was trained on clutter is unsure of what is none of its labels: there, the share of the validation
    pictures that the recipe keeps says how unsure is too unsure.
    """
    unsure = float(np.quantile(probabilities.max(-1), 1 - recipe.target_retention)) if recipe.outlier_exposure else 0.0
    if recipe.positive_label is None:
        return Thresholds(confident=recipe.min_confidence, rejected=unsure)
    positive = list(recipe.labels).index(recipe.positive_label)
    sick = np.sort(probabilities[:, truth == positive, positive], axis=1)  # (S, n)
    missed = int((1 - recipe.target_sensitivity) * sick.shape[1])  # so many may fall below
    threshold = float(np.floor(sick[:, missed].min() * 1e4) / 1e4)
    operating = OperatingPoint(label=recipe.positive_label, probability=threshold)
    return Thresholds(confident=recipe.min_confidence, rejected=unsure, operating=operating)


def fit_rejection(train_features: NDArray[np.float32], val_features: NDArray[np.float32], recipe: Recipe) -> Rejection:
    """Sum up the training features, (N, D), and set the threshold that keeps the recipe's share of validation."""
    train_features = unit(train_features)
    pca = PCA(min(COMPONENTS, min(train_features.shape) // 2), random_state=0).fit(train_features)
    centred = train_features - pca.mean_
    left_out = centred - (centred @ pca.components_.T) @ pca.components_
    unfinished = Rejection(
        mean=pack(pca.mean_),
        components=pack(pca.components_),
        scale=pack(np.sqrt(pca.explained_variance_) + SMALLEST_SCALE),
        residual_scale=float(np.sqrt(np.mean(np.sum(left_out**2, axis=1)))) + SMALLEST_SCALE,
        threshold=float("inf"),
    )
    space = FeatureSpace.of(unfinished)  # with the rounding to float16 that serving will see
    scores = np.array([space.score(features) for features in val_features])
    return unfinished.model_copy(update={"threshold": _limit(scores, recipe.target_retention)})


def _limit(scores: NDArray[np.float64], keep: float) -> float:
    """The score below which a share `keep` of the pictures to come is expected.

    Where that share leaves out less than one of the pictures at hand, their quantile is hardly more than the greatest
    score that chance has shown: then the prediction limit of a log-normal distribution, if it is greater. Of one
    picture nothing follows, so nothing is rejected.
    """
    count, quantile = len(scores), float(np.quantile(scores, keep))
    if count * (1 - keep) >= 1:
        return quantile
    if count == 1:
        return NOTHING_REJECTED
    logs = np.log(np.maximum(scores, 1e-6))
    reach = stats.t.ppf(keep, count - 1) * logs.std(ddof=1) * np.sqrt(1 + 1 / count)
    return max(quantile, float(np.exp(min(logs.mean() + reach, np.log(NOTHING_REJECTED)))))
