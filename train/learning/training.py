"""Training, from the split manifest to a run directory. Read it from top to bottom.

`fit` starts a run and `resume` continues one; both let a `Trainer` do the work: load the pictures, build the network,
train it in one or two phases, and save the best epoch.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from models.bundle import describe_file
from train import run as runs
from train.errors import DataError, NotANumber, RunError
from train.learning.architectures import build_network, find_backbone, unfreeze
from train.learning.augmentation import build_augmentation
from train.learning.batches import Batches, load_all, picture_loader
from train.learning.checkpoint import (
    BestCheckpoint,
    EarlyStopping,
    StateCheckpoint,
    TrainingState,
    read_state,
    restore,
    safe_write,
)
from train.learning.corruptions import corrupted_copies
from train.learning.history import EpochMetrics, best_epoch, draw_curves
from train.learning.optimizer import (
    LearningRate,
    build_head_optimizer,
    build_optimizer,
    compile_model,
    learning_rate_schedule,
)
from train.learning.outlier_exposure import add_outliers
from train.learning.precision import has_gpu, is_out_of_memory, to_mixed_precision
from train.learning.progress import ProgressCallback, progress_bar, tensorboard_callback
from train.learning.unfinished_run import UNFINISHED, Plan, lock_run, read_plan
from train.learning.weight_averaging import StochasticWeightAveraging
from train.manifest import MANIFEST_NAME, Row, class_indices, read_manifest
from train.recipe import Recipe

HEAD, WHOLE = "head", "epoch"  # the phases, as they are stored and printed: "head 1/2", "epoch 1/10"


def fit(
    recipe: Recipe, task_dir: Path, directory: Path, weights: Path | None = None, tensorboard: bool = False
) -> runs.Run:
    """Train a network and save the epoch with the lowest validation loss.

    With a backbone there are two phases: `head_epochs` of the new head alone, then `epochs` of the whole network,
    except the backbone's batch norms, which stay frozen.

    - `task_dir`: the folder with the pictures and their `manifest.csv`.
    - `directory`: the run directory to write.
    - `weights`: the backbone's file, `.keras` or a `keras.applications` `.h5`. None lets Keras download it.
    - `tensorboard`: also write logs for TensorBoard to `directory/tensorboard`.

    Raises TrainError when the data, the recipe or the weights are wrong, when the loss is not finite, or when the disk
    is full. The best epoch so far is then in `directory`.
    """
    plan = Plan(
        recipe=recipe,
        task_dir=str(task_dir),
        manifest_sha256=_manifest_sha256(task_dir),
        weights=None if weights is None else str(weights),
        tensorboard=tensorboard,
        source_commit=runs.source_commit(),  # at the start, because the code may change during the training
        backend=keras.backend.backend(),
    )
    return Trainer(plan, directory, TrainingState(HEAD)).train()


def resume(directory: Path, weights: Path | None = None) -> runs.Run:
    """Continue the unfinished run in `directory` from its last complete epoch.

    The result is the same as without the interruption. `weights` replaces the path of the backbone's file.
    Raises RunError when the run is finished, or when the backend or the manifest has changed since its start.
    """
    plan = read_plan(directory)
    if weights is not None:
        plan = replace(plan, weights=str(weights))
    if plan.backend != keras.backend.backend():
        raise RunError(f"{directory} was started under {plan.backend}: set KERAS_BACKEND={plan.backend} to resume it")
    if plan.manifest_sha256 != _manifest_sha256(Path(plan.task_dir)):
        raise RunError(f"the split of {plan.task_dir} has changed since {directory} started: start a new run")
    return Trainer(plan, directory, read_state(directory) or TrainingState(HEAD)).train()


@dataclass(frozen=True, slots=True)
class Phase:
    """A training phase: its schedule, its optimizer and its callbacks."""

    name: str
    epochs: int
    learning_rate: Callable[[int], LearningRate]  # steps → schedule
    optimizer: Callable[[LearningRate, int], keras.optimizers.Optimizer]  # schedule, accumulation steps → optimizer
    callbacks: Callable[[ProgressCallback], list[keras.callbacks.Callback]]  # in the order of their calls
    val_set: Batches | None = None


class Trainer:
    """The training of one run. The constructor loads and builds all that is needed, `train` does the rest.

    `network` is float32 and is saved; `trained` is the network that learns: the same one, or with mixed precision its
    copy in half precision. `model` is `trained` with the augmentation layers before it.
    """

    def __init__(self, plan: Plan, directory: Path, state: TrainingState) -> None:
        self.plan, self.recipe, self.directory, self.state = plan, plan.recipe, directory, state
        self.started = time.monotonic() - 60 * state.minutes
        self.tensorboard = [tensorboard_callback(directory)] if plan.tensorboard else []
        recipe, task_dir = plan.recipe, Path(plan.task_dir)

        keras.utils.set_random_seed(recipe.seed)
        rows = read_manifest(task_dir)
        train_rows, val_rows = _select(rows, "train"), _select(rows, "val")
        labels = tuple(recipe.labels)

        # The network is built before the pictures are read, so that wrong weights are reported at once.
        self.network = build_network(
            recipe.arch,
            recipe.input,
            len(labels),
            dropout=recipe.dropout,
            weights=None if plan.weights is None else Path(plan.weights),
            weights_sha256=recipe.weights_sha256,
        )

        truth, val_truth = class_indices(train_rows, labels), class_indices(val_rows, labels)
        self.class_weight = _class_weights(truth) if recipe.class_weights else None
        pictures, truth = add_outliers(_training_pictures(task_dir, train_rows, recipe), truth, recipe)
        val_pictures = load_all(picture_loader(task_dir, val_rows, recipe), len(val_rows), "validation pictures")
        if recipe.corrupted_validation:
            val_pictures = np.concatenate([val_pictures, corrupted_copies(val_pictures)])
            val_truth = np.tile(val_truth, 2)
        self.train_set = Batches(
            pictures, truth, len(labels), recipe.batch_size, recipe.seed, recipe.balanced_sampling, recipe.mixup
        )
        self.val_set = Batches(val_pictures, val_truth, len(labels), 4 * recipe.batch_size, seed=None)

        self.trained = to_mixed_precision(self.network) if recipe.mixed_precision else self.network
        augmentation = build_augmentation(recipe.augmentation)
        self.model = keras.Sequential([self.trained.inputs[0], augmentation, self.trained])

    def train(self) -> runs.Run:
        """Train from the current state to the end, and return what `run.json` has.

        When the loss is not finite, the run ends with the best epoch so far, because a resumed run would fail again.
        """
        self.plan.write(self.directory)
        try:
            with lock_run(self.directory), progress_bar() as progress:
                self._train_phases(progress)
            best = best_epoch(self.state.history)
            if best is None:
                raise NotANumber("the validation loss was never finite")
        except NotANumber as error:
            advice = "try a lower learning rate"
            best = best_epoch(self.state.history)
            if best is None:
                shutil.rmtree(self.directory / UNFINISHED)
                raise RunError(f"{error}, and no earlier epoch can be used: {advice}") from error
            self._finish(best)
            raise RunError(
                f"{error}: the best epoch before it, {best + 1}, is in {self.directory} and can be exported; {advice}"
            ) from error
        return self._finish(best)

    def _train_phases(self, progress: Progress) -> None:
        recipe = self.recipe
        if recipe.mixed_precision and not has_gpu():
            progress.console.print("mixed precision is for GPUs: on this machine's CPU it is slower or no faster")
        backbone = find_backbone(self.trained)
        if self.state.phase == HEAD:
            if backbone is not None and recipe.head_epochs:
                backbone.trainable = False
                head = Phase(
                    HEAD,
                    recipe.head_epochs,
                    lambda _steps: recipe.head_learning_rate,
                    partial(build_head_optimizer, recipe),
                    self._head_callbacks,
                )
                self._run_phase(head, progress)
            self.state = TrainingState(WHOLE, accumulation_steps=self.state.accumulation_steps)
        if backbone is not None:
            unfreeze(backbone)
        whole = Phase(
            WHOLE,
            recipe.epochs,
            partial(learning_rate_schedule, recipe),
            partial(build_optimizer, recipe),
            self._whole_callbacks,
            self.val_set,
        )
        self._run_phase(whole, progress)

    def _head_callbacks(self, reporter: ProgressCallback) -> list[keras.callbacks.Callback]:
        return [reporter, StateCheckpoint(self.state, None, self.directory, self._minutes)]

    def _whole_callbacks(self, reporter: ProgressCallback) -> list[keras.callbacks.Callback]:
        recipe, history = self.recipe, self.state.history
        ema = keras.callbacks.SwapEMAWeights(swap_on_epoch=True) if recipe.ema else None
        swa = StochasticWeightAveraging(self.trained, self.train_set, recipe, self.state.arrays) if recipe.swa else None
        callbacks = [
            ema,  # the averages first: the other callbacks see the averaged weights
            swa,
            reporter,
            BestCheckpoint(self.trained, self.network, self.directory, history, self._describe),
            EarlyStopping(recipe, history),
            *self.tensorboard,
            StateCheckpoint(self.state, swa, self.directory, self._minutes),
        ]
        return [callback for callback in callbacks if callback is not None]

    def _run_phase(self, phase: Phase, progress: Progress) -> None:
        """Train from the current state to the last epoch of the phase, or until a callback stops it.

        When the device's memory runs out, the epoch restarts with twice as many gradient-accumulation steps: partial
        batches of half the size, and the same number of pictures per update of the weights. Only batch norms differ,
        because their statistics come from fewer pictures.
        Raises RunError when the memory is too small for one picture.
        """
        recipe, model, train_set = self.recipe, self.model, self.train_set
        accumulation_steps = self.state.accumulation_steps
        while True:
            train_set.accumulation_steps = self.val_set.accumulation_steps = accumulation_steps
            steps = len(train_set)
            learning_rate = phase.learning_rate(steps * phase.epochs)
            compile_model(model, recipe, phase.optimizer(learning_rate, accumulation_steps))
            if keras.backend.backend() == "jax" and train_set.workers > 1:
                # Without this call, Keras reads a few batches in advance to build the loss, and these wrongly ordered
                # batches appear again in the first epoch.
                model.test_on_batch(*train_set[0])
            restore(model, self.state, accumulation_steps)
            self.state = replace(self.state, accumulation_steps=accumulation_steps)
            reporter = ProgressCallback(
                progress,
                phase.name,
                epochs=phase.epochs,
                steps=steps,
                pictures=train_set.count,
                learning_rate=learning_rate,
            )
            shuffle = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: train_set.set_epoch(epoch))
            try:
                model.fit(
                    train_set,
                    validation_data=phase.val_set,
                    initial_epoch=self.state.epoch,
                    epochs=phase.epochs,
                    class_weight=self.class_weight,
                    shuffle=False,  # a resumed run could not repeat Keras' own order; `set_epoch` shuffles instead
                    callbacks=[*phase.callbacks(reporter), shuffle],
                    verbose=0,
                )
                return
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if 2 * accumulation_steps > recipe.batch_size:
                    raise RunError("the memory is too small for one picture: choose a smaller network") from error
            reporter.close()
            stored = read_state(self.directory)
            if stored is not None and stored.phase == phase.name:
                self.state = stored
            accumulation_steps *= 2
            partial_size = recipe.batch_size // accumulation_steps
            progress.console.print(
                f"out of memory: restarting the epoch with partial batches of {partial_size} pictures and "
                f"{accumulation_steps} gradient-accumulation steps; each update of the weights still uses "
                f"{recipe.batch_size} pictures"
            )

    def _finish(self, best: int) -> runs.Run:
        """Write the files of a finished run, and remove those that only an unfinished one needs."""
        run = self._describe(self.state.history, best)
        with safe_write(self.directory):
            draw_curves(self.state.history, self.directory)
            run.write(self.directory)
        shutil.rmtree(self.directory / UNFINISHED)
        return run

    def _describe(self, history: list[EpochMetrics], best: int) -> runs.Run:
        return runs.Run(
            recipe=self.recipe,
            data_dir=self.plan.task_dir,
            manifest_sha256=self.plan.manifest_sha256,
            source_commit=self.plan.source_commit,
            backend=self.plan.backend,
            machine=runs.machine(),
            minutes=round(self._minutes(), 1),
            best_epoch=best,
            validation={name[4:]: value for name, value in history[best].items() if name.startswith("val_")},
            images_per_second=round(median(metrics["images_per_second"] for metrics in history), 1),  # epoch 1 is slow
        )

    def _minutes(self) -> float:
        """Return the minutes of training so far, those before an interruption included."""
        return (time.monotonic() - self.started) / 60


def _manifest_sha256(task_dir: Path) -> str:
    read_manifest(task_dir)  # raises a DataError with advice if there is no valid one
    return describe_file(task_dir / MANIFEST_NAME).sha256


def _select(rows: list[Row], split: str) -> list[Row]:
    selected = [row for row in rows if row.split == split]
    if not selected:
        raise DataError(f"the manifest has no {split} pictures: fetch the data again")
    return selected


def _training_pictures(task_dir: Path, rows: list[Row], recipe: Recipe) -> Any:
    """Load the pictures, `(N, H, W, C)` uint8, or return a `Loader` if they are larger than `memory_gb`."""
    load = picture_loader(task_dir, rows, recipe)
    size = len(rows) * recipe.height * recipe.width * recipe.channels
    return load_all(load, len(rows), "training pictures") if size <= recipe.memory_gb * 1e9 else load


def _class_weights(truth: NDArray[np.int64]) -> dict[int, float]:
    counts = np.bincount(truth)
    return {index: len(truth) / (len(counts) * count) for index, count in enumerate(counts)}
