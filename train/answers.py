"""What a classifier answers for every picture of a split, through the path that serves: bytes in, `Prediction` out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.classifier import Classifier
from models.prediction import Prediction
from train.data import targets
from train.pictures import Row, read_picture
from train.side_by_side import side_by_side


@dataclass(frozen=True)
class Answers:
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
    def groups(self) -> NDArray[np.int64]:
        """The number of each picture's group, `(N,)`: what a bootstrap draws."""
        return np.unique([row.group for row in self.rows], return_inverse=True)[1].astype(np.int64)


def answer_all(classifier: Classifier, task_dir: Path, rows: Sequence[Row]) -> Answers:
    """Classify every row's picture. Raises DataError when one is missing, PictureError when it cannot be read."""
    labels = classifier.manifest.label_ids
    operating = classifier.manifest.thresholds.operating

    def answer(row: Row) -> Prediction:
        return classifier.classify(read_picture(task_dir, row.path))

    return Answers(
        labels=labels,
        positive=None if operating is None else labels.index(operating.label),
        temperature=classifier.manifest.temperature,
        rows=tuple(rows),
        truth=targets(rows, labels),
        predictions=tuple(side_by_side(answer, rows, f"{classifier.task}: {len(rows)} pictures")),
    )
