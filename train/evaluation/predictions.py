"""What a classifier answers for every picture of a split, through the path that serves: bytes in, `Prediction` out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.classifier import Classifier
from models.images.decoding import decode
from models.prediction import Prediction
from train.learning.batches import class_indices
from train.manifest import Row, encode_png, read_picture
from train.parallel import parallel_map

Alteration = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]  # of a decoded picture, (H, W, 3)


@dataclass(frozen=True)
class Predictions:
    """N pictures, their true labels as indices `truth` (N,), and what the classifier said of each."""

    labels: tuple[str, ...]
    positive: int | None  # of two labels, the one that is looked for
    temperature: float  # that the probabilities were calibrated with
    rows: tuple[Row, ...]
    truth: NDArray[np.int64]
    predictions: tuple[Prediction, ...]

    @cached_property
    def chosen(self) -> NDArray[np.int64]:
        """The index of each answer, `(N,)`; -1 for a rejected picture."""
        return np.array([-1 if p.index is None else p.index for p in self.predictions])

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """Calibrated, `(N, K)`; those of rejected pictures too."""
        return np.array([p.probabilities for p in self.predictions])

    @cached_property
    def uncalibrated(self) -> NDArray[np.float64]:
        """The probabilities without temperature scaling, `(N, K)`: softmax(z) from the p = softmax(z / T) there is."""
        powers = self.probabilities**self.temperature
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """The probability of each answer, `(N,)`; 0 for a rejected picture."""
        return np.array([p.confidence for p in self.predictions])

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """The number of each picture's group, `(N,)`: what a bootstrap draws."""
        return np.unique([row.group for row in self.rows], return_inverse=True)[1].astype(np.int64)

    @property
    def group_count(self) -> int:
        """How many groups there are: patients, or near-duplicates."""
        return int(self.groups.max()) + 1


def predict_all(
    classifier: Classifier, task_dir: Path, rows: Sequence[Row], alter: Alteration | None = None, what: str = "pictures"
) -> Predictions:
    """Classify every row's picture, or what `alter` makes of it, sent as PNG; `what` names them on the progress bar.

    Raises DataError when one is missing, PictureError when it cannot be read.
    """
    labels = classifier.info.label_ids
    operating = classifier.info.thresholds.operating

    def answer(row: Row) -> Prediction:
        data = read_picture(task_dir, row.path)
        return classifier.classify(data if alter is None else encode_png(alter(decode(data))))

    return Predictions(
        labels=labels,
        positive=None if operating is None else labels.index(operating.label),
        temperature=classifier.info.temperature,
        rows=tuple(rows),
        truth=class_indices(rows, labels),
        predictions=tuple(parallel_map(answer, rows, f"{classifier.task}: {len(rows)} {what}")),
    )
