"""Failures during training: each ends with one sentence, and the best state so far is kept."""

import dataclasses
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models import bundle
from tests.helpers.commands import run_train
from tests.helpers.project import ROOT
from tests.helpers.small_task import RECIPE
from train import run
from train.errors import RunError
from train.learning import training, unfinished_run
from train.learning.training import fit
from train.recipe import Augmentation

FINISHED = {"run.json", "history.csv", "curves.png", "config.json", "metadata.json", "model.weights.h5"}


class Hungry(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Asks for more memory than any machine addresses (400 TB) for more than `most` pictures at a time.

    It begins to after so many batches: other programs share a GPU. TensorFlow's allocator waits ten seconds before it
    fails. Without `allocates`, the layer itself raises MemoryError, which TensorFlow reports with the same error.
    """

    def __init__(self, most: int, after: int, allocates: bool) -> None:
        super().__init__()
        self.most, self.allocates = most, allocates
        self.left = self.add_weight(shape=(), initializer=keras.initializers.Constant(after), trainable=False)

    def call(self, pixels: Any, training: bool = False) -> Any:
        import tensorflow as tf

        if not training:
            return pixels
        self.left.assign(keras.ops.maximum(self.left - 1, 0))
        count = tf.shape(pixels, out_type=tf.int64)[0]
        huge = 10**14 * tf.minimum(count, 1)

        def ask() -> Any:
            if self.allocates:
                return tf.reduce_sum(tf.fill([huge], pixels[0, 0, 0, 0]))
            return tf.ensure_shape(tf.numpy_function(_no_memory, [], tf.float32), ())

        asked = tf.cond((count > self.most) & (self.left.value == 0), ask, lambda: tf.constant(0.0))
        return pixels + 0 * asked


def _no_memory() -> None:
    raise MemoryError


def scarce(monkeypatch: pytest.MonkeyPatch, most: int, after: int, allocates: bool = False) -> None:
    """After so many batches, let memory do for so many pictures at a time. See `Hungry` for `allocates`."""

    def build_augmentation(_: Augmentation) -> keras.Sequential:
        return keras.Sequential([keras.layers.Identity(), Hungry(most, after, allocates)])

    monkeypatch.setattr(training, "build_augmentation", build_augmentation)


HALVED = dataclasses.replace(RECIPE, head_epochs=1, augmentation=Augmentation())


@pytest.fixture(scope="module")
def roomy(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of HALVED with memory for all."""
    directory = tmp_path_factory.mktemp("roomy") / "run"
    fit(HALVED, folder / "data" / "digit", directory, folder / "small.keras")
    return directory


@pytest.mark.parametrize("after", [2, 12], ids=["in the head", "in the second epoch"])
def test_out_of_memory_halves_the_batch_but_not_the_step(
    after: int,
    folder: Path,
    roomy: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scarce(monkeypatch, most=5, after=after)
    narrow = fit(HALVED, folder / "data" / "digit", tmp_path / "narrow", folder / "small.keras")

    said = capsys.readouterr().err
    for size, parts in ((8, 2), (4, 4)):
        assert f"partial batches of {size} pictures and {parts} gradient-accumulation steps" in said
    assert "batches of 2" not in said
    head, first_epoch = said.index("head 1/1"), said.index("epoch 1/4")
    assert (said.index("partial batches of 8") < head) == (after == 2)
    assert said.index("partial batches of 8") < first_epoch or after == 12
    assert narrow.validation["loss"] == pytest.approx(run.read(roomy).validation["loss"], rel=0.15)
    rates, expected = (
        np.genfromtxt(path / run.HISTORY_NAME, delimiter=",", skip_header=1)[:, 5]
        for path in (tmp_path / "narrow", roomy)
    )
    np.testing.assert_allclose(rates, expected, rtol=1e-3)
    assert {path.name for path in (tmp_path / "narrow").iterdir()} == FINISHED


def test_memory_that_does_not_do_for_one_picture(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scarce(monkeypatch, most=0, after=0, allocates=True)
    small = dataclasses.replace(RECIPE, batch_size=1)
    with pytest.raises(RunError, match="the memory is too small for one picture: choose a smaller network"):
        fit(small, folder / "data" / "digit", tmp_path / "run", folder / "small.keras")


class Spoilt(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Divides by zero from a given batch on, as a picture with a broken value would make the network do."""

    def __init__(self, good: int) -> None:
        super().__init__()
        self.left = self.add_weight(shape=(), initializer=keras.initializers.Constant(good), trainable=False)

    def call(self, pixels: Any, training: bool = False) -> Any:
        if not training:
            return pixels
        self.left.assign(keras.ops.maximum(self.left - 1, 0))
        return pixels * self.left / self.left


def test_a_loss_that_is_no_number_keeps_the_epochs_before(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 5 * (RECIPE.head_epochs + 2)  # two good epochs

    def build_augmentation(_: Augmentation) -> keras.Sequential:
        return keras.Sequential([keras.layers.Identity(), Spoilt(steps + 3)])

    monkeypatch.setattr(training, "build_augmentation", build_augmentation)
    directory = tmp_path / "run"
    with pytest.raises(RunError) as raised:
        fit(RECIPE, folder / "data" / "digit", directory, folder / "small.keras")
    assert str(raised.value) == (
        f"the loss is nan in epoch 3: the best epoch before it, 2, is in {directory} and can be exported; "
        "try a lower learning rate"
    )
    assert {path.name for path in directory.iterdir()} == FINISHED
    assert run.read(directory).best_epoch == 1
    weights = keras.saving.load_model(directory, compile=False).get_weights()
    assert all(np.isfinite(weight).all() for weight in weights)


def test_an_absurd_learning_rate_is_told_and_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    absurd = dataclasses.replace(RECIPE, schedule="plateau", learning_rate=1e38, head_epochs=0, batch_size=4)
    with pytest.raises(RunError, match="in epoch 1, and no earlier epoch can be used: try a lower learning rate"):
        fit(absurd, folder / "data" / "digit", tmp_path / "runs" / "run", folder / "small.keras")
    assert not list((tmp_path / "runs").glob("*/*"))


def begun(folder: Path, runs_dir: Path, log: Path, epochs: int) -> "subprocess.Popen[str]":
    """A process that trains and has done an epoch."""
    weights = ["--arch", "small", "--weights", str(folder / "small.keras"), "--batch-size", "16"]
    options = [*weights, "--epochs", str(epochs), "--patience", str(epochs), "--data-dir", str(folder / "data")]
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "train", "fit", "digit", *options, "--runs-dir", str(runs_dir)],
            cwd=ROOT,
            stdout=stream,
            stderr=stream,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    while not list(runs_dir.glob("*/run.json")):
        assert process.poll() is None, log.read_text()
        time.sleep(0.02)
    return process


def errors(log: Path) -> list[str]:
    return [line for line in log.read_text().splitlines() if line.startswith("error: ")]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux lets another process set the limit")
def test_a_full_disk_keeps_what_is_there_and_training_goes_on_later(folder: Path, tmp_path: Path) -> None:
    """From some moment on no file may grow beyond 10 kB: a stand-in for a full disk that gives a real OSError."""
    runs_dir, log = tmp_path / "runs", tmp_path / "log"
    process = begun(folder, runs_dir, log, epochs=1000)
    try:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
        assert process.wait(300) == 1
    finally:
        process.kill()
    (directory,) = runs_dir.iterdir()
    (told,) = errors(log)
    assert told == (
        f"error: cannot write to {directory} (File too large): free some disk space and continue with --resume; "
        "earlier files are still there"
    )
    assert "Traceback" not in log.read_text()
    best = run.read(directory)
    assert best.recipe.epochs == 1000
    assert keras.saving.load_model(directory, compile=False)
    assert {path.name for path in directory.iterdir()} == (FINISHED - {"curves.png"}) | {unfinished_run.UNFINISHED}
    assert not list(directory.rglob("*.part")) + list(directory.rglob("tmp*"))

    # What --resume does; the recipe has no thousand epochs any more, for the test's sake.
    asked = unfinished_run.read_plan(directory)
    epochs = len((directory / run.HISTORY_NAME).read_text().splitlines()) + 1
    dataclasses.replace(asked, recipe=dataclasses.replace(asked.recipe, epochs=epochs)).write(directory)
    assert training.resume(directory).recipe.epochs == epochs
    assert {path.name for path in directory.iterdir()} == FINISHED


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the console, not to a process")
def test_ctrl_c_says_how_to_resume_and_leaves_the_best_epoch_ready_for_export(folder: Path, tmp_path: Path) -> None:
    runs_dir, log = tmp_path / "runs", tmp_path / "log"
    process = begun(folder, runs_dir, log, epochs=1000)
    try:
        process.send_signal(signal.SIGINT)
        assert process.wait(300) == 130
    finally:
        process.kill()
    (directory,) = runs_dir.iterdir()
    said = (
        f"interrupted: resume with `python -m train fit digit --resume --runs-dir {runs_dir}`; the best epoch so far "
        f"is in {directory} and can be exported"
    )
    assert said in log.read_text().splitlines(), "TensorFlow's threads may have a word after it"
    assert "Traceback" not in log.read_text()
    assert not list(directory.rglob("*.part")) + list(directory.rglob("tmp*"))
    assert unfinished_run.newest_unfinished(runs_dir, "digit") == directory
    assert run_train("export", str(directory)).returncode == 0
    assert bundle.load(directory / "bundle").recipe["epochs"] == 1000
