"""The figures of each epoch so far, and what follows from them: the best epoch, when to stop, when to slow down.

Nothing of this is remembered anywhere else, so a resumed run decides as an uninterrupted one would.
"""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

from train.run import HISTORY_NAME, atomic_write

Row = dict[str, float]  # one epoch: loss, accuracy, val_loss, val_accuracy, learning_rate, images_per_second
FIRST = ("epoch", "accuracy", "loss", "val_accuracy", "val_loss")


def best_epoch(history: Sequence[Row]) -> int | None:
    """The epoch, counted from 0, with the lowest validation loss; None while no loss was a number."""
    losses = {epoch: row["val_loss"] for epoch, row in enumerate(history) if math.isfinite(row["val_loss"])}
    return min(losses, key=lambda epoch: losses[epoch]) if losses else None


def waited(history: Sequence[Row]) -> int:
    """Epochs since the best one."""
    best = best_epoch(history)
    return len(history) if best is None else len(history) - 1 - best


def stalled(history: Sequence[Row]) -> int:
    """Epochs since the best one, or since the learning rate last changed where that is fewer."""
    rates = [row["learning_rate"] for row in history]
    same = next((back for back, rate in enumerate(reversed(rates)) if rate != rates[-1]), len(rates))
    return min(waited(history), same)


def write(history: Sequence[Row], directory: Path) -> None:
    """Write `history.csv`, one line an epoch."""
    columns = [*FIRST, *(name for name in history[0] if name not in FIRST)]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({"epoch": epoch} | row for epoch, row in enumerate(history))
    with atomic_write(directory / HISTORY_NAME) as stream:
        stream.write(text.getvalue().encode())
