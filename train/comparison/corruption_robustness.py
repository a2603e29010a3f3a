"""Corruption robustness (Hendrycks and Dietterich 2019, arXiv 1903.12261): metrics on corrupted pictures.

The corruptions imitate other cameras, scanners and hospitals. Validation pictures come from the same source as the
training pictures, so they reward a network that relies on properties of that source. It is safer to choose the model
whose worst corruption has the best metrics.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from models.bundle import Measurement
from train.evaluation.metrics import measure
from train.evaluation.predictions import predict_all
from train.exported_model import ExportedModel
from train.learning.corruptions import CORRUPTIONS
from train.manifest import Row

SELECTION_METRIC = "balanced_accuracy"  # unlike accuracy, it does not depend on the share of each class


@dataclass(frozen=True, slots=True)
class CorruptionRobustness:
    """Measurements of one model on a split: corruption name → measurement."""

    measured: Mapping[str, Measurement]

    @property
    def worst(self) -> str:
        """The name of the corruption with the lowest balanced accuracy."""
        return min(self.measured, key=lambda name: self.measured[name].metrics[SELECTION_METRIC].value)


def measure_corruption_robustness(model: ExportedModel, rows: list[Row]) -> CorruptionRobustness:
    """Measure the model on each corruption of the rows' pictures. Raises the errors of `predict_all`."""
    return CorruptionRobustness(
        {
            name: measure(predict_all(model.classifier, model.task_dir, rows, corrupt, f"pictures, {name}"))
            for name, corrupt in CORRUPTIONS.items()
        }
    )
