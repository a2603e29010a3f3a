"""Checkpoints of a run: the training state to resume from, the best network, and early stopping.

The training state is everything needed to resume a run. It is in `RUN/unfinished/state.npz`, and a run that was killed
continues from it to the metrics of an uninterrupted one. The order of the pictures needs no storage, because it follows
from the seed and the epoch's number. The random layers keep their seeds in variables of the network.
"""

import json
import signal
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from train.errors import RunError
from train.learning.history import (
    EpochMetrics,
    best_epoch,
    epochs_on_plateau,
    epochs_without_improvement,
    write_csv,
)
from train.learning.optimizer import PLATEAU_FACTOR, plateau_patience
from train.learning.unfinished_run import UNFINISHED
from train.learning.weight_averaging import StochasticWeightAveraging
from train.recipe import Recipe
from train.run import Run, atomic_write

STATE_NAME = "state.npz"
FIELDS = "fields"  # the array of `state.npz` with the non-array fields, stored as JSON


@dataclass(frozen=True, slots=True)
class TrainingState:
    """The state at the start of an epoch. `arrays` is empty at the start of a phase."""

    phase: str
    epoch: int = 0  # within the phase
    accumulation_steps: int = 1  # partial batches per step; more than 1 after the memory ran out
    minutes: float = 0.0
    history: list[EpochMetrics] = field(default_factory=list)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    def write(self, directory: Path) -> None:
        """Write `state.npz`."""
        names = ("phase", "epoch", "accumulation_steps", "minutes", "history")
        fields = json.dumps({name: getattr(self, name) for name in names})
        with atomic_write(directory / UNFINISHED / STATE_NAME) as stream:
            np.savez(stream, allow_pickle=False, **self.arrays, **{FIELDS: np.array(fields)})


def read_state(directory: Path) -> TrainingState | None:
    """Read the state of an unfinished run. None if the run stopped before its first step.

    Raises RunError when another version wrote it.
    """
    path = directory / UNFINISHED / STATE_NAME
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
    except FileNotFoundError:
        return None
    try:
        return TrainingState(**json.loads(str(arrays.pop(FIELDS))), arrays=arrays)
    except (KeyError, TypeError) as error:
        raise RunError(f"{path} is from another version ({error}): start a run without --resume") from error


def restore(model: keras.Model, state: TrainingState, accumulation_steps: int) -> None:
    """Load a state into a compiled model.

    `accumulation_steps` may be more than the state's. Keras counts every partial batch as an iteration, so the counter
    is scaled. The gradient accumulators are zero at the start of an epoch.
    """
    model.optimizer.build(model.trainable_variables)
    for name, variable in _variables(model).items():
        if name in state.arrays:
            value = state.arrays[name]
            if variable.name == "iteration":
                value = value * accumulation_steps // state.accumulation_steps
            variable.assign(value)


@contextmanager
def safe_write(directory: Path) -> Iterator[None]:
    """Delay Ctrl-C until all files are written. Raises RunError when the disk is full or not writable."""
    interrupts: list[int] = []
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number)) if in_main_thread else None
    try:
        yield
    except OSError as error:
        raise RunError(
            f"cannot write to {directory} ({error.strerror or error}): free some disk space and continue with "
            "--resume; earlier files are still there"
        ) from error
    finally:
        if in_main_thread:
            signal.signal(signal.SIGINT, handler)
    if interrupts:
        raise KeyboardInterrupt


