"""How an X-ray classifier bears what differs from one hospital to the next, measured by the path that serves.

The pictures are altered as they would arrive, before any preprocessing: see `train.evaluation.radiographs`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.bundle import Metric
from models.classifier import Classifier
from models.images.decoding import decode
from train.evaluation.metrics import Figure, figures, with_intervals
from train.evaluation.predictions import Alteration, Predictions, predict_all
from train.evaluation.radiographs import (
    THORAX,
    THORAX_CROPPED,
    Box,
    area,
    cropped,
    matched_to,
    share_inside,
    without_letters,
)
from train.manifest import Row, read_picture

Robustness = Mapping[str, Mapping[str, Metric]]  # condition → figure → value and interval

FIGURES = ("accuracy", "sensitivity", "specificity", "roc_auc")
REFERENCE_SEED = 0  # chooses the training picture that the others' grey levels are matched to

TITLES = {
    "as_they_are": "as they are",
    "borders_cropped": "8 % of each border cropped",
    "histogram_matched": "grey levels matched to one other picture",
    "letters_blanked": "letters painted over",
}
NOTE = (
    "The test of what the network leans on: the same pictures altered before they are sent, the threshold as frozen. "
    "Matched: each picture takes the distribution of grey levels of one training picture, chosen by chance once. "
    "Painted over: bright, letter-sized spots at the sides and in the upper corners, found by a rule; it also takes "
    "some electrodes and bits of bone. Heat in the chest is the share of the heat map within a fixed box around it, "
    f"which is no segmentation of the lungs; a map that looks everywhere alike would have {area(THORAX):.2f} in it "
    f"({area(THORAX_CROPPED):.2f} once cropped), and each of its cells sees more of the picture than it covers."
)


@dataclass(frozen=True, slots=True)
class _Condition:
    alter: Alteration
    thorax: Box = THORAX


def measure_robustness(
    classifier: Classifier, task_dir: Path, train_rows: Sequence[Row], answers: Predictions
) -> dict[str, dict[str, Metric]]:
    """The figures of the pictures that `answers` are for, as they are and altered, by condition (see `TITLES`).

    Besides FIGURES, as far as the task has them: `rejected`, the share of pictures refused, and `heat_inside`, the
    mean share of the heat map in the chest's box, where the network has heat maps. Raises DataError for no training
    pictures to match to.
    """
    conditions = {
        "borders_cropped": _Condition(cropped, THORAX_CROPPED),
        "histogram_matched": _Condition(matched_to(_reference(task_dir, train_rows))),
        "letters_blanked": _Condition(without_letters),
    }
    found = {"as_they_are": _measure(answers, THORAX)}
    for name, condition in conditions.items():
        altered = predict_all(classifier, task_dir, answers.rows, condition.alter, f"pictures, {TITLES[name]}")
        found[name] = _measure(altered, condition.thorax)
    return found


def _reference(task_dir: Path, train_rows: Sequence[Row]) -> NDArray[np.uint8]:
    chosen = int(np.random.default_rng(REFERENCE_SEED).integers(len(train_rows)))
    return decode(read_picture(task_dir, train_rows[chosen].path))


def _measure(answers: Predictions, thorax: Box) -> dict[str, Metric]:
    named = figures(answers)
    inside = np.array([float("nan") if p.heat is None else share_inside(p.heat, thorax) for p in answers.predictions])
    chosen: dict[str, Figure] = {name: named[name] for name in FIGURES if name in named}
    chosen["rejected"] = lambda i: float((answers.chosen[i] < 0).mean())
    if not np.isnan(inside).all():
        chosen["heat_inside"] = lambda i: float(np.nanmean(inside[i]))
    return with_intervals(chosen, answers.groups)
