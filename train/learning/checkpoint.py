"""The state of training at the start of an epoch: all that decides how it goes on, in `RUN/unfinished/state.npz`.

A run that was killed goes on from there to the figures of an uninterrupted one. The order of the pictures and the
drawing of chance are in it too: the order follows from the epoch's number, and the random layers count in variables
of the network. It is written when an epoch begins, and not when one ends, because then averaged weights have been
exchanged for the network's own again.
"""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from train.errors import RunError
from train.learning.history import Row
from train.learning.plan import UNFINISHED
from train.learning.weight_averaging import Averaged
from train.run import atomic_write

STATE_NAME = "state.npz"
WORDS = "words"  # what is no array, as JSON, among the arrays


@dataclass
class State:
    """Where training is. Arrays are empty at the very start."""

    stage: str
    epoch: int = 0  # the next one, within the stage
    parts: int = 1  # that batches are split into, since memory ran out
    minutes: float = 0.0
    history: list[Row] = field(default_factory=list)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    def reload(self, directory: Path) -> None:
        """Go back to what was last written."""
        stored = read(directory)
        if stored is not None:
            self.__dict__.update(vars(stored))

    def write(self, directory: Path) -> None:
        """Write `state.npz`."""
        words = {name: getattr(self, name) for name in ("stage", "epoch", "parts", "minutes", "history")}
        with atomic_write(directory / UNFINISHED / STATE_NAME) as stream:
            np.savez(stream, allow_pickle=False, **self.arrays, **{WORDS: np.array(json.dumps(words))})


def read(directory: Path) -> State | None:
    """The state of an unfinished run, or None when it had not come to its first step."""
    try:
        with np.load(directory / UNFINISHED / STATE_NAME, allow_pickle=False) as stored:
            arrays = dict(stored)
    except FileNotFoundError:
        return None
    return State(**json.loads(str(arrays.pop(WORDS))), arrays=arrays)


@contextmanager
def saving(directory: Path) -> Iterator[None]:
    """While files are written: Ctrl-C waits until they are whole. Raises RunError when there is no room for them."""
    interrupts: list[int] = []
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number)) if in_main else None
    try:
        yield
    except OSError as error:
        raise RunError(
            f"{directory} cannot be written to ({error.strerror or error}): what was there is kept; make room and go "
            "on with --resume"
        ) from error
    finally:
        if in_main:
            signal.signal(signal.SIGINT, before)
    if interrupts:
        raise KeyboardInterrupt


class Checkpoint(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Writes the state at the start of each epoch. Comes after the callback that averages weights."""

    def __init__(self, state: State, averaged: Averaged | None, directory: Path, minutes: Callable[[], float]) -> None:
        super().__init__()
        self._state, self._averaged, self._directory, self._minutes = state, averaged, directory, minutes

    def on_epoch_begin(self, epoch: int, _logs: dict[str, float] | None = None) -> None:
        """Write what this epoch starts from."""
        arrays = _arrays(self.model) | (self._averaged.arrays() if self._averaged else {})
        with saving(self._directory):
            replace(self._state, epoch=epoch, minutes=self._minutes(), arrays=arrays).write(self._directory)


def restore(model: keras.Model, state: State, parts: int) -> None:
    """Bring a compiled model to where `state` was.

    `parts` may be more than the state's: Keras counts every part of a batch as an iteration, and the sums of gradients
    that it then needs are zero at the start of an epoch.
    """
    model.optimizer.build(model.trainable_variables)
    for name, variable in _variables(model).items():
        if name in state.arrays:
            value = state.arrays[name]
            variable.assign(value * parts // state.parts if variable.name == "iteration" else value)


def _arrays(model: keras.Model) -> dict[str, NDArray[Any]]:
    return {name: keras.ops.convert_to_numpy(variable) for name, variable in _variables(model).items()}


def _variables(model: keras.Model) -> dict[str, Any]:
    """Variables by kind and number: their own names depend on what else the process has built."""
    kinds: dict[str, list[Any]] = {"model": model.variables, "optimizer": [], "sum": []}
    for variable in model.optimizer.variables:
        kinds["sum" if variable.name.endswith("gradient_accumulator") else "optimizer"].append(variable)
    return {f"{kind}.{number}": variable for kind, found in kinds.items() for number, variable in enumerate(found)}
