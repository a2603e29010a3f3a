"""Batches: every picture once an epoch, in an order that the seed and the epoch give."""

import numpy as np
from numpy.typing import NDArray

from train.learning.batches import Batches

PIXELS = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 1), np.uint8)
TRUTH = np.array([0] * 8 + [1] * 2)


def epoch(batches: Batches, number: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The values of the pictures, `(N,)`, and their targets."""
    batches.set_epoch(number)
    pixels, targets = zip(*(batches[index] for index in range(len(batches))), strict=True)
    return np.concatenate(pixels)[:, 0, 0, 0], np.concatenate(targets)


def test_an_epoch_has_every_picture_once_with_its_label() -> None:
    values, targets = epoch(Batches(PIXELS, TRUTH, 2, 4, seed=0), 0)
    assert sorted(values) == list(range(10))
    np.testing.assert_array_equal(targets.argmax(1), TRUTH[values.astype(int)])


def test_the_order_follows_from_the_seed_and_the_epoch() -> None:
    one, other = (Batches(PIXELS, TRUTH, 2, 4, seed=3) for _ in range(2))
    epoch(one, 0)
    np.testing.assert_array_equal(epoch(one, 5)[0], epoch(other, 5)[0])
    assert list(epoch(one, 6)[0]) != list(epoch(one, 5)[0])


def test_balanced_epochs_have_each_class_as_often() -> None:
    _, targets = epoch(Batches(PIXELS, TRUTH, 2, 4, seed=0, balanced=True), 0)
    assert targets.sum(0).tolist() == [5, 5]


def test_mixup_blends_pictures_and_labels_alike() -> None:
    values, targets = epoch(Batches(9 * PIXELS, np.arange(10), 10, 10, seed=0, mixup=1.0), 0)
    np.testing.assert_allclose(targets.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(values, targets @ (9 * np.arange(10)), rtol=1e-4)
    assert np.mean(targets.max(1) < 0.99) > 0.5, "most are blends"
    again, _ = epoch(Batches(9 * PIXELS, np.arange(10), 10, 10, seed=0, mixup=1.0), 0)
    np.testing.assert_array_equal(again, values)
