import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models.bundle import InputSize, PreprocessingName
from models.errors import TooMuchMemory
from models.images import preprocessing
from models.images.decoding import decode
from models.images.preprocessing import Prepared, prepare, preprocess

RGB = InputSize(height=224, width=224, channels=3)
GRAY = InputSize(height=224, width=224, channels=1)
DIGIT = InputSize(height=28, width=28, channels=1)


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


def photograph(width: int, height: int) -> bytes:
    """A JPEG of soft shapes, as a camera takes them."""
    coarse = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "size", "sides", "decoded"),
    [
        ("center_crop", RGB, (2688, 2700), (672, 675)),
        ("center_crop", RGB, (1344, 2000), (672, 1000)),
        ("center_crop", RGB, (1343, 2000), (1343, 2000)),  # half would be one pixel short of three times the input
        ("stretch_gray", GRAY, (2688, 2700), (2688, 2700)),  # X-rays keep every pixel
        ("mnist", DIGIT, (4480, 100), (560, 13)),  # the longer side counts
        ("mnist", DIGIT, (1119, 1119), (1119, 1119)),
    ],
)
def test_a_large_jpeg_is_decoded_as_far_as_it_is_needed(
    name: PreprocessingName,
    size: InputSize,
    sides: tuple[int, int],
    decoded: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shapes = []

    def recorded(rgb: NDArray[np.uint8], *_: object) -> Prepared:
        shapes.append(rgb.shape)
        return Prepared(None)

    monkeypatch.setattr(preprocessing, "preprocess", recorded)
    prepare(photograph(*sides), name, size)
    assert shapes == [(decoded[1], decoded[0], 3)]


def test_a_turned_jpeg_is_measured_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.new("RGB", (1000, 4000)).save(stream, "JPEG", exif=exif)
    seen = []

    def suffices(width: int, height: int) -> bool:
        seen.append((width, height))
        return (width, height) == (1000, 250)

    assert decode(stream.getvalue(), suffices=suffices).shape == (250, 1000, 3)
    assert seen == [(500, 125), (1000, 250)]


def test_a_reduced_photograph_is_prepared_as_a_whole_one() -> None:
    data = photograph(1400, 1600)
    reduced, whole = prepare(data, "center_crop", RGB).pixels, preprocess(decode(data), "center_crop", RGB).pixels
    assert reduced is not None
    assert whole is not None
    assert np.abs(reduced.astype(int) - whole).max() <= 3


def test_small_pictures_and_other_formats_are_prepared_at_full_size() -> None:
    for kind, side in (("JPEG", 600), ("PNG", 1400)):
        stream = io.BytesIO()
        Image.effect_noise((side, side), 90).convert("RGB").save(stream, kind)
        expected = preprocess(decode(stream.getvalue()), "center_crop", RGB).pixels
        np.testing.assert_array_equal(prepare(stream.getvalue(), "center_crop", RGB).pixels, expected)


def test_missing_memory_is_the_pictures_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> Prepared:
        raise MemoryError

    monkeypatch.setattr(preprocessing, "preprocess", exhausted)
    with pytest.raises(TooMuchMemory):
        prepare(photograph(20, 20), "center_crop", RGB)
