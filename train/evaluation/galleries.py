"""Selection of the predictions that a report shows: correct, wrong, most confident errors and least confident."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from train.evaluation.predictions import Predictions

GALLERY_SIZE = 12  # pictures


def select_galleries(predictions: Predictions) -> Mapping[str, Sequence[int]]:
    """Return picture indices by gallery title. A rejected picture is an error without confidence."""
    correct = predictions.predicted == predictions.truth
    accepted = predictions.predicted >= 0
    by_confidence = np.argsort(predictions.confidence, kind="stable")
    return {
        "Correct": _sample(np.flatnonzero(correct)),
        "Wrong": _sample(np.flatnonzero(~correct)),
        "Most confident wrong": _first(by_confidence[::-1], accepted & ~correct),
        "Least confident": _first(by_confidence, accepted),
    }


def _sample(indices: NDArray[np.int64]) -> list[int]:
    """Draw GALLERY_SIZE indices at random with a fixed seed, sorted."""
    count = min(GALLERY_SIZE, len(indices))
    return sorted(np.random.default_rng(0).choice(indices, count, replace=False).tolist())


def _first(ordered: NDArray[np.int64], selected: NDArray[np.bool_]) -> list[int]:
    return [int(index) for index in ordered if selected[index]][:GALLERY_SIZE]
