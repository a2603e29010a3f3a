"""Predictions of a classifier for every picture of a split, made by the serving path: bytes in, `Prediction` out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.classifier import Classifier
from models.images.decoding import decode
from models.prediction import Prediction
from train.manifest import Row, class_indices, encode_png, read_picture
from train.parallel import parallel_map

Corruption = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]  # decoded picture (H, W, 3) → corrupted picture


@dataclass(frozen=True)
class Predictions:
    """Predictions for N pictures with K labels.

    `positive` is the index of the label with an operating point, None without one. `temperature` is the one that
    calibrated the probabilities. `truth` has the indices of the true labels, `(N,)`.
    """

    labels: tuple[str, ...]
    positive: int | None
    temperature: float
    rows: tuple[Row, ...]
    truth: NDArray[np.int64]
    items: tuple[Prediction, ...]

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """Indices of the predicted labels, `(N,)`; -1 for a rejected picture."""
        return np.array([-1 if item.index is None else item.index for item in self.items])

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """Calibrated probabilities, `(N, K)`, also of rejected pictures."""
        return np.array([item.probabilities for item in self.items])

    @cached_property
    def uncalibrated(self) -> NDArray[np.float64]:
        """Probabilities before temperature scaling, `(N, K)`: softmax(z), computed from p = softmax(z / T)."""
        powers = self.probabilities**self.temperature
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """Probabilities of the predicted labels, `(N,)`; 0 for a rejected picture."""
        return np.array([item.confidence for item in self.items])

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Group numbers of the pictures, `(N,)`: the units that the bootstrap resamples."""
        return np.unique([row.group for row in self.rows], return_inverse=True)[1].astype(np.int64)

    @property
    def group_count(self) -> int:
        """Number of groups (patients or near-duplicate groups)."""
        return int(self.groups.max()) + 1


def predict_all(
    classifier: Classifier,
    task_dir: Path,
    rows: Sequence[Row],
    corruption: Corruption | None = None,
    description: str = "pictures",
) -> Predictions:
    """Classify the picture of each row.

    With `corruption`, each picture is decoded, corrupted and sent as PNG. `description` appears on the progress bar.
    Raises DataError when a picture is missing, PictureError when it cannot be decoded.
    """
    labels = classifier.info.label_ids
    operating = classifier.info.thresholds.operating

    def predict(row: Row) -> Prediction:
        data = read_picture(task_dir, row.path)
        return classifier.classify(data if corruption is None else encode_png(corruption(decode(data))))

    return Predictions(
        labels=labels,
        positive=None if operating is None else labels.index(operating.label),
        temperature=classifier.info.temperature,
        rows=tuple(rows),
        truth=class_indices(rows, labels),
        items=tuple(parallel_map(predict, rows, f"{classifier.task}: {len(rows)} {description}")),
    )
