import math

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from train.evaluation.radiographs import (
    THORAX,
    THORAX_CROPPED,
    blank_letters,
    box_area,
    crop_borders,
    match_histogram_to,
    share_in_box,
)


def chest() -> Image.Image:
    """A body in grey, brighter in the middle, on a dark ground."""
    y, x = np.mgrid[0:200, 0:240]
    body = 170 * np.exp(-(((x - 120) / 75) ** 4)) + 20 + 10 * np.sin(y / 9)
    return Image.fromarray(body.astype(np.uint8))


def as_rgb(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image.convert("RGB"))


def lettered(at: tuple[int, int]) -> Image.Image:
    image = chest()
    ImageDraw.Draw(image).text(at, "R", fill=255, font=ImageFont.load_default(16))
    return image


def test_cropping_takes_as_much_from_every_side() -> None:
    picture = as_rgb(chest())
    assert crop_borders(picture).shape == (200 - 2 * 16, 240 - 2 * 19, 3)
    np.testing.assert_array_equal(crop_borders(picture), picture[16:-16, 19:-19])


def test_a_matched_picture_has_the_grey_levels_of_the_other() -> None:
    random = np.random.default_rng(0)
    pictures = [
        as_rgb(Image.fromarray(random.normal(mean, 20, (90, 80)).clip(0, 255).astype(np.uint8))) for mean in (70, 160)
    ]
    matched = match_histogram_to(pictures[1])(pictures[0])
    assert matched.shape == pictures[0].shape
    for share in (5, 25, 50, 75, 95):
        assert np.percentile(matched, share) == pytest.approx(np.percentile(pictures[1], share), abs=1.5)
    order = np.argsort(pictures[0][..., 0], axis=None)
    assert (np.diff(matched[..., 0].ravel()[order].astype(int)) >= 0).all(), "what was brighter stays so"


def test_matching_a_picture_to_itself_changes_nothing() -> None:
    picture = as_rgb(chest())
    np.testing.assert_allclose(match_histogram_to(picture)(picture).astype(int), picture.astype(int), atol=1)


@pytest.mark.parametrize("at", [(4, 90), (30, 8), (222, 60), (200, 4)], ids=str)
def test_letters_at_the_sides_and_in_the_upper_corners_go(at: tuple[int, int]) -> None:
    before, blanked = as_rgb(chest()).astype(int), blank_letters(as_rgb(lettered(at))).astype(int)
    assert np.abs(as_rgb(lettered(at)).astype(int) - before).max() > 60
    assert np.abs(blanked - before).max() < 30


def test_what_is_no_letter_stays() -> None:
    in_the_middle, plain = as_rgb(lettered((115, 90))), as_rgb(chest())
    np.testing.assert_array_equal(blank_letters(in_the_middle), in_the_middle)
    np.testing.assert_array_equal(blank_letters(plain), plain)
    wide = chest()
    ImageDraw.Draw(wide).rectangle((0, 60, 60, 66), fill=255)  # a cable, an arm, a plate's edge
    np.testing.assert_array_equal(blank_letters(as_rgb(wide)), as_rgb(wide))


def test_the_share_of_heat_is_exact_where_cells_straddle_the_box() -> None:
    even = np.ones((7, 7), np.float32)
    assert share_in_box(even, (0.25, 0.25, 0.75, 0.5)) == pytest.approx(0.5 * 0.25)
    assert share_in_box(even, THORAX) == pytest.approx(box_area(THORAX))
    corner = np.zeros((4, 4), np.float32)
    corner[0, 3] = 1
    assert share_in_box(corner, (0, 0, 1, 1)) == pytest.approx(1)
    assert share_in_box(corner, (0, 0, 0.875, 1)) == pytest.approx(0.5)
    assert share_in_box(corner, (0, 0.25, 1, 1)) == 0
    assert math.isnan(share_in_box(np.zeros((4, 4), np.float32), THORAX))


def test_the_box_of_a_cropped_picture_is_the_same_piece_of_chest() -> None:
    assert box_area(THORAX_CROPPED) * 0.84**2 == pytest.approx(box_area(THORAX))
