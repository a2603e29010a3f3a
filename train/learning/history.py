"""The metrics of each epoch: the best epoch, early stopping, `history.csv` and `curves.png`.

All decisions are computed from the list of epochs. There is no other state, so a resumed run makes the same decisions
as an uninterrupted one.
"""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from train.run import CURVES_NAME, HISTORY_NAME, atomic_write

EpochMetrics = dict[str, float]  # loss, accuracy, val_loss, val_accuracy, learning_rate, images_per_second
FIRST_COLUMNS = ("epoch", "accuracy", "loss", "val_accuracy", "val_loss")
PANELS = {"loss": ("loss", "val_loss"), "accuracy": ("accuracy", "val_accuracy"), "learning rate": ("learning_rate",)}


def best_epoch(history: Sequence[EpochMetrics]) -> int | None:
    """Return the epoch with the lowest validation loss, counted from 0. None if no loss is finite."""
    losses = {epoch: metrics["val_loss"] for epoch, metrics in enumerate(history) if math.isfinite(metrics["val_loss"])}
    return min(losses, key=lambda epoch: losses[epoch]) if losses else None


def epochs_without_improvement(history: Sequence[EpochMetrics]) -> int:
    """Return the number of epochs since the best one. Early stopping compares it with the patience."""
    best = best_epoch(history)
    return len(history) if best is None else len(history) - 1 - best


def epochs_on_plateau(history: Sequence[EpochMetrics]) -> int:
    """Return the number of epochs since the best one or since the last change of the learning rate, the lower one."""
    rates = [metrics["learning_rate"] for metrics in history]
    unchanged = next((count for count, rate in enumerate(reversed(rates)) if rate != rates[-1]), len(rates))
    return min(epochs_without_improvement(history), unchanged)


def write_csv(history: Sequence[EpochMetrics], directory: Path) -> None:
    """Write `history.csv`, one line per epoch."""
    columns = [*FIRST_COLUMNS, *(name for name in history[0] if name not in FIRST_COLUMNS)]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({"epoch": epoch} | metrics for epoch, metrics in enumerate(history))
    with atomic_write(directory / HISTORY_NAME) as stream:
        stream.write(text.getvalue().encode())


def draw_curves(history: Sequence[EpochMetrics], directory: Path) -> None:
    """Write `curves.png`: loss, accuracy and learning rate by epoch. A dotted line marks the best epoch."""
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    epochs = range(1, len(history) + 1)
    best = best_epoch(history)
    for axes, (title, names) in zip(figure.subplots(1, len(PANELS)), PANELS.items(), strict=True):
        for name in names:
            label = "validation" if name.startswith("val_") else "training"
            axes.plot(epochs, [metrics[name] for metrics in history], marker="o", markersize=3, label=label)
        if best is not None:
            axes.axvline(best + 1, color="grey", linestyle=":", linewidth=1, label="best epoch")
        axes.set(title=title, xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        if len(names) > 1:
            axes.legend()
    with atomic_write(directory / CURVES_NAME) as stream:
        figure.savefig(stream, format="png", dpi=120)
