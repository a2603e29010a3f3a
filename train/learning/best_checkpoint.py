"""What is done at the end of each epoch: keep the best network, write the history, slow down or stop."""

import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras

from train.learning import history
from train.learning.checkpoint import saving
from train.learning.history import Row
from train.learning.optimizer import PLATEAU_FACTOR, patience_of_plateau
from train.learning.plan import UNFINISHED
from train.recipe import Recipe
from train.run import Run

Describe = Callable[[list[Row]], Run]


class Keeper(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Saves the network, without the augmentation around it, and `run.json` whenever validation improves.

    So a run that is interrupted after its first epoch can be exported all the same. `learner` is the network that
    learns, `network` its float32 twin, or itself where it is one. Needs `learning_rate` in the logs.
    """

    def __init__(
        self,
        learner: keras.Model,
        network: keras.Model,
        directory: Path,
        recipe: Recipe,
        rows: list[Row],
        describe: Describe,
    ) -> None:
        super().__init__()
        self._learner, self._network, self._directory = learner, network, directory
        self._recipe, self._rows, self._describe = recipe, rows, describe

    def on_epoch_end(self, epoch: int, logs: Row | None = None) -> None:
        """Keep this epoch's weights if they are the best so far."""
        self._rows.append({name: float(value) for name, value in (logs or {}).items()})
        with saving(self._directory):
            if history.best_epoch(self._rows) == epoch:
                if self._network is not self._learner:
                    self._network.set_weights(self._learner.get_weights())
                _save(self._network, self._directory)
                self._describe(self._rows).write(self._directory)
            history.write(self._rows, self._directory)
        if history.waited(self._rows) >= self._recipe.patience:
            self.model.stop_training = True
        elif self._recipe.schedule == "plateau" and history.stalled(self._rows) >= patience_of_plateau(self._recipe):
            self.model.optimizer.learning_rate = PLATEAU_FACTOR * self._rows[-1]["learning_rate"]


def _save(network: keras.Model, directory: Path) -> None:
    """Keras' directory layout in `directory`; whole files replace older ones, so a crash leaves a usable network.

    By way of Keras' archive, because that has HDF5 write to memory: on a full disk HDF5 has crashed the process.
    """
    with tempfile.TemporaryDirectory(dir=directory / UNFINISHED) as temporary:
        archive = Path(temporary) / "network.keras"
        keras.saving.save_model(network, archive)
        with zipfile.ZipFile(archive) as members:
            members.extractall(temporary)
            for name in members.namelist():
                (Path(temporary) / name).replace(directory / name)
