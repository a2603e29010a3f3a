import numpy as np
import pytest

from models.bundle import InputSize
from models.images.preprocessing import preprocess

RGB = InputSize(height=224, width=224, channels=3)
GRAY = InputSize(height=224, width=224, channels=1)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 2000, 3), (240, 320, 3), (1000, 300, 3)])
def test_any_shape_becomes_the_input(shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for name, size in (("center_crop", RGB), ("stretch_gray", GRAY)):
        pixels = preprocess(picture, name, size).pixels  # type: ignore[arg-type]
        assert pixels is not None
        assert pixels.shape == (size.height, size.width, size.channels)
        assert pixels.dtype == np.uint8


def test_no_side_is_rounded_out_of_the_picture() -> None:
    for side in range(1, 700):
        for shape in ((side, 500, 3), (500, side, 3)):
            assert preprocess(np.zeros(shape, np.uint8), "center_crop", RGB).pixels is not None


def test_a_picture_of_the_input_size_is_not_touched_by_the_crop() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    np.testing.assert_array_equal(preprocess(picture, "center_crop", RGB).pixels, picture)


def test_the_crop_keeps_the_middle_and_the_aspect() -> None:
    picture = np.zeros((224, 448, 3), np.uint8)
    picture[:, 112:336] = 200  # the middle square
    np.testing.assert_array_equal(preprocess(picture, "center_crop", RGB).pixels, 200)


def test_exposure_does_not_reach_the_network() -> None:
    picture = np.random.default_rng(0).integers(40, 200, (224, 224, 1), np.uint8).repeat(3, axis=2)
    faint = (picture // 2 + 60).astype(np.uint8)
    seen = preprocess(picture, "stretch_gray", GRAY).pixels
    seen_faint = preprocess(faint, "stretch_gray", GRAY).pixels
    assert seen is not None
    assert seen_faint is not None
    assert np.abs(seen.astype(int) - seen_faint).max() <= 3


def test_a_flat_picture_does_not_divide_by_zero() -> None:
    pixels = preprocess(np.full((50, 50, 3), 90, np.uint8), "stretch_gray", GRAY).pixels
    np.testing.assert_array_equal(pixels, 0)
