"""Training to look at: a bar while it runs, and a line for each epoch, on the standard error."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from train.errors import NotANumber
from train.learning.history import Row
from train.learning.optimizer import Rate

PAUSE_S = 0.2  # between two updates of the bar: the learning rate costs a computation


@contextmanager
def bar() -> Iterator[Progress]:
    """The bar; where the standard error is no terminal it shows nothing, and what is printed on it are plain lines."""
    console = Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[figures]}"))
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        speed_estimate_period=3600,  # s: over epochs, with their validation
    ) as progress:
        yield progress


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is to do in a stage of training."""

    name: str  # what an epoch is called
    epochs: int
    steps: int  # in an epoch
    pictures: int  # in an epoch


class Watch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Moves the bar, adds learning rate and images per second to the logs, and prints a line for each epoch.

    Raises NotANumber as soon as the loss is none.
    """

    async_safe = True  # a small network's GPU need not wait for the bar

    def __init__(self, progress: Progress, extent: Extent, rate: Rate) -> None:
        super().__init__()
        self._progress, self._extent, self._schedule = progress, extent, rate
        self._task = progress.add_task("", total=None, figures="")
        self._first: int | None = None
        self._rate = self._learnt_s = self._began = self._shown = 0.0

    def on_epoch_begin(self, epoch: int, _logs: Row | None = None) -> None:
        """Begin to count."""
        steps = self._extent.steps
        if self._first is None:  # of this process: the time left follows from what it did itself
            self._first = epoch
            self._progress.reset(self._task, total=(self._extent.epochs - epoch) * steps, figures="")
        self._epoch, self._rate = epoch, self._learning_rate()
        self._began, self._learnt_s = time.perf_counter(), 0.0
        self._progress.update(self._task, description=f"{self._extent.name} {epoch + 1}/{self._extent.epochs}")

    def on_train_batch_end(self, batch: int, logs: Row | None = None) -> None:
        """Move the bar, now and then."""
        logs = logs or {}
        if not math.isfinite(logs["loss"]):
            raise NotANumber(f"the loss is {logs['loss']} in {self._extent.name} {self._epoch + 1}")
        now = time.perf_counter()
        done = min(batch + 1, self._extent.steps)
        if now - self._shown < PAUSE_S and done < self._extent.steps:
            return
        self._shown = now
        if not isinstance(self._schedule, float):
            self._rate = float(self._schedule(self._epoch * self._extent.steps + done))
        pictures = done / self._extent.steps * self._extent.pictures
        figures = logs | {"learning_rate": self._rate, "images_per_second": pictures / (now - self._began)}
        completed = (self._epoch - (self._first or 0)) * self._extent.steps + done
        self._progress.update(self._task, completed=completed, figures=_words(figures))

    def on_test_begin(self, _logs: Row | None = None) -> None:
        """Learning is over in this epoch; validation is not counted."""
        self._learnt_s = time.perf_counter() - self._began

    def on_epoch_end(self, epoch: int, logs: Row | None = None) -> None:
        """Say what this epoch gave."""
        if logs is None:
            return
        seconds = self._learnt_s or time.perf_counter() - self._began
        logs |= {"learning_rate": self._learning_rate(), "images_per_second": self._extent.pictures / seconds}
        self._progress.console.print(f"{self._extent.name} {epoch + 1}/{self._extent.epochs}: {_words(logs)}")

    def on_train_end(self, _logs: Row | None = None) -> None:
        """Close the bar."""
        self.close()

    def close(self) -> None:
        """Take the bar away: the stage is over, or begins again."""
        self._progress.remove_task(self._task)

    def _learning_rate(self) -> float:
        return float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))


def _words(figures: Row) -> str:
    names = {"loss": "loss", "accuracy": "accuracy", "val_loss": "val loss", "val_accuracy": "val accuracy"}
    said = [f"{words} {figures[name]:.4f}" for name, words in names.items() if name in figures]
    return ", ".join([*said, f"rate {figures['learning_rate']:.2g}", f"{figures['images_per_second']:,.0f} images/s"])
