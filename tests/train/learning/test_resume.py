"""A run that was killed goes on to what an uninterrupted one comes to."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.helpers.commands import run_train
from tests.helpers.project import ROOT
from tests.helpers.small_task import RECIPE
from train import run
from train.errors import RecipeError, RunError
from train.learning import precision, unfinished_run
from train.learning.checkpoint import TrainingState
from train.learning.training import fit, resume
from train.manifest import read_manifest, write_manifest
from train.recipe import Recipe

# Trains as `python -m train` does, and is killed by `kill -9` in the third batch of an epoch, once two are complete.
# Arguments: the folder of the runs, and those of the command.
TRAIN_AND_DIE = """
import os, signal, sys
from pathlib import Path
import train.__main__
from train.learning.batches import Batches

runs_dir, deliver = Path(sys.argv[1]), Batches.__getitem__

def deliver_or_die(batches, index):
    lines = sum(len(path.read_text().splitlines()) for path in runs_dir.glob("*/history.csv"))
    if index == 2 and lines >= 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return deliver(batches, index)

Batches.__getitem__ = deliver_or_die
train.__main__.app(sys.argv[2:], prog_name="python -m train")
"""
CLOSE = 1e-4  # relative: the same operations in the same order, but for how threads share them out


def same(one: Path, other: Path) -> None:
    """Both directories are of finished runs with the same figures, history and weights."""
    first, second = run.read(one), run.read(other)
    assert first.best_epoch == second.best_epoch
    assert first.validation == pytest.approx(second.validation, rel=CLOSE)
    names = {path.name for path in one.iterdir()}
    assert names == {"run.json", "history.csv", "curves.png", "config.json", "metadata.json", "model.weights.h5"}
    rows, expected = (np.genfromtxt(path / run.HISTORY_NAME, delimiter=",", skip_header=1) for path in (one, other))
    np.testing.assert_allclose(rows[:, :-1], expected[:, :-1], rtol=CLOSE)  # the last column is images per second
    weights, others = (keras.saving.load_model(path, compile=False).get_weights() for path in (one, other))
    for weight, expected_weight in zip(weights, others, strict=True):
        np.testing.assert_allclose(weight, expected_weight, rtol=CLOSE, atol=1e-5)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no kill -9")
def test_a_run_killed_by_a_signal_is_resumed_to_the_same_figures(folder: Path, tmp_path: Path) -> None:
    runs_dir, weights = tmp_path / "runs", folder / "small.keras"
    options = ["--arch", "small", "--weights", str(weights), "--epochs", "6", "--batch-size", "16", "--patience", "6"]
    command = ["fit", "digit", *options, "--data-dir", str(folder / "data"), "--runs-dir", str(runs_dir)]
    killed = subprocess.run(
        [sys.executable, "-c", TRAIN_AND_DIE, str(runs_dir), *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (directory,) = runs_dir.iterdir()
    assert len((directory / run.HISTORY_NAME).read_text().splitlines()) == 3, "it was killed in the middle"
    asked = unfinished_run.read_plan(directory).recipe

    other = run_train(*command, "--resume", "--seed", "7")
    assert other.returncode == 1
    assert f"error: {directory} was started with another seed: omit it to resume the run" in other.stderr

    resumed = run_train(*command, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout.splitlines()[-1] == str(directory)
    assert "epoch 1/6" not in resumed.stderr
    assert "epoch 6/6" in resumed.stderr

    fit(asked, folder / "data" / "digit", tmp_path / "uninterrupted", weights)
    same(directory, tmp_path / "uninterrupted")

    again = run_train(*command, "--resume")
    assert again.returncode == 1
    assert f"error: {runs_dir} has no unfinished run of digit: start one without --resume" in again.stderr


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, int], Path]:
    """A function that names a phase and epoch, and gives the directory that a kill in that epoch would leave."""
    write = TrainingState.write
    wanted: set[tuple[str, int]] = set()

    def left(phase: str, epoch: int) -> Path:
        return tmp_path / f"killed-{phase}-{epoch}"

    def write_and_copy(state: TrainingState, directory: Path) -> None:
        write(state, directory)
        moment = state.phase, state.epoch
        if moment in wanted:
            wanted.remove(moment)
            shutil.copytree(directory, left(*moment))

    def at(phase: str, epoch: int) -> Path:
        wanted.add((phase, epoch))
        return left(phase, epoch)

    monkeypatch.setattr(TrainingState, "write", write_and_copy)
    return at


VARIANTS = {
    "in the head and before the first epoch": (RECIPE, [("head", 1), ("epoch", 0)]),
    "plateau": (
        dataclasses.replace(RECIPE, ema=0.0, schedule="plateau", learning_rate=0.5, patience=2),
        [("epoch", 2)],
    ),
    "streamed and balanced": (
        dataclasses.replace(RECIPE, memory_gb=0.0, balanced_sampling=True, mixup=0.2, schedule="one_cycle"),
        [("epoch", 1)],
    ),
    "equal average": (dataclasses.replace(RECIPE, arch="mnist_cnn", ema=0.0, swa=0.75), [("epoch", 3)]),
    "float16": (dataclasses.replace(RECIPE, mixed_precision=True, steps_per_execution=2), [("epoch", 2)]),
}


@pytest.mark.parametrize(("asked", "moments"), VARIANTS.values(), ids=VARIANTS.keys())
def test_a_run_killed_in_any_phase_is_resumed_to_the_same_figures(
    asked: Recipe,
    moments: list[tuple[str, int]],
    folder: Path,
    tmp_path: Path,
    killed: Callable[[str, int], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precision, "mixed_precision_policy", lambda: "mixed_float16")
    left = [killed(*moment) for moment in moments]
    weights = folder / "small.keras" if asked.arch == "small" else None
    fit(asked, folder / "data" / "digit", tmp_path / "uninterrupted", weights)
    for directory in left:
        resume(directory)
        same(directory, tmp_path / "uninterrupted")


def test_a_run_is_resumed_only_with_its_own_choices(
    folder: Path, tmp_path: Path, killed: Callable[[str, int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    task_dir = shutil.copytree(folder / "data", tmp_path / "data") / "digit"
    left = killed("epoch", 1)
    fit(dataclasses.replace(RECIPE, head_epochs=0, epochs=2), task_dir, tmp_path / "done", folder / "small.keras")
    assert unfinished_run.newest_unfinished(tmp_path, "digit") == left
    with pytest.raises(RunError, match=f"{tmp_path} has no unfinished run of flower"):
        unfinished_run.newest_unfinished(tmp_path, "flower")
    with pytest.raises(RunError, match="done is not an unfinished run"):
        resume(tmp_path / "done")
    unfinished_run.check_same_choices(left, {"epochs": 2, "seed": None}, tensorboard=False)
    with pytest.raises(RecipeError, match="started with another epochs, tensorboard: omit it"):
        unfinished_run.check_same_choices(left, {"epochs": 3, "seed": None}, tensorboard=True)
    unfinished_run.check_same_choices(
        left, {"augmentation": {"rotation": RECIPE.augmentation.rotation}}, tensorboard=False
    )
    with pytest.raises(RecipeError, match="started with another augmentation: omit it"):
        unfinished_run.check_same_choices(
            left, {"augmentation": {"rotation": RECIPE.augmentation.rotation + 1}}, tensorboard=False
        )

    with unfinished_run.lock_run(left), pytest.raises(RunError, match="another process is training"):
        resume(left)
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    with pytest.raises(RunError, match="was started under tensorflow: set KERAS_BACKEND=tensorflow"):
        resume(left)
    monkeypatch.undo()
    write_manifest(task_dir, read_manifest(task_dir)[1:])
    with pytest.raises(RunError, match="has changed since"):
        resume(left)
