"""Fit the calibration of a network on the validation pictures: temperature, thresholds and OOD detection."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import minimize_scalar
from sklearn.decomposition import PCA

from models.arrays import pack
from models.bundle import OperatingPoint, Rejection, Thresholds
from models.classifier import softmax
from models.ood import FeatureSpace, to_unit_length
from train.recipe import Recipe

PCA_COMPONENTS = 64
NO_REJECTION = 1e9  # an OOD threshold that no score reaches; JSON has no infinity
MIN_SCALE = 1e-3  # avoids a division by zero for constant features; large enough for float16


def fit_temperature(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """Return the temperature with the lowest log loss (Guo et al. 2017, arXiv 1706.04599).

    `logits` are (N, K), `truth` are (N,) label indices. The targets are smoothed as in Platt (1999), as if one more
    picture had been misclassified: with a dozen pictures that are all correct, the unsmoothed loss would lead to a
    temperature close to 0. With thousands of pictures, the smoothing has almost no effect.
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
    """Return the thresholds for the verdicts and, if the recipe has a positive label, the operating point.

    `probabilities` are (S, N, K): S copies of the N validation pictures, the first unchanged and the others corrupted.
    `truth` are (N,) label indices. The operating point reaches the recipe's sensitivity on each of the S copies.

    A network trained with outlier exposure gives low probabilities to OOD pictures. For such a network, `rejected` is
    the probability that the recipe's share of the validation pictures reaches; for other networks it is 0.
    """
    rejected = (
        float(np.quantile(probabilities.max(-1), 1 - recipe.target_retention)) if recipe.outlier_exposure else 0.0
    )
    if recipe.positive_label is None:
        return Thresholds(confident=recipe.min_confidence, rejected=rejected)
    label = list(recipe.labels).index(recipe.positive_label)
    positives = np.sort(probabilities[:, truth == label, label], axis=1)  # (S, n)
    allowed_misses = int((1 - recipe.target_sensitivity) * positives.shape[1])
    threshold = float(np.floor(positives[:, allowed_misses].min() * 1e4) / 1e4)
    operating = OperatingPoint(label=recipe.positive_label, probability=threshold)
    return Thresholds(confident=recipe.min_confidence, rejected=rejected, operating=operating)


def fit_rejection(train_features: NDArray[np.float32], val_features: NDArray[np.float32], recipe: Recipe) -> Rejection:
    """Return the statistics and the threshold of OOD detection (`models.ood`).

    The statistics come from the training features (N, D). The threshold accepts the recipe's share of the validation
    features (M, D).
    """
    train_features = to_unit_length(train_features)
    pca = PCA(min(PCA_COMPONENTS, min(train_features.shape) // 2), random_state=0).fit(train_features)
    centred = train_features - pca.mean_
    residuals = centred - (centred @ pca.components_.T) @ pca.components_
    without_threshold = Rejection(
        mean=pack(pca.mean_),
        components=pack(pca.components_),
        scale=pack(np.sqrt(pca.explained_variance_) + MIN_SCALE),
        residual_scale=float(np.sqrt(np.mean(np.sum(residuals**2, axis=1)))) + MIN_SCALE,
        threshold=NO_REJECTION,
    )
    space = FeatureSpace.of(without_threshold)  # rounded to float16, as in serving
    scores = np.array([space.score(features) for features in val_features])
    return without_threshold.model_copy(
        update={"threshold": min(_ood_threshold(scores, recipe.target_retention), NO_REJECTION)}
    )


def _ood_threshold(scores: NDArray[np.float64], retention: float) -> float:
    """Return the score below which a share `retention` of future in-distribution pictures is expected.

    This is the quantile of the validation scores if at least one of them is above it. With fewer pictures, the quantile
    is too low: then it is the upper prediction limit of a log-normal distribution, if that is higher. A single picture
    gives no estimate, so nothing is rejected.
    """
    count, quantile = len(scores), float(np.quantile(scores, retention))
    if count * (1 - retention) >= 1:
        return quantile
    if count == 1:
        return NO_REJECTION
    logs = np.log(np.maximum(scores, 1e-6))
    margin = stats.t.ppf(retention, count - 1) * logs.std(ddof=1) * np.sqrt(1 + 1 / count)
    return max(quantile, float(np.exp(min(logs.mean() + margin, np.log(NO_REJECTION)))))
