"""Training, from the split manifest to a run directory. Reads from top to bottom."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from models.bundle import describe_file
from train import run as runs
from train.architectures import backbone_of, build, unfreeze
from train.augment import pipeline
from train.clutter import with_clutter
from train.data import Batches, held, loader, targets
from train.errors import DataError, RunError
from train.pictures import MANIFEST_NAME, Row, read_manifest
from train.recipe import Recipe
from train.shift import shifted


def fit(recipe: Recipe, task_dir: Path, directory: Path, weights: Path | None = None) -> runs.Run:
    """Train as `recipe` says on the pictures of `task_dir` and leave the best network in `directory`.

    The best epoch is the one with the lowest validation loss. With a backbone, its new head is trained alone for
    `head_epochs`, then the whole network but for its batch norms.
    Raises TrainError when the data, the recipe or the weights do not fit, or the loss stops being a number.
    """
    commit = runs.source_commit()  # now: an hour later the working tree may be another
    keras.utils.set_random_seed(recipe.seed)
    labels = tuple(recipe.labels)
    rows = read_manifest(task_dir)
    train_rows, val_rows = _part(rows, "train"), _part(rows, "val")
    network = build(
        recipe.arch,
        recipe.input,
        len(labels),
        dropout=recipe.dropout,
        weights=weights,
        weights_sha256=recipe.weights_sha256,
    )
    truth, val_truth = targets(train_rows, labels), targets(val_rows, labels)
    class_weight = _class_weights(truth) if recipe.class_weights else None
    pixels, truth = with_clutter(_pictures(task_dir, train_rows, recipe, "training pictures"), truth, recipe)
    val_pixels = held(loader(task_dir, val_rows, recipe, recipe.margin), len(val_rows), "validation pictures")
    if recipe.shifted_validation:
        val_pixels, val_truth = np.concatenate([val_pixels, shifted(val_pixels)]), np.tile(val_truth, 2)
    train_set = Batches(pixels, truth, len(labels), recipe.batch_size, recipe.seed)
    val_set = Batches(val_pixels, val_truth, len(labels), 4 * recipe.batch_size, None)

    trained = keras.Sequential([network.inputs[0], pipeline(recipe.augmentation), network])
    describe = partial(
        runs.Run,
        recipe=recipe,
        data_dir=str(task_dir),
        manifest_sha256=describe_file(task_dir / MANIFEST_NAME).sha256,
        source_commit=commit,
        backend=keras.backend.backend(),
        machine=runs.machine(),
    )
    directory.mkdir(parents=True, exist_ok=True)
    best = _KeepBest(network, directory, describe)
    backbone = backbone_of(network)
    if backbone is not None and recipe.head_epochs:
        backbone.trainable = False
        _compile(trained, recipe, keras.optimizers.AdamW(recipe.head_learning_rate))
        trained.fit(train_set, epochs=recipe.head_epochs, class_weight=class_weight)
    if backbone is not None:
        unfreeze(backbone)
    _compile(trained, recipe, _optimizer(recipe, steps=len(train_set) * recipe.epochs))
    trained.fit(
        train_set,
        validation_data=val_set,
        epochs=recipe.epochs,
        class_weight=class_weight,
        callbacks=[
            *([keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if recipe.ema else []),
            best,
            keras.callbacks.EarlyStopping("val_loss", patience=recipe.patience),
            keras.callbacks.CSVLogger(str(directory / runs.HISTORY_NAME)),
            keras.callbacks.TerminateOnNaN(),
        ],
    )
    if best.run is None:
        raise RunError("the loss was never a number: try a lower learning rate")
    run = replace(best.run, minutes=best.minutes())
    run.write(directory)
    return run


def _part(rows: list[Row], split: str) -> list[Row]:
    part = [row for row in rows if row.split == split]
    if not part:
        raise DataError(f"the manifest has no {split} pictures: fetch the data again")
    return part


def _pictures(task_dir: Path, rows: list[Row], recipe: Recipe, description: str) -> Any:
    load = loader(task_dir, rows, recipe, margin=0)
    size = len(rows) * recipe.height * recipe.width * recipe.channels
    return held(load, len(rows), description) if size <= recipe.memory_gb * 1e9 else load


def _class_weights(truth: NDArray[np.int64]) -> dict[int, float]:
    counts = np.bincount(truth)
    return {index: len(truth) / (len(counts) * count) for index, count in enumerate(counts)}


def _optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    warmup = round(recipe.warmup * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.learning_rate / 25,
        decay_steps=steps - warmup,
        alpha=0.01,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.AdamW(
        schedule,
        weight_decay=recipe.weight_decay,
        use_ema=recipe.ema > 0,
        ema_momentum=recipe.ema or 0.99,
        global_clipnorm=1.0,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _compile(model: keras.Model, recipe: Recipe, optimizer: keras.optimizers.Optimizer) -> None:
    model.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
        # XLA pays on a GPU; on a CPU it made EfficientNet-Lite0 16 times slower (444 against 28 ms a picture).
        jit_compile="auto" if keras.backend.backend() != "tensorflow" else False,
    )


def _save(network: keras.Model, directory: Path) -> None:
    """Keras' directory layout in `directory`; whole files replace older ones, so a crash leaves a usable network."""
    with tempfile.TemporaryDirectory(dir=directory) as temporary:
        fresh = Path(temporary) / "network"
        keras.saving.save_model(network, fresh, zipped=False)
        for file in fresh.iterdir():
            if file.is_file():  # and not the empty folder for assets, which our layers have none of
                file.replace(directory / file.name)


class _KeepBest(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Saves the network, without the augmentation around it, and `run.json` whenever validation improves.

    So a run that is interrupted after its first epoch can be exported all the same.
    """

    def __init__(self, network: keras.Model, directory: Path, describe: Callable[..., runs.Run]) -> None:
        super().__init__()
        self._network, self._directory, self._describe = network, directory, describe
        self._started = time.monotonic()
        self.run: runs.Run | None = None

    def minutes(self) -> float:
        """Since training began."""
        return round((time.monotonic() - self._started) / 60, 1)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep this epoch's weights if they are the best so far."""
        validation = {name[4:]: float(value) for name, value in (logs or {}).items() if name.startswith("val_")}
        if validation["loss"] < (float("inf") if self.run is None else self.run.validation["loss"]):
            _save(self._network, self._directory)
            self.run = self._describe(minutes=self.minutes(), best_epoch=epoch, validation=validation)
            self.run.write(self._directory)
