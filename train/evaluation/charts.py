"""The charts of an evaluation: confusion matrix, ROC, precision-recall, reliability, risk-coverage."""

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
from train.evaluation.metrics import ECE_BINS, confusion, risk_by_coverage
from train.evaluation.predictions import Predictions
from train.html import literal

COLOURS = colormaps["tab10"]
QUIET = "#8a94a6"
LEGIBLE = 10  # curves in one chart; with more labels their average is drawn
NUMBERED = 25  # labels whose confusions still have room for a number

Curve = Callable[[NDArray[np.bool_], NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]


def charts(answers: Predictions, figures: Mapping[str, Metric]) -> Mapping[str, tuple[Figure, str]]:
    """Every chart and what it shows in words, by the name of its file. `figures` are those of the answers."""
    return {
        "confusion.png": (_confusion(answers), "Confusion matrix: truth in rows, answers in columns"),
        "roc.png": (_roc(answers), "ROC curve: sensitivity against the share of false alarms"),
        "precision_recall.png": (_precision_recall(answers), "Precision against recall"),
        "reliability.png": (
            _reliability(answers, figures),
            "Reliability diagram: accuracy against confidence, before and after temperature scaling",
        ),
        "risk_coverage.png": (_risk_coverage(answers), "Risk-coverage curve: errors among the answers given"),
    }


def _confusion(answers: Predictions) -> Figure:
    counts = np.array(confusion(answers))
    columns = [literal(label) for label in answers.labels]
    rejected = np.bincount(answers.truth[answers.chosen < 0], minlength=len(answers.labels))
    if rejected.any():
        counts = np.column_stack([counts, rejected])
        columns.append("rejected")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(2.6 + 0.42 * len(columns), 11)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    if len(columns) <= NUMBERED:
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.5 else "#1c2330" if count else "#c3cad5"
            axes.text(column, row, f"{count:,}", ha="center", va="center", color=colour)
    small = 10 if len(columns) <= NUMBERED else 5
    axes.set_xticks(range(len(columns)), columns, size=small)
    if len(columns) * max(map(len, columns)) > 40:
        axes.tick_params("x", rotation=90)
    axes.set_yticks(range(len(counts)), [literal(label) for label in answers.labels], size=small)
    axes.set_xlabel("answer")
    axes.set_ylabel("truth")
    return figure


def _roc(answers: Predictions) -> Figure:
    def curve(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        false_alarms, found, _ = roc_curve(positive, scores)
        return false_alarms, found

    figure, axes = _square()
    _draw_curves(axes, answers, curve)
    axes.plot([0, 1], [0, 1], color=QUIET, linestyle=":", linewidth=1)
    if answers.positive is not None:
        sick, alarm = answers.truth == answers.positive, answers.chosen == answers.positive
        _mark(axes, (alarm[~sick].mean(), alarm[sick].mean()), "operating point")
    axes.set_xlabel("share of the others that is taken for it (1 - specificity)")
    axes.set_ylabel("share of its pictures that is found (sensitivity)")
    axes.legend(loc="lower right", frameon=False)
    return figure


def _precision_recall(answers: Predictions) -> Figure:
    def curve(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        precision, recall, _ = precision_recall_curve(positive, scores)
        return recall, precision

    figure, axes = _square()
    _draw_curves(axes, answers, curve)
    if answers.positive is not None:
        sick, alarm = answers.truth == answers.positive, answers.chosen == answers.positive
        _mark(axes, (alarm[sick].mean(), sick[alarm].mean()), "operating point")
    axes.set_xlabel("recall: share of its pictures that is found")
    axes.set_ylabel("precision: share of its answers that is right")
    axes.legend(loc="lower left", frameon=False)
    return figure


def _draw_curves(axes: Axes, answers: Predictions, curve: Callable[..., tuple[NDArray[np.float64], ...]]) -> None:
    """A curve for the positive label, for each of a few labels, or for all together."""
    if answers.positive is not None:
        chosen: Sequence[int] = [answers.positive]
    elif len(answers.labels) <= LEGIBLE:
        chosen = [k for k in range(len(answers.labels)) if (answers.truth == k).any()]
    else:
        hits = np.eye(len(answers.labels), dtype=bool)[answers.truth]
        axes.plot(*curve(hits.ravel(), answers.probabilities.ravel()), color=COLOURS(0), label="all labels together")
        return
    for number, k in enumerate(chosen):
        label = literal(answers.labels[k])
        axes.plot(*curve(answers.truth == k, answers.probabilities[:, k]), color=COLOURS(number), label=label)


def _reliability(answers: Predictions, figures: Mapping[str, Metric]) -> Figure:
    figure = Figure(figsize=(9.5, 5), layout="constrained")
    panels = figure.subplots(2, 2, sharex=True, height_ratios=(3, 1))
    sides = {
        "before": (answers.uncalibrated, "ece_before"),
        f"after temperature scaling (T = {answers.temperature:.2f})": (answers.probabilities, "ece"),
    }
    for column, (title, (probabilities, name)) in enumerate(sides.items()):
        confidence, right = probabilities.max(1), probabilities.argmax(1) == answers.truth
        _draw_bins(panels[0][column], panels[1][column], confidence, right)
        panels[0][column].set_title(f"{title}: ECE {100 * figures[name].value:.1f} %", size=11)
    panels[0][0].set_ylabel("accuracy")
    panels[1][0].set_ylabel("pictures")
    return figure


def _draw_bins(above: Axes, below: Axes, confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> None:
    edges = np.linspace(0, 1, ECE_BINS + 1)
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    count = np.bincount(bins, minlength=ECE_BINS)
    used = count > 0
    accuracy = np.bincount(bins, weights=right, minlength=ECE_BINS)[used] / count[used]
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


def _risk_coverage(answers: Predictions) -> Figure:
    right = answers.chosen == answers.truth
    risks = risk_by_coverage(answers.confidence, right)
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.plot(100 * np.arange(1, len(risks) + 1) / len(risks), 100 * risks, color=COLOURS(0))
    confident = np.array([prediction.verdict is Verdict.CONFIDENT for prediction in answers.predictions])
    if confident.any():
        _mark(axes, (100 * confident.mean(), 100 * (~right)[confident].mean()), "answers called confident")
        figure.legend(loc="outside upper right", frameon=False)
    axes.set_xlim(0, 102)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("pictures that are answered, the most confident first (%)")
    axes.set_ylabel("wrong among them (%)")
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
