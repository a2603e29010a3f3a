"""Training, from the split manifest to a run directory. Reads from top to bottom."""

import shutil
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from models.bundle import describe_file
from train import run as runs
from train.errors import DataError, NotANumber, RunError
from train.learning import checkpoint, curves, history, precision, tensorboard_logs
from train.learning import plan as plans
from train.learning.architectures import backbone_of, build, unfreeze
from train.learning.augment import pipeline
from train.learning.batches import Batches, held, loader, targets
from train.learning.best_checkpoint import Describe, Keeper
from train.learning.checkpoint import Checkpoint, State, saving
from train.learning.corruptions import shifted
from train.learning.optimizer import head_optimizer, learning_rate, optimizer
from train.learning.outlier_exposure import with_clutter
from train.learning.phase import Session, Stage, learn
from train.learning.plan import UNFINISHED, Plan
from train.learning.progress import Watch, bar
from train.learning.weight_averaging import Averaged
from train.manifest import MANIFEST_NAME, Row, read_manifest
from train.recipe import Recipe

HEAD, EPOCH = "head", "epoch"  # what the stages are called, and their epochs in what is printed


def fit(
    recipe: Recipe, task_dir: Path, directory: Path, weights: Path | None = None, tensorboard: bool = False
) -> runs.Run:
    """Train as `recipe` says on the pictures of `task_dir` and leave the best network in `directory`.

    The best epoch is the one with the lowest validation loss. With a backbone, its new head is trained alone for
    `head_epochs`, then the whole network but for its batch norms. With `tensorboard`, logs for it are written too.
    Raises TrainError when the data, the recipe or the weights do not fit, the loss stops being a number, or the disk
    is full; the best epoch until then is kept.
    """
    plan = Plan(
        recipe=recipe,
        task_dir=str(task_dir),
        manifest_sha256=_fingerprint(task_dir),
        weights=None if weights is None else str(weights),
        tensorboard=tensorboard,
        source_commit=runs.source_commit(),  # now: an hour later the working tree may be another
        backend=keras.backend.backend(),
    )
    return _train(plan, directory, State(HEAD))


def resume(directory: Path, weights: Path | None = None) -> runs.Run:
    """Go on with the unfinished run in `directory` where its last complete epoch ended, as if nothing had happened.

    `weights` is where the backbone's file is by now, if that is another place.
    Raises RunError when it is finished, or when code or data under it are no longer what they were.
    """
    plan = plans.read(directory)
    if weights is not None:
        plan = replace(plan, weights=str(weights))
    if plan.backend != keras.backend.backend():
        raise RunError(f"{directory} was begun under {plan.backend}: set KERAS_BACKEND={plan.backend} to go on")
    if plan.manifest_sha256 != _fingerprint(Path(plan.task_dir)):
        raise RunError(f"{plan.task_dir} was split anew since {directory} began: start a run without --resume")
    return _train(plan, directory, checkpoint.read(directory) or State(HEAD))


