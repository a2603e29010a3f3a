"""Corruption robustness of an X-ray classifier: its metrics on test pictures changed as another hospital might.

Pictures are corrupted before any preprocessing and classified by the serving path; see `train.evaluation.radiographs`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.bundle import Metric
from models.classifier import Classifier
from models.images.decoding import decode
from train.evaluation.metrics import MetricFunction, bootstrap_metrics, metric_functions
from train.evaluation.predictions import Corruption, Predictions, predict_all
from train.evaluation.radiographs import (
    THORAX,
    THORAX_CROPPED,
    Box,
    blank_letters,
    box_area,
    crop_borders,
    match_histogram_to,
    share_in_box,
)
from train.manifest import Row, read_picture

Robustness = Mapping[str, Mapping[str, Metric]]  # condition → metric name → value and interval

ROBUSTNESS_METRICS = ("accuracy", "sensitivity", "specificity", "roc_auc")
REFERENCE_SEED = 0  # draws the training picture whose histogram the others are matched to

CONDITION_TITLES = {
    "as_they_are": "as they are",
    "borders_cropped": "8 % of each border cropped",
    "histogram_matched": "histogram matched to another picture",
    "letters_blanked": "letters painted over",
}
ROBUSTNESS_NOTE = (
    "A test for shortcuts: the same pictures are changed before they are classified, at the frozen threshold. "
    "Histogram matched: every picture gets the grey-level distribution of one training picture, drawn once at random. "
    "Letters painted over: bright, letter-sized spots at the sides and in the upper corners, found by a fixed rule, "
    "which also removes some electrodes and bits of bone. CAM in the chest: the share of the class activation map "
    "inside a fixed box around the chest. The box is not a segmentation of the lungs. A uniform map would have "
    f"{box_area(THORAX):.2f} inside ({box_area(THORAX_CROPPED):.2f} after cropping), and each cell of the map sees "
    "more of the picture than it covers."
)


@dataclass(frozen=True, slots=True)
class _Condition:
    corruption: Corruption
    thorax: Box = THORAX


def measure_robustness(
    classifier: Classifier, task_dir: Path, train_rows: Sequence[Row], predictions: Predictions
) -> dict[str, dict[str, Metric]]:
    """Return the metrics of the same pictures under each condition of CONDITION_TITLES.

    `predictions` are those of the unchanged pictures. The metrics are ROBUSTNESS_METRICS as far as the task has them;
    `rejected`, the share of rejected pictures; and `heat_inside`, the mean share of the class activation map inside
    the box around the chest, for networks with such maps. Raises DataError when the reference picture is missing.
    """
    conditions = {
        "borders_cropped": _Condition(crop_borders, THORAX_CROPPED),
        "histogram_matched": _Condition(match_histogram_to(_reference(task_dir, train_rows))),
        "letters_blanked": _Condition(blank_letters),
    }
    robustness = {"as_they_are": _metrics(predictions, THORAX)}
    for name, condition in conditions.items():
        description = f"pictures, {CONDITION_TITLES[name]}"
        corrupted = predict_all(classifier, task_dir, predictions.rows, condition.corruption, description)
        robustness[name] = _metrics(corrupted, condition.thorax)
    return robustness


def _reference(task_dir: Path, train_rows: Sequence[Row]) -> NDArray[np.uint8]:
    index = int(np.random.default_rng(REFERENCE_SEED).integers(len(train_rows)))
    return decode(read_picture(task_dir, train_rows[index].path))


def _metrics(predictions: Predictions, thorax: Box) -> dict[str, Metric]:
    available = metric_functions(predictions)
    functions: dict[str, MetricFunction] = {name: available[name] for name in ROBUSTNESS_METRICS if name in available}
    functions["rejected"] = lambda i: float((predictions.predicted[i] < 0).mean())
    inside = np.array(
        [
            float("nan") if item.activation_map is None else share_in_box(item.activation_map, thorax)
            for item in predictions.items
        ]
    )
    if not np.isnan(inside).all():
        functions["heat_inside"] = lambda i: _mean_of_known(inside[i])
    return bootstrap_metrics(functions, predictions.groups)


def _mean_of_known(values: NDArray[np.float64]) -> float:
    """Return the mean without NaN. It is NaN where all values are, as in a resample of rejected pictures alone."""
    return float("nan") if np.isnan(values).all() else float(np.nanmean(values))
