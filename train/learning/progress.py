"""Progress of training: a bar and a line per epoch on the standard error, and logs for TensorBoard."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from train.errors import NotANumber, RunError
from train.learning.history import EpochMetrics
from train.learning.optimizer import LearningRate

UPDATE_INTERVAL_S = 0.2  # between two updates of the bar: reading the learning rate costs a computation


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show a progress bar. Without a terminal there is no bar, and printed lines are plain text."""
    console = Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[metrics]}"))
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        speed_estimate_period=3600,  # seconds: long enough for epochs with their validation
    ) as progress:
        yield progress


class ProgressCallback(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Update the bar, add `learning_rate` and `images_per_second` to the logs, and print a line per epoch.

    `phase` is the name before the epoch's number; `steps` and `pictures` are those of one epoch.
    Raises NotANumber as soon as the loss is not finite.
    """

    async_safe = True  # Keras then does not wait for the bar after each step of a small network on a GPU

    def __init__(
        self, progress: Progress, phase: str, *, epochs: int, steps: int, pictures: int, learning_rate: LearningRate
    ) -> None:
        super().__init__()
        self._progress, self._phase, self._schedule = progress, phase, learning_rate
        self._epochs, self._steps, self._pictures = epochs, steps, pictures
        self._task = progress.add_task("", total=None, metrics="")
        self._first_epoch: int | None = None
        self._rate = self._training_s = self._started = self._updated = 0.0

    def on_epoch_begin(self, epoch: int, _logs: EpochMetrics | None = None) -> None:
        """Start the epoch's clock."""
        if self._first_epoch is None:
            # A resumed run starts at a later epoch. The time left is estimated from the epochs of this process.
            self._first_epoch = epoch
            self._progress.reset(self._task, total=(self._epochs - epoch) * self._steps, metrics="")
        self._epoch, self._rate = epoch, self._current_rate()
        self._started, self._training_s = time.perf_counter(), 0.0
        self._progress.update(self._task, description=f"{self._phase} {epoch + 1}/{self._epochs}")

    def on_train_batch_end(self, batch: int, logs: EpochMetrics | None = None) -> None:
        """Check the loss, and update the bar every `UPDATE_INTERVAL_S` seconds."""
        logs = logs or {}
        if not math.isfinite(logs["loss"]):
            raise NotANumber(f"the loss is {logs['loss']} in {self._phase} {self._epoch + 1}")
        now = time.perf_counter()
        done = min(batch + 1, self._steps)
        if now - self._updated < UPDATE_INTERVAL_S and done < self._steps:
            return
        self._updated = now
        if not isinstance(self._schedule, float):
            self._rate = float(self._schedule(self._epoch * self._steps + done))
        pictures = done / self._steps * self._pictures
        metrics = logs | {"learning_rate": self._rate, "images_per_second": pictures / (now - self._started)}
        completed = (self._epoch - (self._first_epoch or 0)) * self._steps + done
        self._progress.update(self._task, completed=completed, metrics=_as_text(metrics))

    def on_test_begin(self, _logs: EpochMetrics | None = None) -> None:
        """Stop the epoch's clock: validation does not count."""
        self._training_s = time.perf_counter() - self._started

    def on_epoch_end(self, epoch: int, logs: EpochMetrics | None = None) -> None:
        """Complete the epoch's metrics and print them."""
        if logs is None:
            return
        seconds = self._training_s or time.perf_counter() - self._started
        logs |= {"learning_rate": self._current_rate(), "images_per_second": self._pictures / seconds}
        self._progress.console.print(f"{self._phase} {epoch + 1}/{self._epochs}: {_as_text(logs)}")

    def on_train_end(self, _logs: EpochMetrics | None = None) -> None:
        """Remove the bar."""
        self.close()

    def close(self) -> None:
        """Remove the bar, at the end of a phase or before it restarts."""
        self._progress.remove_task(self._task)

    def _current_rate(self) -> float:
        return float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))


def tensorboard_callback(directory: Path) -> keras.callbacks.Callback:
    """Return Keras' callback that writes logs to `directory/tensorboard`. Raises RunError when a package is missing."""
    for package in ("tensorflow", "tensorboard"):  # Keras writes the logs with TensorFlow, under any backend
        if find_spec(package) is None:
            raise RunError(f"logs for TensorBoard need {package}: run `pip install {package}`, or omit --tensorboard")
    return keras.callbacks.TensorBoard(str(directory / "tensorboard"), write_graph=False)


def _as_text(metrics: EpochMetrics) -> str:
    names = {"loss": "loss", "accuracy": "accuracy", "val_loss": "val loss", "val_accuracy": "val accuracy"}
    parts = [f"{text} {metrics[name]:.4f}" for name, text in names.items() if name in metrics]
    parts += [f"rate {metrics['learning_rate']:.2g}", f"{metrics['images_per_second']:,.0f} images/s"]
    return ", ".join(parts)