def _train(plan: Plan, directory: Path, state: State) -> runs.Run:
    recipe, task_dir = plan.recipe, Path(plan.task_dir)
    logs = [tensorboard_logs.logs(directory)] if plan.tensorboard else []
    began = time.monotonic() - 60 * state.minutes

    keras.utils.set_random_seed(recipe.seed)
    labels = tuple(recipe.labels)
    rows = read_manifest(task_dir)
    train_rows, val_rows = _part(rows, "train"), _part(rows, "val")
    network = build(
        recipe.arch,
        recipe.input,
        len(labels),
        dropout=recipe.dropout,
        weights=None if plan.weights is None else Path(plan.weights),
        weights_sha256=recipe.weights_sha256,
    )
    truth, val_truth = targets(train_rows, labels), targets(val_rows, labels)
    class_weight = _class_weights(truth) if recipe.class_weights else None
    pixels, truth = with_clutter(_pictures(task_dir, train_rows, recipe, "training pictures"), truth, recipe)
    val_pixels = held(loader(task_dir, val_rows, recipe), len(val_rows), "validation pictures")
    if recipe.corrupted_validation:
        val_pixels, val_truth = np.concatenate([val_pixels, shifted(val_pixels)]), np.tile(val_truth, 2)
    train_set = Batches(
        pixels, truth, len(labels), recipe.batch_size, recipe.seed, recipe.balanced_sampling, recipe.mixup
    )
    val_set = Batches(val_pixels, val_truth, len(labels), 4 * recipe.batch_size, None)

    learner = precision.mixed(network) if recipe.mixed_precision else network
    trained = keras.Sequential([learner.inputs[0], pipeline(recipe.augmentation), learner])
    backbone = backbone_of(learner)

    def minutes() -> float:
        return (time.monotonic() - began) / 60

    def describe(rows: list[history.Row]) -> runs.Run:
        return _describe(plan, rows, minutes())

    def of_head(watch: Watch) -> list[keras.callbacks.Callback]:
        return [watch, Checkpoint(state, None, directory, minutes)]

    def of_whole(watch: Watch) -> list[keras.callbacks.Callback]:
        moving = keras.callbacks.SwapEMAWeights(swap_on_epoch=True) if recipe.ema else None
        equal = Averaged(learner, train_set, recipe, state.arrays) if recipe.swa else None
        keeper = Keeper(learner, network, directory, recipe, state.history, describe)
        checkpoint = Checkpoint(state, equal, directory, minutes)
        return [callback for callback in (moving, equal, watch, keeper, *logs, checkpoint) if callback is not None]

    head = Stage(
        HEAD, recipe.head_epochs, lambda _: recipe.head_learning_rate, partial(head_optimizer, recipe), of_head
    )
    whole = Stage(EPOCH, recipe.epochs, partial(learning_rate, recipe), partial(optimizer, recipe), of_whole, val_set)
    plan.write(directory)
    try:
        with plans.alone(directory), bar() as progress:
            if recipe.mixed_precision and not precision.on_gpu():
                progress.console.print("mixed precision is for GPUs: on this machine's CPU it is slower, if anything")
            session = Session(recipe, trained, train_set, class_weight, directory, progress)
            if state.stage == HEAD:
                if backbone is not None and recipe.head_epochs:
                    backbone.trainable = False
                    learn(head, session, state)
                state = State(EPOCH, parts=state.parts)
            if backbone is not None:
                unfreeze(backbone)
            learn(whole, session, state)
        if history.best_epoch(state.history) is None:
            raise NotANumber("the validation loss was never a number")
    except NotANumber as error:
        raise _given_up(error, directory, state.history, describe) from error
    return _finish(directory, state.history, describe)


def _given_up(error: NotANumber, directory: Path, rows: list[history.Row], describe: Describe) -> RunError:
    """End the run with what it has, since a resumed one would come to the same; what to say then."""
    advice = "try a lower learning rate"
    if history.best_epoch(rows) is None:
        shutil.rmtree(directory / UNFINISHED)
        return RunError(f"{error}, and no epoch before it was any good: {advice}")
    best = _finish(directory, rows, describe).best_epoch
    return RunError(f"{error}: the best epoch until then, {best + 1}, is in {directory} and can be exported; {advice}")


def _finish(directory: Path, rows: list[history.Row], describe: Describe) -> runs.Run:
    """Write what belongs to a finished run, and remove what only an unfinished one needs."""
    run = describe(rows)
    with saving(directory):
        curves.draw(rows, directory)
        run.write(directory)
    shutil.rmtree(directory / UNFINISHED)
    return run


def _describe(plan: Plan, rows: list[history.Row], minutes: float) -> runs.Run:
    best = history.best_epoch(rows)
    assert best is not None  # noqa: S101 (only asked for once there is one)
    return runs.Run(
        recipe=plan.recipe,
        data_dir=plan.task_dir,
        manifest_sha256=plan.manifest_sha256,
        source_commit=plan.source_commit,
        backend=plan.backend,
        machine=runs.machine(),
        minutes=round(minutes, 1),
        best_epoch=best,
        validation={name[4:]: value for name, value in rows[best].items() if name.startswith("val_")},
        images_per_second=round(median(row["images_per_second"] for row in rows), 1),  # the first epoch is slow
    )


def _fingerprint(task_dir: Path) -> str:
    read_manifest(task_dir)  # says what to do where there is none
    return describe_file(task_dir / MANIFEST_NAME).sha256


def _part(rows: list[Row], split: str) -> list[Row]:
    part = [row for row in rows if row.split == split]
    if not part:
        raise DataError(f"the manifest has no {split} pictures: fetch the data again")
    return part


def _pictures(task_dir: Path, rows: list[Row], recipe: Recipe, description: str) -> Any:
    load = loader(task_dir, rows, recipe)
    size = len(rows) * recipe.height * recipe.width * recipe.channels
    return held(load, len(rows), description) if size <= recipe.memory_gb * 1e9 else load


def _class_weights(truth: NDArray[np.int64]) -> dict[int, float]:
    counts = np.bincount(truth)
    return {index: len(truth) / (len(counts) * count) for index, count in enumerate(counts)}
