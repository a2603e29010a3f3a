"""The history of a run as a picture: loss, accuracy and learning rate by epoch."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from train.learning.history import Row, best_epoch
from train.run import CURVES_NAME, atomic_write

PANELS = {"loss": ("loss", "val_loss"), "accuracy": ("accuracy", "val_accuracy"), "learning rate": ("learning_rate",)}


def draw(history: Sequence[Row], directory: Path) -> None:
    """Write `curves.png`; a dotted line marks the epoch that was kept."""
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    epochs = range(1, len(history) + 1)
    best = best_epoch(history)
    for axes, (title, names) in zip(figure.subplots(1, len(PANELS)), PANELS.items(), strict=True):
        for name in names:
            label = "validation" if name.startswith("val_") else "training"
            axes.plot(epochs, [row[name] for row in history], marker="o", markersize=3, label=label)
        if best is not None:
            axes.axvline(best + 1, color="grey", linestyle=":", linewidth=1, label="kept")
        axes.set(title=title, xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        if len(names) > 1:
            axes.legend()
    with atomic_write(directory / CURVES_NAME) as stream:
        figure.savefig(stream, format="png", dpi=120)
