"""What a trained model does on a split of its pictures, measured: everything that a report says."""

import datetime
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.bundle import BundleInfo, Metric
from models.prediction import Verdict
from train import run as runs
from train.evaluation.metrics import all_figures, confusion, per_class, risk_by_coverage, with_intervals
from train.evaluation.predictions import Predictions, predict_all
from train.evaluation.robustness import Robustness, measure_robustness
from train.evaluation.task_properties import is_radiograph
from train.exported_model import ExportedModel
from train.manifest import Split

CURVE_POINTS = 100  # of the risk-coverage curve, in metrics.json


@dataclass(frozen=True)
class Evaluation:
    """One evaluation: the subject and the split, the answers, and what was measured of them."""

    subject: ExportedModel
    split: Split
    answers: Predictions
    figures: Mapping[str, Metric]
    classes: Mapping[str, Mapping[str, Metric]]  # label → precision, recall, f1
    robustness: Robustness | None  # for X-rays
    date: str
    machine: str

    @property
    def info(self) -> BundleInfo:
        """What the bundle says of itself."""
        return self.subject.info

    @property
    def verdicts(self) -> dict[str, int]:
        """How many pictures got each verdict."""
        counts = Counter(prediction.verdict for prediction in self.answers.predictions)
        return {verdict.value: counts[verdict] for verdict in Verdict}

    @property
    def support(self) -> dict[str, int]:
        """How many pictures each label has."""
        counts = np.bincount(self.answers.truth, minlength=len(self.answers.labels))
        return dict(zip(self.answers.labels, counts.tolist(), strict=True))

    def as_dict(self) -> dict[str, Any]:
        """The evaluation as plain data, for `metrics.json`."""
        operating = self.info.thresholds.operating
        return {
            "task": self.info.task,
            "model": {
                "name": self.subject.name,
                "version": self.info.version,
                "revision": self.subject.classifier.revision,
            },
            "split": self.split,
            "n": len(self.answers.rows),
            "groups": self.answers.group_count,
            "date": self.date,
            "machine": self.machine,
            "labels": list(self.answers.labels),
            "temperature": self.info.temperature,
            "operating_point": None if operating is None else operating.model_dump(),
            "figures": _plain(self.figures),
            "per_class": {
                label: _plain(scores) | {"support": self.support[label]} for label, scores in self.classes.items()
            },
            "confusion": confusion(self.answers),
            "verdicts": self.verdicts,
            "risk_coverage": self._risk_coverage(),
            "robustness": None
            if self.robustness is None
            else {condition: _plain(found) for condition, found in self.robustness.items()},
        }

    def _risk_coverage(self) -> list[dict[str, float]]:
        """Points of the curve: the share of the pictures answered, the errors among them, the least confidence."""
        count = len(self.answers.rows)
        risks = risk_by_coverage(self.answers.confidence, self.answers.chosen == self.answers.truth)
        confidence = np.sort(self.answers.confidence)[::-1]
        taken = np.unique(np.linspace(1, count, min(count, CURVE_POINTS)).round().astype(int))
        return [
            {
                "coverage": round(number / count, 5),
                "risk": round(float(risks[number - 1]), 5),
                "confidence": round(float(confidence[number - 1]), 5),
            }
            for number in taken.tolist()
        ]


def evaluate(subject: ExportedModel, split: Split) -> Evaluation:
    """Answer every picture of the split by the path that serves, and measure the answers.

    Raises what `ExportedModel.rows` and `predict_all` raise.
    """
    answers = predict_all(subject.classifier, subject.task_dir, subject.rows(split))
    return Evaluation(
        subject=subject,
        split=split,
        answers=answers,
        figures=with_intervals(all_figures(answers), answers.groups),
        classes=per_class(answers),
        robustness=measure_robustness(subject.classifier, subject.task_dir, subject.rows("train"), answers)
        if is_radiograph(subject.info.preprocessing)
        else None,
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        machine=runs.machine(),
    )


def _plain(figures: Mapping[str, Metric]) -> dict[str, Any]:
    return {name: metric.model_dump() for name, metric in figures.items()}
