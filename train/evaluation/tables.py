"""An evaluation as tables of texts: the page shows them, and the terminal the first of them."""

from rich import box
from rich.console import Console
from rich.table import Table

from models.bundle import Metric
from train.evaluation.evaluate import Evaluation
from train.evaluation.robustness import TITLES, Robustness

Rows = list[tuple[str, ...]]

# In the order of the tables: what each figure is called, and what it says.
FIGURES = {
    "accuracy": ("accuracy", "share of the pictures with the right answer"),
    "balanced_accuracy": ("balanced accuracy", "the same, each label counting alike"),
    "sensitivity": ("sensitivity", "share of the {positive} pictures that are found, at the frozen operating point"),
    "specificity": ("specificity", "share of the others that are left alone, at the frozen operating point"),
    "roc_auc": ("ROC AUC", "chance that a picture of {positive} is ranked above another; 0.5 is guessing"),
    "average_precision": ("average precision", "area under the precision-recall curve"),
    "log_loss": ("log loss", "mean of -log p(truth); lower is better"),
    "brier": ("Brier score", "mean squared error of the probabilities; lower is better"),
    "ece": ("ECE", "expected calibration error: how far confidence and accuracy lie apart"),
    "ece_before": ("ECE before scaling", "the same before temperature scaling"),
    "aurc": ("AURC", "error averaged over every share of pictures answered, the most confident first; lower is better"),
    "rejected": ("rejected", "share of the pictures that are refused"),
    "heat_inside": ("heat in the chest", "share of the heat map within a box around the chest"),
}


def figure_rows(evaluation: Evaluation) -> Rows:
    """Name, value, interval and meaning of each figure."""
    operating = evaluation.info.thresholds.operating
    positive = "a label (mean over the labels)" if operating is None else operating.label
    rows: Rows = [
        (title, f"{metric.value:.4f}", f"{metric.low:.4f} to {metric.high:.4f}", meaning.format(positive=positive))
        for name, (title, meaning) in FIGURES.items()
        if (metric := evaluation.figures.get(name)) is not None
    ]
    return rows


def class_rows(evaluation: Evaluation) -> Rows:
    """Label, precision, recall and F1 with their intervals, and pictures."""
    support = evaluation.support
    return [
        (label, *(_with_interval(scores[name]) for name in ("precision", "recall", "f1")), f"{support[label]:,}")
        for label, scores in evaluation.classes.items()
    ]


def verdict_rows(evaluation: Evaluation) -> Rows:
    """Verdict, pictures, their share, and the share of right answers among them."""
    answers = evaluation.answers
    right = answers.chosen == answers.truth
    rows: Rows = []
    for verdict, count in evaluation.verdicts.items():
        among = [hit for hit, p in zip(right, answers.predictions, strict=True) if p.verdict == verdict]
        accuracy = f"{sum(among) / count:.4f}" if count and verdict != "rejected" else ""
        rows.append((verdict, f"{count:,}", f"{count / len(right):.2%}", accuracy))
    return rows


def robustness_rows(robustness: Robustness) -> tuple[tuple[str, ...], Rows]:
    """The header with a column for each alteration of the pictures, and a row for each figure."""
    header = ("figure", *(TITLES[condition] for condition in robustness))
    rows: Rows = [
        (FIGURES[name][0], *(_with_interval(found[name]) for found in robustness.values()))
        for name in robustness["as_they_are"]
    ]
    return header, rows


def show(evaluation: Evaluation, console: Console) -> None:
    """Print the figures and, for X-rays, what alterations do to them. The console should have markup off."""
    heading = f"{evaluation.subject.name}, {evaluation.split}: {len(evaluation.answers.rows):,} pictures"
    verdicts = ", ".join(f"{count:,} {verdict}" for verdict, count in evaluation.verdicts.items())
    console.print(f"{heading} in {evaluation.answers.group_count:,} groups; {verdicts}", style="bold")
    console.print(_table(("figure", "value", "95 % interval"), [row[:3] for row in figure_rows(evaluation)]))
    if evaluation.robustness is not None:
        header, rows = robustness_rows(evaluation.robustness)
        console.print(_table(header, [(name, *map(_narrow, cells)) for name, *cells in rows]))


def _table(header: tuple[str, ...], rows: Rows) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for number, name in enumerate(header):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _with_interval(metric: Metric) -> str:
    return f"{metric.value:.3f} ({metric.low:.3f} to {metric.high:.3f})"


def _narrow(cell: str) -> str:
    """The interval below the value, so that four columns fit in 80 characters."""
    value, _, interval = cell.partition(" ")
    return f"{value}\n{interval.strip('()').replace(' to ', '-')}"
