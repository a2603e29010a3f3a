"""Tables of an evaluation as text, for the HTML page and the terminal."""

from rich import box
from rich.console import Console
from rich.table import Table

from models.bundle import Metric
from train.evaluation.evaluate import Evaluation
from train.evaluation.robustness import CONDITION_TITLES, Robustness

Rows = list[tuple[str, ...]]

# Metric → title and meaning, in the order of the tables.
METRIC_TEXTS = {
    "accuracy": ("accuracy", "share of correct predictions"),
    "balanced_accuracy": ("balanced accuracy", "mean of the accuracies of each label"),
    "sensitivity": ("sensitivity", "share of {positive} pictures predicted as such, at the frozen operating point"),
    "specificity": ("specificity", "share of the other pictures predicted as such, at the frozen operating point"),
    "roc_auc": ("ROC AUC", "probability that a picture of {positive} ranks above one of the rest; 0.5 is chance"),
    "average_precision": ("average precision", "area under the precision-recall curve"),
    "log_loss": ("log loss", "mean of -log p(truth); lower is better"),
    "brier": ("Brier score", "mean squared error of the probabilities; lower is better"),
    "ece": ("ECE", "expected calibration error: mean distance between confidence and accuracy"),
    "ece_before": ("ECE before scaling", "the same before temperature scaling"),
    "aurc": ("AURC", "area under the risk-coverage curve; lower is better"),
    "rejected": ("rejected", "share of the pictures that the model rejects"),
    "heat_inside": ("CAM in the chest", "share of the class activation map inside a fixed box around the chest"),
}


def metric_rows(evaluation: Evaluation) -> Rows:
    """Return title, value, interval and meaning of each metric."""
    operating = evaluation.info.thresholds.operating
    positive = "a label (mean over the labels)" if operating is None else operating.label
    rows: Rows = [
        (title, f"{metric.value:.4f}", f"{metric.low:.4f} to {metric.high:.4f}", meaning.format(positive=positive))
        for name, (title, meaning) in METRIC_TEXTS.items()
        if (metric := evaluation.metrics.get(name)) is not None
    ]
    return rows


def class_rows(evaluation: Evaluation) -> Rows:
    """Return label, precision, recall and F1 with their intervals, and number of pictures."""
    support = evaluation.support
    return [
        (label, *(_with_interval(scores[name]) for name in ("precision", "recall", "f1")), f"{support[label]:,}")
        for label, scores in evaluation.class_metrics.items()
    ]


def verdict_rows(evaluation: Evaluation) -> Rows:
    """Return verdict, number of pictures, share of all pictures, and accuracy among them."""
    predictions = evaluation.predictions
    correct = predictions.predicted == predictions.truth
    rows: Rows = []
    for verdict, count in evaluation.verdicts.items():
        hits = [hit for hit, item in zip(correct, predictions.items, strict=True) if item.verdict == verdict]
        accuracy = f"{sum(hits) / count:.4f}" if count and verdict != "rejected" else ""
        rows.append((verdict, f"{count:,}", f"{count / len(correct):.2%}", accuracy))
    return rows


def robustness_rows(robustness: Robustness) -> tuple[tuple[str, ...], Rows]:
    """Return the header, with a column for each condition, and a row for each metric."""
    header = ("metric", *(CONDITION_TITLES[condition] for condition in robustness))
    rows: Rows = [
        (METRIC_TEXTS[name][0], *(_with_interval(metrics.get(name)) for metrics in robustness.values()))
        for name in robustness["as_they_are"]
    ]
    return header, rows


def show(evaluation: Evaluation, console: Console) -> None:
    """Print the metrics and, for X-rays, the robustness table. The console should have markup off."""
    heading = f"{evaluation.model.name}, {evaluation.split}: {len(evaluation.predictions.rows):,} pictures"
    verdicts = ", ".join(f"{count:,} {verdict}" for verdict, count in evaluation.verdicts.items())
    console.print(f"{heading} in {evaluation.predictions.group_count:,} groups; {verdicts}", style="bold")
    console.print(_table(("metric", "value", "95 % interval"), [row[:3] for row in metric_rows(evaluation)]))
    if evaluation.robustness is not None:
        header, rows = robustness_rows(evaluation.robustness)
        console.print(_table(header, [(name, *map(_two_lines, cells)) for name, *cells in rows]))


def _table(header: tuple[str, ...], rows: Rows) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for number, name in enumerate(header):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _with_interval(metric: Metric | None) -> str:
    return "-" if metric is None else f"{metric.value:.3f} ({metric.low:.3f} to {metric.high:.3f})"


def _two_lines(cell: str) -> str:
    """Put the interval below the value, so that four columns fit in 80 characters."""
    value, _, interval = cell.partition(" ")
    return f"{value}\n{interval.strip('()').replace(' to ', '-')}"
