"""What a classifier answers about one picture."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Verdict(StrEnum):
    """How far a person may rely on an answer."""

    CONFIDENT = "confident"
    UNCERTAIN = "uncertain"
    REJECTED = "rejected"


class Reason(StrEnum):
    """Why a verdict is not `confident`."""

    BLANK = "blank"  # nothing is drawn on the canvas
    SEVERAL_DIGITS = "several_digits"  # more than one digit in the picture
    LOW_CONFIDENCE = "low_confidence"  # the probabilities are too close to call
    WEAK_SIGNAL = "weak_signal"  # the label that is looked for, reported although another is more probable
    UNFAMILIAR = "unfamiliar"  # the picture is not what this model was trained on


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer, calibrated and judged.

    `probabilities` follow `labels` and sum to 1, for rejected pictures too (where the network was not run
    they are uniform). `seen` is the picture as the network saw it, `(H, W, C)` uint8; `heat` is the class
    activation map of the answer, `(h, w)` float32 in 0..1, or None where the network was not run.
    """

    task: str
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    verdict: Verdict
    index: int | None  # into labels; None when rejected
    reason: Reason | None = None
    seen: NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)
    heat: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)

    @property
    def label(self) -> str | None:
        """The label's identifier, or None when the picture was rejected."""
        return None if self.index is None else self.labels[self.index]

    @property
    def confidence(self) -> float:
        """The probability of `label`; 0 when the picture was rejected."""
        return 0.0 if self.index is None else self.probabilities[self.index]

    def top(self, count: int = 3) -> list[tuple[str, float]]:
        """The `count` most probable labels with their probabilities, most probable first."""
        ranked = sorted(zip(self.labels, self.probabilities, strict=True), key=lambda pair: -pair[1])
        return ranked[:count]
