"""Which answers are worth looking at: correct ones, wrong ones, the boldest mistakes and the least sure answers."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from train.evaluation.predictions import Predictions

SHOWN = 12  # pictures of a gallery


def galleries(answers: Predictions) -> Mapping[str, Sequence[int]]:
    """The pictures of each gallery as indices, by title; a rejected picture is a wrong answer without confidence."""
    right = answers.chosen == answers.truth
    answered = answers.chosen >= 0
    by_confidence = np.argsort(answers.confidence, kind="stable")
    return {
        "Correct": _some(np.flatnonzero(right)),
        "Wrong": _some(np.flatnonzero(~right)),
        "Most confident wrong": _first(by_confidence[::-1], answered & ~right),
        "Least confident": _first(by_confidence, answered),
    }


def _some(pictures: NDArray[np.int64]) -> list[int]:
    """A few of them, chosen by chance and the same each time, in their order."""
    count = min(SHOWN, len(pictures))
    return sorted(np.random.default_rng(0).choice(pictures, count, replace=False).tolist())


def _first(ordered: NDArray[np.int64], among: NDArray[np.bool_]) -> list[int]:
    return [int(index) for index in ordered if among[index]][:SHOWN]
