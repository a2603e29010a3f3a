"""Synthetic outliers are varied, and those that reach the network of digits have no label."""

import dataclasses

import numpy as np
import pytest

from models.digits.mnist import canonical_digit
from train import recipe
from train.errors import RecipeError
from train.learning.batches import OUTLIER, Batches
from train.learning.outlier_exposure import SIDE, add_outliers, synthetic_outlier

DIGIT = dataclasses.replace(recipe.load("digit"), outlier_exposure=0.25)


def test_outliers_is_varied_and_reproducible() -> None:
    pictures = [synthetic_outlier(np.random.default_rng(seed)) for seed in range(30)]
    assert {(picture.shape, picture.dtype) for picture in pictures} == {((SIDE, SIDE, 3), np.dtype(np.uint8))}
    assert len({picture.tobytes() for picture in pictures}) == 30
    np.testing.assert_array_equal(pictures[7], synthetic_outlier(np.random.default_rng(7)))
    seen = [canonical_digit(picture).pixels is not None for picture in pictures]
    assert 0 < sum(seen) < 30, "some would reach the network, some would not"


def test_outliers_comes_after_the_pictures_and_has_no_label() -> None:
    pixels, truth = np.full((40, 28, 28, 1), 200, np.uint8), np.ones(40, np.int64)
    more, labels = add_outliers(pixels, truth, DIGIT)
    np.testing.assert_array_equal(more[:40], pixels)
    assert labels.tolist() == [1] * 40 + [OUTLIER] * 10
    assert more[40:].max(axis=(1, 2, 3)).min() > 100, "each has something on it"
    assert len({picture.tobytes() for picture in more[40:]}) == 10
    again, _ = add_outliers(pixels, truth, DIGIT)
    np.testing.assert_array_equal(again, more)


def test_without_outliers_the_pictures_stay_as_they_are() -> None:
    pixels, truth = np.zeros((4, 28, 28, 1), np.uint8), np.ones(4, np.int64)
    more, labels = add_outliers(pixels, truth, dataclasses.replace(DIGIT, outlier_exposure=0))
    assert more is pixels
    assert labels is truth


def test_nothing_is_taught_as_unsure() -> None:
    pixels = np.zeros((2, 28, 28, 1), np.uint8)
    _, targets = Batches(pixels, np.array([1, OUTLIER]), 4, 2, None)[0]
    np.testing.assert_allclose(targets, np.array([[0, 1, 0, 0], [0.25] * 4]))


def test_outliers_needs_pictures_in_memory() -> None:
    def load(_index: int) -> np.ndarray:
        return np.zeros((28, 28, 1), np.uint8)

    with pytest.raises(RecipeError, match=r"does not fit in memory_gb = 4.0, and outlier_exposure needs"):
        add_outliers(load, np.ones(40, np.int64), DIGIT)
