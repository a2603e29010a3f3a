"""Evaluation of an exported model on a split of its pictures: everything that the report shows."""

import datetime
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.bundle import BundleInfo, Metric
from models.prediction import Verdict
from models.tasks import is_radiograph
from train import run as runs
from train.evaluation.metrics import (
    bootstrap_metrics,
    class_metrics,
    confusion_matrix,
    report_metric_functions,
    risk_coverage_curve,
)
from train.evaluation.predictions import Predictions, predict_all
from train.evaluation.robustness import Robustness, measure_robustness
from train.exported_model import ExportedModel
from train.manifest import Split

CURVE_POINTS = 100  # of the risk-coverage curve, in metrics.json


@dataclass(frozen=True)
class Evaluation:
    """Predictions of a model on a split, and the metrics computed from them."""

    model: ExportedModel
    split: Split
    predictions: Predictions
    metrics: Mapping[str, Metric]
    class_metrics: Mapping[str, Mapping[str, Metric]]  # label → precision, recall, f1
    robustness: Robustness | None  # only for X-rays
    date: str  # ISO 8601, UTC
    machine: str

    @property
    def info(self) -> BundleInfo:
        """Metadata of the bundle."""
        return self.model.info

    @property
    def verdicts(self) -> dict[str, int]:
        """Number of pictures by verdict."""
        counts = Counter(item.verdict for item in self.predictions.items)
        return {verdict.value: counts[verdict] for verdict in Verdict}

    @property
    def support(self) -> dict[str, int]:
        """Number of pictures by true label."""
        counts = np.bincount(self.predictions.truth, minlength=len(self.predictions.labels))
        return dict(zip(self.predictions.labels, counts.tolist(), strict=True))

    def as_dict(self) -> dict[str, Any]:
        """Return the content of `metrics.json`."""
        operating = self.info.thresholds.operating
        return {
            "task": self.info.task,
            "model": {
                "name": self.model.name,
                "version": self.info.version,
                "revision": self.model.classifier.revision,
            },
            "split": self.split,
            "n": len(self.predictions.rows),
            "groups": self.predictions.group_count,
            "date": self.date,
            "machine": self.machine,
            "labels": list(self.predictions.labels),
            "temperature": self.info.temperature,
            "operating_point": None if operating is None else operating.model_dump(),
            "figures": _as_dicts(self.metrics),
            "per_class": {
                label: _as_dicts(metrics) | {"support": self.support[label]}
                for label, metrics in self.class_metrics.items()
            },
            "confusion": confusion_matrix(self.predictions),
            "verdicts": self.verdicts,
            "risk_coverage": self._risk_coverage(),
            "robustness": None
            if self.robustness is None
            else {condition: _as_dicts(metrics) for condition, metrics in self.robustness.items()},
        }

    def _risk_coverage(self) -> list[dict[str, float]]:
        """Return up to CURVE_POINTS points: coverage, error rate among the covered, and their lowest confidence."""
        count = len(self.predictions.rows)
        risks = risk_coverage_curve(self.predictions.confidence, self.predictions.predicted == self.predictions.truth)
        confidence = np.sort(self.predictions.confidence)[::-1]
        numbers = np.unique(np.linspace(1, count, min(count, CURVE_POINTS)).round().astype(int))
        return [
            {
                "coverage": round(number / count, 5),
                "risk": round(float(risks[number - 1]), 5),
                "confidence": round(float(confidence[number - 1]), 5),
            }
            for number in numbers.tolist()
        ]


def evaluate_model(model: ExportedModel, split: Split) -> Evaluation:
    """Classify every picture of the split by the serving path and compute all metrics.

    Raises what `ExportedModel.rows` and `predict_all` raise.
    """
    predictions = predict_all(model.classifier, model.task_dir, model.rows(split))
    robustness = None
    if is_radiograph(model.info):
        robustness = measure_robustness(model.classifier, model.task_dir, model.rows("train"), predictions)
    return Evaluation(
        model=model,
        split=split,
        predictions=predictions,
        metrics=bootstrap_metrics(report_metric_functions(predictions), predictions.groups),
        class_metrics=class_metrics(predictions),
        robustness=robustness,
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        machine=runs.machine(),
    )


def _as_dicts(metrics: Mapping[str, Metric]) -> dict[str, Any]:
    return {name: metric.model_dump() for name, metric in metrics.items()}
