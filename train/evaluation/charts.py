"""Charts of an evaluation: confusion matrix, ROC, precision-recall, reliability, risk-coverage."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from models.bundle import Metric
from models.prediction import Verdict
from train.evaluation.metrics import ECE_BINS, confusion_matrix, risk_coverage_curve
from train.evaluation.predictions import Predictions
from train.html import escape_mathtext

COLOURS = colormaps["tab10"]
QUIET = "#8a94a6"
MAX_CURVES = 10  # in one chart; with more labels, one curve over all labels is drawn
MAX_NUMBERED = 25  # columns of a confusion matrix with room for numbers

Points = tuple[NDArray[np.float64], NDArray[np.float64]]  # x and y, (P,) each


def draw_charts(predictions: Predictions, metrics: Mapping[str, Metric]) -> Mapping[str, tuple[Figure, str]]:
    """Return each chart and its description, by file name. `metrics` are those of the predictions."""
    return {
        "confusion.png": (
            _confusion(predictions),
            "Confusion matrix: true labels in rows, predicted labels in columns",
        ),
        "roc.png": (_roc(predictions), "ROC curve: sensitivity against false positive rate"),
        "precision_recall.png": (_precision_recall(predictions), "Precision against recall"),
        "reliability.png": (
            _reliability(predictions, metrics),
            "Reliability diagram: accuracy against confidence, before and after temperature scaling",
        ),
        "risk_coverage.png": (
            _risk_coverage(predictions),
            "Risk-coverage curve: error rate among the most confident predictions",
        ),
    }


def _confusion(predictions: Predictions) -> Figure:
    counts = np.array(confusion_matrix(predictions))
    columns = [escape_mathtext(label) for label in predictions.labels]
    rejected = np.bincount(predictions.truth[predictions.predicted < 0], minlength=len(predictions.labels))
    if rejected.any():
        counts = np.column_stack([counts, rejected])
        columns.append("rejected")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(2.6 + 0.42 * len(columns), 11)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    if len(columns) <= MAX_NUMBERED:
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.5 else "#1c2330" if count else "#c3cad5"
            axes.text(column, row, f"{count:,}", ha="center", va="center", color=colour)
    small = 10 if len(columns) <= MAX_NUMBERED else 5
    axes.set_xticks(range(len(columns)), columns, size=small)
    if len(columns) * max(map(len, columns)) > 40:
        axes.tick_params("x", rotation=90)
    axes.set_yticks(range(len(counts)), [escape_mathtext(label) for label in predictions.labels], size=small)
    axes.set_xlabel("predicted label")
    axes.set_ylabel("true label")
    return figure


def _roc(predictions: Predictions) -> Figure:
    def curve(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> Points:
        false_positive_rate, true_positive_rate, _ = roc_curve(positive, scores)
        return false_positive_rate, true_positive_rate

    figure, axes = _square()
    _draw_curves(axes, predictions, curve)
    axes.plot([0, 1], [0, 1], color=QUIET, linestyle=":", linewidth=1)
    if predictions.positive is not None:
        truth, predicted = predictions.truth == predictions.positive, predictions.predicted == predictions.positive
        _mark(axes, (predicted[~truth].mean(), predicted[truth].mean()), "operating point")
    axes.set_xlabel("false positive rate (1 - specificity)")
    axes.set_ylabel("true positive rate (sensitivity)")
    axes.legend(loc="lower right", frameon=False)
    return figure


def _precision_recall(predictions: Predictions) -> Figure:
    def curve(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> Points:
        precision, recall, _ = precision_recall_curve(positive, scores)
        return recall, precision

    figure, axes = _square()
    _draw_curves(axes, predictions, curve)
    if predictions.positive is not None:
        truth, predicted = predictions.truth == predictions.positive, predictions.predicted == predictions.positive
        if predicted.any():  # else there is no precision
            _mark(axes, (predicted[truth].mean(), truth[predicted].mean()), "operating point")
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    axes.legend(loc="lower left", frameon=False)
    return figure


def _draw_curves(axes: Axes, predictions: Predictions, curve: Callable[..., Points]) -> None:
    """Draw a curve for the positive label, for each label, or for more than MAX_CURVES labels, one for all."""
    if predictions.positive is not None:
        labels: Sequence[int] = [predictions.positive]
    elif len(predictions.labels) <= MAX_CURVES:
        labels = [k for k in range(len(predictions.labels)) if (predictions.truth == k).any()]
    else:
        hits = np.eye(len(predictions.labels), dtype=bool)[predictions.truth]
        axes.plot(*curve(hits.ravel(), predictions.probabilities.ravel()), color=COLOURS(0), label="all labels")
        return
    for number, k in enumerate(labels):
        label = escape_mathtext(predictions.labels[k])
        axes.plot(*curve(predictions.truth == k, predictions.probabilities[:, k]), color=COLOURS(number), label=label)


def _reliability(predictions: Predictions, metrics: Mapping[str, Metric]) -> Figure:
    figure = Figure(figsize=(9.5, 5), layout="constrained")
    panels = figure.subplots(2, 2, sharex=True, height_ratios=(3, 1))
    sides = {
        "before": (predictions.uncalibrated, "ece_before"),
        f"after temperature scaling (T = {predictions.temperature:.2f})": (predictions.probabilities, "ece"),
    }
    for column, (title, (probabilities, name)) in enumerate(sides.items()):
        confidence, correct = probabilities.max(1), probabilities.argmax(1) == predictions.truth
        _draw_bins(panels[0][column], panels[1][column], confidence, correct)
        panels[0][column].set_title(f"{title}: ECE {100 * metrics[name].value:.1f} %", size=11)
    panels[0][0].set_ylabel("accuracy")
    panels[1][0].set_ylabel("pictures")
    return figure


def _draw_bins(above: Axes, below: Axes, confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> None:
    edges = np.linspace(0, 1, ECE_BINS + 1)
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    count = np.bincount(bins, minlength=ECE_BINS)
    used = count > 0
    accuracy = np.bincount(bins, weights=correct, minlength=ECE_BINS)[used] / count[used]
    mean = np.bincount(bins, weights=confidence, minlength=ECE_BINS)[used] / count[used]
    above.plot([0, 1], [0, 1], color=QUIET, linestyle=":", linewidth=1)
    above.bar(edges[:-1][used], accuracy, width=1 / ECE_BINS, align="edge", color=COLOURS(0), alpha=0.35, linewidth=0)
    above.plot(mean, accuracy, "o", color=COLOURS(0), markersize=4)
    below.bar(edges[:-1], count, width=1 / ECE_BINS, align="edge", color=QUIET, linewidth=0)
    below.set_yscale("symlog")
    below.yaxis.set_major_formatter(ScalarFormatter())
    below.set_xlabel("confidence")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlim(0, 1)
    above.set_ylim(0, 1.02)


def _risk_coverage(predictions: Predictions) -> Figure:
    correct = predictions.predicted == predictions.truth
    risks = risk_coverage_curve(predictions.confidence, correct)
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.plot(100 * np.arange(1, len(risks) + 1) / len(risks), 100 * risks, color=COLOURS(0))
    confident = np.array([prediction.verdict is Verdict.CONFIDENT for prediction in predictions.items])
    if confident.any():
        _mark(axes, (100 * confident.mean(), 100 * (~correct)[confident].mean()), "verdict confident")
        figure.legend(loc="outside upper right", frameon=False)
    axes.set_xlim(0, 102)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("coverage: share of the pictures, most confident first (%)")
    axes.set_ylabel("error rate among them (%)")
    return figure


def _square() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.6, 5), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    return figure, axes


def _mark(axes: Axes, point: tuple[float, float], label: str) -> None:
    axes.plot(*point, "o", color=COLOURS(3), markersize=7, label=label, zorder=3)
