import dataclasses

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.fft import dctn

from train import recipe
from train.learning.augmentation import (
    RandomAffine,
    RandomBlur,
    RandomJpeg,
    RandomNoise,
    RandomThickness,
    RandomTone,
    build_augmentation,
)
from train.recipe import Augmentation

TASKS = ("digit", "flower", "pneumonia")


def bar() -> NDArray[np.float32]:
    """64 pictures of an upright bar in the middle."""
    pictures = np.zeros((64, 28, 28, 1), np.float32)
    pictures[:, 4:24, 13:15] = 255
    return pictures


def changed(layer: keras.layers.Layer, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(layer(pictures, training=True)))


@pytest.mark.parametrize("task", TASKS)
def test_nothing_changes_outside_training(task: str) -> None:
    layers = build_augmentation(recipe.load(task).augmentation)
    channels = recipe.load(task).channels
    pictures = np.random.default_rng(0).uniform(0, 255, (4, 28, 28, channels)).astype(np.float32)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layers(pictures, training=False)), pictures)
    assert np.abs(changed(layers, pictures) - pictures).max() > 1


@pytest.mark.parametrize("task", TASKS)
def test_pictures_stay_in_range_and_differ_from_each_other(task: str) -> None:
    channels = recipe.load(task).channels
    pictures = np.repeat(np.random.default_rng(0).uniform(0, 255, (1, 32, 32, channels)), 8, 0).astype(np.float32)
    result = changed(build_augmentation(recipe.load(task).augmentation), pictures)
    assert result.min() >= 0
    assert result.max() <= 255.01
    assert all(np.abs(result[0] - other).max() > 1 for other in result[1:])


def test_a_digit_and_an_x_ray_are_never_flipped() -> None:
    assert not recipe.load("digit").augmentation.flip
    assert not recipe.load("pneumonia").augmentation.flip


def test_no_augmentation_is_the_identity() -> None:
    np.testing.assert_array_equal(changed(build_augmentation(Augmentation()), bar()), bar())


def test_translation_moves_no_farther_than_asked() -> None:
    result = changed(RandomAffine(0, 0.1, 0, 0, 0), bar())
    columns = (result.sum((1, 3)) * np.arange(28)).sum(1) / result.sum((1, 2, 3))
    assert np.abs(columns - 13.5).max() <= 2.8 + 0.01
    assert columns.std() > 0.5


def test_rotation_turns_about_the_middle() -> None:
    result = changed(RandomAffine(90, 0, 0, 0, 0), bar())
    centre = result[:, 13:15, 13:15].mean()
    assert centre > 200, "the middle of the bar stays"
    assert result[:, 4].mean() < bar()[:, 4].mean(), "its end moves away"


def test_zoom_keeps_to_its_factor() -> None:
    heights = (changed(RandomAffine(0, 0, 0, 0.25, 0), bar()).max((2, 3)) > 60).sum(1)
    assert heights.min() >= 20 / 1.25 - 2
    assert heights.max() <= 20 * 1.25 + 2
    assert heights.max() - heights.min() >= 4


def test_thickness_makes_strokes_wider_and_narrower() -> None:
    ink = changed(RandomThickness(1.0), bar()).sum((1, 2, 3))
    assert ink.min() < bar()[0].sum() < ink.max()


def test_tone_keeps_the_order_of_the_greys() -> None:
    ramp = np.linspace(0, 255, 256, dtype=np.float32).reshape(1, 16, 16, 1).repeat(16, 0)
    result = changed(RandomTone(0.6, 0.5, 0.1), ramp).reshape(16, 256)
    assert (np.diff(result, axis=1) >= -1e-3).all()
    assert result[:, 128].std() > 5


def test_blur_and_noise_do_what_they_say() -> None:
    blurred = changed(RandomBlur(1.0), bar())
    assert blurred[:, 10, 12].max() > 20, "the bar's light reaches its neighbours"
    noisy = changed(RandomNoise(0.1), np.full((64, 16, 16, 1), 128, np.float32))
    deviations = noisy.std((1, 2, 3))
    assert deviations.max() <= 255 * 0.1 * 1.3
    assert deviations.min() < deviations.max() / 2


def test_jpeg_is_what_a_coarse_jpeg_does() -> None:
    rough = np.random.default_rng(0).uniform(0, 255, (64, 4, 4, 1))
    smooth = keras.ops.convert_to_numpy(keras.ops.image.resize(rough, (28, 28), "bicubic")).clip(0, 255)
    textured = (smooth + np.random.default_rng(1).normal(0, 6, smooth.shape)).clip(0, 255).astype(np.float32)
    result = changed(RandomJpeg(1.0), textured)
    lost = np.abs(result - textured).mean((1, 2, 3))
    assert lost.min() > 0.5
    assert lost.max() > 1.5 * lost.min(), "of different strength"
    assert np.abs(result - textured).mean() < 12, "still the same picture"
    blocks = result[:, :24, :24].reshape(64, 3, 8, 3, 8)
    frequencies = dctn(blocks, axes=(2, 4), norm="ortho")
    assert np.mean(np.abs(frequencies[:, :, 4:, :, 4:]) < 1) > 0.5, "most of the fine detail is gone"
    np.testing.assert_array_equal(result[:, 24:], textured[:, 24:])


def test_jpeg_stores_multiples_of_the_tables_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = RandomJpeg(1.1)  # always, with a draw that is always 1
    monkeypatch.setattr(
        layer, "_uniform", lambda pixels, *_range: keras.ops.ones((keras.ops.shape(pixels)[0], 1, 1, 1))
    )
    pictures = np.random.default_rng(0).uniform(90, 160, (4, 16, 16, 1)).astype(np.float32)
    blocks = changed(layer, pictures).reshape(4, 2, 8, 2, 8)
    steps = dctn(blocks, axes=(2, 4), norm="ortho") / np.array(RandomJpeg.QUANTIZATION)[:, None, :]
    np.testing.assert_allclose(steps, np.round(steps), atol=0.01)


def test_a_change_that_is_switched_off_is_not_built() -> None:
    only = dataclasses.replace(Augmentation(), flip=True)
    assert [type(layer).__name__ for layer in build_augmentation(only).layers] == ["Identity", "RandomFlip"]
