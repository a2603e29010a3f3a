import numpy as np
import pytest

from train.learning.corruptions import CORRUPTIONS, corrupted_copies


@pytest.mark.parametrize("channels", [1, 3])
def test_every_alteration_changes_the_picture_and_keeps_its_shape(channels: int) -> None:
    picture = np.random.default_rng(0).integers(30, 220, (1, 64, 64, channels), np.uint8)
    pictures = picture.repeat(len(CORRUPTIONS), 0)
    altered = corrupted_copies(pictures)
    assert altered.shape == pictures.shape
    assert altered.dtype == np.uint8
    for before, after in zip(pictures, altered, strict=True):
        assert np.abs(before.astype(int) - after).mean() > 1


def test_the_same_pictures_are_altered_in_the_same_way() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (9, 32, 32, 1), np.uint8)
    np.testing.assert_array_equal(corrupted_copies(pictures), corrupted_copies(pictures))