class StateCheckpoint(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Write the training state at the start of each epoch.

    Not at the end, because then averaged weights have replaced the network's own. For the same reason, this callback
    comes after those that average weights.
    """

    def __init__(
        self,
        state: TrainingState,
        swa: StochasticWeightAveraging | None,
        directory: Path,
        elapsed_minutes: Callable[[], float],
    ) -> None:
        super().__init__()
        self._state, self._swa, self._directory, self._elapsed_minutes = state, swa, directory, elapsed_minutes

    def on_epoch_begin(self, epoch: int, _logs: dict[str, float] | None = None) -> None:
        """Write the state from which this epoch starts."""
        arrays = {name: keras.ops.convert_to_numpy(variable) for name, variable in _variables(self.model).items()}
        if self._swa is not None:
            arrays |= self._swa.arrays()
        with safe_write(self._directory):
            replace(self._state, epoch=epoch, minutes=self._elapsed_minutes(), arrays=arrays).write(self._directory)


class BestCheckpoint(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Save the network and `run.json` when the validation loss improves. Append each epoch's metrics to `history`.

    The network is saved without the augmentation layers, so an interrupted run can be exported after its first epoch.
    `trained` is the network that is trained, `network` its float32 copy, or the same one without mixed precision.
    `describe` returns the contents of `run.json`. Needs `learning_rate` in the logs.
    """

    def __init__(
        self,
        trained: keras.Model,
        network: keras.Model,
        directory: Path,
        history: list[EpochMetrics],
        describe: Callable[[list[EpochMetrics], int], Run],
    ) -> None:
        super().__init__()
        self._trained, self._network, self._directory = trained, network, directory
        self._history, self._describe = history, describe

    def on_epoch_end(self, epoch: int, logs: EpochMetrics | None = None) -> None:
        """Save this epoch's weights if they are the best so far."""
        self._history.append({name: float(value) for name, value in (logs or {}).items()})
        with safe_write(self._directory):
            if best_epoch(self._history) == epoch:
                if self._network is not self._trained:
                    self._network.set_weights(self._trained.get_weights())
                _save(self._network, self._directory)
                self._describe(self._history, epoch).write(self._directory)
            write_csv(self._history, self._directory)


class EarlyStopping(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Stop when the validation loss has not improved for `patience` epochs. Comes after `BestCheckpoint`.

    With the schedule `plateau`, reduce the learning rate earlier. Unlike Keras' callbacks `EarlyStopping` and
    `ReduceLROnPlateau`, this one decides from the history alone, so a resumed run stops at the same epoch.
    """

    def __init__(self, recipe: Recipe, history: list[EpochMetrics]) -> None:
        super().__init__()
        self._recipe, self._history = recipe, history

    def on_epoch_end(self, _epoch: int, _logs: EpochMetrics | None = None) -> None:
        """Stop training, or reduce the learning rate."""
        if epochs_without_improvement(self._history) >= self._recipe.patience:
            self.model.stop_training = True
        elif self._recipe.schedule == "plateau" and epochs_on_plateau(self._history) >= plateau_patience(self._recipe):
            self.model.optimizer.learning_rate = PLATEAU_FACTOR * self._history[-1]["learning_rate"]


def _save(network: keras.Model, directory: Path) -> None:
    """Write the network in Keras' directory layout. Each file is replaced atomically, so a crash leaves a usable one.

    Keras writes an archive first, because HDF5 then writes to memory: on a full disk, HDF5 has crashed the process.
    """
    with tempfile.TemporaryDirectory(dir=directory / UNFINISHED) as temporary:
        archive = Path(temporary) / "network.keras"
        keras.saving.save_model(network, archive)
        with zipfile.ZipFile(archive) as members:
            members.extractall(temporary)
            for name in members.namelist():
                (Path(temporary) / name).replace(directory / name)


def _variables(model: keras.Model) -> dict[str, Any]:
    """Return the variables by kind and number. Keras' own names depend on what else the process has built."""
    kinds: dict[str, list[Any]] = {"model": model.variables, "optimizer": [], "gradient_sum": []}
    for variable in model.optimizer.variables:
        kinds["gradient_sum" if variable.name.endswith("gradient_accumulator") else "optimizer"].append(variable)
    return {f"{kind}.{number}": variable for kind, found in kinds.items() for number, variable in enumerate(found)}
