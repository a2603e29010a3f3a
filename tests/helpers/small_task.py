"""A training that takes a second: a backbone of one convolution, and a handful of printed digits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import pytest

from tests.helpers.samples import printed_digits
from train.learning import architectures
from train.recipe import Augmentation, Recipe

RECIPE = Recipe(
    task="digit",
    arch="small",
    preprocessing="mnist",
    height=28,
    width=28,
    channels=1,
    labels={label: {"es": label, "en": label} for label in "0123456789"},
    epochs=4,
    batch_size=16,
    head_epochs=2,
    learning_rate=0.02,
    head_learning_rate=0.01,
    ema=0.9,
    seed=3,
    augmentation=Augmentation(rotation=10, noise=0.02),
)


def task_in(directory: Path) -> Path:
    """`data/digit` under the directory: 80 pictures to learn from, 20 for validation and for the test."""
    return printed_digits(directory / "data" / "digit", {"train": 8, "val": 2, "test": 2})


def backbone_in(directory: Path) -> Path:
    """The backbone's file."""
    pixels = keras.Input((28, 28, 3))
    x = keras.layers.Rescaling(1 / 255)(pixels)
    x = keras.layers.Conv2D(8, 5, strides=4, padding="same", name="convolution", kernel_initializer="he_normal")(x)
    path = directory / "small.keras"
    keras.Model(pixels, keras.layers.BatchNormalization(name="norm")(x)).save(path)
    return path


@contextmanager
def small_cnn() -> Iterator[None]:
    """Give the architecture `cnn` one convolution. Its eight take seconds to trace, however small the pictures are."""

    def one_convolution(pixels: Any) -> Any:
        scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
        return keras.layers.Conv2D(8, 3, strides=4, padding="same")(scaled)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(architectures, "_cnn", one_convolution)
        yield
