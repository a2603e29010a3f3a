"""What turns logits into an answer that can be relied on: temperature, thresholds, rejection. Fitted on validation."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.decomposition import PCA

from models.bundle import OperatingPoint, Rejection, Thresholds
from models.classifier import softmax
from models.rejection import FeatureSpace, pack, unit
from train.recipe import Recipe

COMPONENTS = 64
SMALLEST_SCALE = 1e-3  # features that never vary would divide by nothing; float16 keeps this


def fit_temperature(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """The temperature with the lowest log loss (Guo et al. 2017, arXiv 1706.04599); `logits` are (N, K)."""

    def log_loss(log_temperature: float) -> float:
        probabilities = softmax(logits / np.exp(log_temperature))
        return float(-np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-12)).mean())

    return float(np.exp(minimize_scalar(log_loss, bounds=(np.log(0.1), np.log(10)), method="bounded").x))


def fit_thresholds(probabilities: NDArray[np.float64], truth: NDArray[np.int64], recipe: Recipe) -> Thresholds:
    """The recipe's `confident` level and, where it names a positive label, the threshold for its sensitivity."""
    if recipe.positive is None:
        return Thresholds(confident=recipe.confident)
    positive = list(recipe.labels).index(recipe.positive)
    sick = np.sort(probabilities[truth == positive, positive])
    missed = int((1 - recipe.sensitivity) * len(sick))  # so many may fall below
    threshold = float(np.floor(sick[missed] * 1e4) / 1e4)
    return Thresholds(
        confident=recipe.confident, operating=OperatingPoint(label=recipe.positive, probability=threshold)
    )


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
    scores = [space.score(features) for features in val_features]
    return unfinished.model_copy(update={"threshold": float(np.quantile(scores, recipe.keep))})
