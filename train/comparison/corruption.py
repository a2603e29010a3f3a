"""How a model bears pictures that another camera, scanner or hospital would have taken: what choices are made by.

The plain validation pictures share every habit of the place that they come from, and reward a network for leaning on
these. So of several models the one is chosen that does best in the worst of some fixed alterations.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from models.bundle import Measurement
from train.evaluation.metrics import measure
from train.evaluation.predictions import predict_all
from train.exported_model import ExportedModel
from train.learning.corruptions import CORRUPTIONS
from train.manifest import Row

CHOSEN_BY = "balanced_accuracy"  # says more than accuracy where the share of the classes moves as well


@dataclass(frozen=True, slots=True)
class Altered:
    """What a model does on a split's pictures, altered in each of the ways of `train.learning.corruptions`."""

    measured: Mapping[str, Measurement]

    @property
    def worst(self) -> str:
        """The alteration that it bears worst."""
        return min(self.measured, key=lambda name: self.measured[name].metrics[CHOSEN_BY].value)


def measure_altered(subject: ExportedModel, rows: list[Row]) -> Altered:
    """Answer the rows' pictures as each alteration makes them, by the path that serves. Raises as `predict_all`."""
    return Altered(
        {
            name: measure(predict_all(subject.classifier, subject.task_dir, rows, alter, f"pictures, {name}"))
            for name, alter in CORRUPTIONS.items()
        }
    )
