"""One recipe under TensorFlow and under JAX, on the CPU: the same figures within their interval."""

import dataclasses
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.helpers.project import ROOT
from train import recipe, run
from train.comparison.comparison import compare
from train.learning import architectures
from train.learning.training import fit
from train.manifest import SPLITS, Row, write_manifest
from train.recipe import Augmentation

EACH = {"train": 150, "val": 200, "test": 10}
# Radius of the discs of a class, in pixels: normally distributed, so that the classes overlap and the best possible
# network is right for 85 % of them.
RADII = {"small": 6.0, "medium": 10.0, "large": 14.0}
DEVIATION = 1.65
RECIPE = dataclasses.replace(
    recipe.for_folder("discs", list(RADII), arch="mnist_cnn"),
    preprocessing="stretch_gray",
    height=28,
    width=28,
    channels=1,
    epochs=10,
    learning_rate=3e-3,
    label_smoothing=0.0,
    ema=0.9,
    augmentation=Augmentation(rotation=180, translation=0.1, flip=True, gamma=0.3, contrast=0.2, noise=0.02),
)
# Keras chooses its backend when it is imported, hence a process. Arguments: the task's folder, the run.
TRAIN_WITH_JAX = """
import sys
from pathlib import Path
import jax
from tests.train.learning.test_backends import train
from train.learning.precision import has_gpu

train(*map(Path, sys.argv[1:]))
print(has_gpu() == (jax.default_backend() != "cpu"))
"""


def train(task_dir: Path, directory: Path) -> None:
    """Train the recipe with two convolutions instead of eight. XLA takes most of the time to compile them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(architectures, "_mnist_cnn", two_convolutions)
        fit(RECIPE, task_dir, directory)


def two_convolutions(pixels: Any) -> Any:
    x = keras.layers.Rescaling(1 / 255)(pixels)
    for filters in (16, 32):
        x = keras.layers.Conv2D(filters, 5, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))
    return x


@dataclass(frozen=True)
class Trained:
    """A run that was trained under JAX, on the data in `task_dir`, and what its process printed."""

    task_dir: Path
    directory: Path
    printed: str


@pytest.fixture(scope="module")
def with_jax(discs: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train the recipe under JAX, in the one process of the suite that imports it."""
    directory = tmp_path_factory.mktemp("backends") / "jax"
    done = subprocess.run(
        [sys.executable, "-c", TRAIN_WITH_JAX, str(discs), str(directory)],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Trained(discs, directory, done.stdout)


@pytest.fixture(scope="module")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Discs of some size and place with noise, light on dark."""
    random = np.random.default_rng(0)
    directory = tmp_path_factory.mktemp("discs") / "data" / "discs"
    rows = []
    for split in SPLITS:
        for label, radius in RADII.items():
            for number in range(EACH[split]):
                path = directory / split / label / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                disc(max(1.0, random.normal(radius, DEVIATION)), random).save(path)
                name = path.relative_to(directory).as_posix()
                rows.append(Row(name, label, split, name))
    write_manifest(directory, rows)
    return directory


def disc(radius: float, random: np.random.Generator) -> Image.Image:
    side = 4 * 56  # drawn large, then reduced: radii are not whole pixels
    image = Image.new("L", (side, side), int(random.integers(0, 60)))
    x, y = random.uniform(80, side - 80, 2)
    ImageDraw.Draw(image).circle((x, y), 4 * radius, fill=int(random.integers(120, 255)))
    small = np.asarray(image.resize((56, 56), Image.Resampling.LANCZOS), dtype=float)
    return Image.fromarray((small + random.normal(0, 12, small.shape)).clip(0, 255).astype(np.uint8))


def test_jax_trains_what_tensorflow_trains(with_jax: Trained) -> None:
    from train.bundling.exporter import export  # needs TensorFlow, which the process with JAX does not import

    assert run.read(with_jax.directory).backend == "jax"
    with_tensorflow = with_jax.directory.with_name("tensorflow")
    train(with_jax.task_dir, with_tensorflow)
    assert run.read(with_tensorflow).backend == "tensorflow"
    runs = [with_tensorflow, with_jax.directory]
    for directory in runs:
        export(directory)  # under TensorFlow, whichever trained
    reference, other = (model.measured.metrics for model in compare(runs, "val").models)
    assert reference["accuracy"].value > 0.78, "it has to learn, or the figures would agree by being as bad"
    for name in ("accuracy", "balanced_accuracy", "log_loss"):
        assert other[name].low < reference[name].value < other[name].high, name


def test_without_a_gpu_jax_says_so(with_jax: Trained) -> None:
    assert with_jax.printed.split()[-1] == "True"
