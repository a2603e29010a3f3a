"""The result of a classification: label, calibrated probabilities and verdict."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Verdict(StrEnum):
    """Degree to which a person may rely on a prediction."""

    CONFIDENT = "confident"
    UNCERTAIN = "uncertain"
    REJECTED = "rejected"


class Reason(StrEnum):
    """The reason for a verdict that is not `confident`."""

    BLANK = "blank"  # nothing is drawn on the canvas
    SEVERAL_DIGITS = "several_digits"  # more than one digit in the picture
    LOW_CONFIDENCE = "low_confidence"  # the probabilities are too close
    WEAK_SIGNAL = "weak_signal"  # the positive label, predicted although another label is more probable
    UNFAMILIAR = "unfamiliar"  # out of distribution: unlike the training pictures


@dataclass(frozen=True, slots=True)
class Prediction:
    """One calibrated prediction with its verdict.

    `probabilities` follow the order of `labels` and sum to 1, also for rejected pictures (uniform when the network did
    not run). `pixels` is the network's input, `(H, W, C)` uint8. `activation_map` is the class activation map of the
    predicted label, `(h, w)` float32 in 0..1. Both are None when the network did not run.
    """

    task: str
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    verdict: Verdict
    index: int | None  # into labels; None when rejected
    reason: Reason | None = None
    pixels: NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)
    activation_map: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)

    @property
    def label(self) -> str | None:
        """The predicted label's identifier, or None when the picture was rejected."""
        return None if self.index is None else self.labels[self.index]

    @property
    def confidence(self) -> float:
        """The probability of `label`; 0 when the picture was rejected."""
        return 0.0 if self.index is None else self.probabilities[self.index]

    def top(self, count: int = 3) -> list[tuple[str, float]]:
        """Return the `count` most probable labels with their probabilities, most probable first."""
        ranked = sorted(zip(self.labels, self.probabilities, strict=True), key=lambda pair: -pair[1])
        return ranked[:count]
