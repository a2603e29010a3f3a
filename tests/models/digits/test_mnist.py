"""Pictures of digits come into MNIST's form, and what has the form already stays as it is."""

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from models.digits.mnist import canonical_digit
from models.prediction import Reason

Picture = NDArray[np.uint8]
DIGITS = sorted((Path(__file__).parents[2] / "fixtures" / "digits").glob("*.png"))
# Strokes in the unit square: a path for each time the pen goes down.
FOUR = [[(0.55, 0.05), (0.1, 0.6), (0.9, 0.6)], [(0.65, 0.35), (0.65, 0.95)]]
SEVEN = [[(0.1, 0.1), (0.85, 0.1), (0.35, 0.95)]]
_TURN = np.linspace(0, 2 * np.pi, 40)
EIGHT = [
    [(0.5 + 0.22 * np.sin(t), 0.26 - 0.21 * np.cos(t)) for t in _TURN],
    [(0.5 + 0.28 * np.sin(t), 0.72 - 0.25 * np.cos(t)) for t in _TURN],
]
FIVE_WITH_ITS_BAR_OFF = [[(0.32, 0.1), (0.85, 0.06)], [(0.25, 0.16), (0.22, 0.45), (0.7, 0.5), (0.7, 0.85), (0.2, 0.9)]]


def mnist(path: Path) -> Picture:
    return np.asarray(Image.open(path), np.uint8)


def rgb(grey: Picture | Image.Image) -> Picture:
    return np.repeat(np.asarray(grey, np.uint8)[..., None], 3, axis=2)


def canonical(picture: Picture) -> Picture:
    """`(28, 28)` of a picture in which one digit must be found."""
    found = canonical_digit(picture)
    assert found.reason is None
    assert found.pixels is not None
    assert found.pixels.shape == (28, 28, 1)
    assert found.pixels.dtype == np.uint8
    return found.pixels[..., 0]


def likeness(one: Picture, other: Picture) -> float:
    """Correlation of two pictures, 1 when they are the same.

    A centre of mass between two pixels may be rounded either way, so a shift by one pixel is no difference.
    """
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return max(float(np.corrcoef(np.roll(one, shift, axis=(0, 1)).ravel(), other.ravel())[0, 1]) for shift in shifts)


def draw(
    paths: list[list[tuple[float, float]]],
    side: int = 300,
    box: tuple[int, int, int] = (60, 60, 180),
    pen: int = 12,
    canvas: Image.Image | None = None,
) -> Image.Image:
    """Draw in black on white: `box` is left, top and size of the unit square, in pixels."""
    image = canvas or Image.new("L", (side, side), 255)
    pencil = ImageDraw.Draw(image)
    left, top, size = box
    for path in paths:
        points = [(left + x * size, top + y * size) for x, y in path]
        pencil.line(points, fill=0, width=pen, joint="curve")
        for x, y in points:
            pencil.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=0)
    return image


def noisy(grey: NDArray[np.floating], spread: float = 5) -> Picture:
    noise = np.random.default_rng(3).normal(0, spread, grey.shape)
    return np.clip(grey + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("path", DIGITS, ids=lambda path: path.stem)
class TestRealDigits:
    def test_pass_untouched(self, path: Path) -> None:
        assert np.array_equal(canonical(rgb(mnist(path))), mnist(path))

    def test_pass_inverted_when_dark_on_light(self, path: Path) -> None:
        assert np.array_equal(canonical(rgb(255 - mnist(path))), mnist(path))

    def test_come_back_from_an_enlargement(self, path: Path) -> None:
        image = Image.open(path)
        nearest = canonical(rgb(image.resize((280, 280), Image.Resampling.NEAREST)))
        assert np.abs(nearest.astype(int) - mnist(path)).max() <= 1
        cubic = image.resize((280, 280), Image.Resampling.BICUBIC)
        assert np.abs(canonical(rgb(cubic)).astype(int) - mnist(path)).mean() < 5
        buffer = io.BytesIO()
        Image.fromarray(255 - np.asarray(cubic)).save(buffer, "JPEG", quality=75)
        assert likeness(canonical(rgb(Image.open(buffer))), mnist(path)) > 0.99

    def test_come_back_from_another_size_and_place(self, path: Path) -> None:
        canvas = Image.new("L", (400, 300), 0)
        canvas.paste(Image.open(path).resize((170, 170), Image.Resampling.BICUBIC), (210, 20))
        assert likeness(canonical(rgb(canvas)), mnist(path)) > 0.95

    def test_come_back_when_shifted(self, path: Path) -> None:
        shifted = np.pad(mnist(path), ((7, 1), (0, 8)))
        assert likeness(canonical(rgb(shifted)), mnist(path)) > 0.99

    def test_come_back_from_a_crop_without_margin(self, path: Path) -> None:
        rows, columns = np.nonzero(mnist(path) > 32)
        crop = mnist(path)[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert likeness(canonical(rgb(crop)), mnist(path)) > 0.95


def test_being_28_by_28_does_not_make_a_picture_canonical() -> None:
    small = Image.new("L", (28, 28), 255)
    small.paste(draw(SEVEN).resize((14, 14), Image.Resampling.BOX), (2, 12))
    assert likeness(canonical(rgb(small)), canonical(rgb(draw(SEVEN)))) > 0.8


@pytest.mark.parametrize("box", [(60, 60, 180), (5, 5, 100), (190, 120, 100), (20, 20, 260)])
@pytest.mark.parametrize("pen", [3, 8, 20])
def test_a_drawing_gets_mnists_box_and_centre(box: tuple[int, int, int], pen: int) -> None:
    pixels = canonical(rgb(draw(FOUR, box=box, pen=pen)))
    rows, columns = np.nonzero(pixels > 64)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
    assert np.ptp(columns) < np.ptp(rows)  # its aspect is kept
    weights = pixels.astype(float)
    row = weights.sum(1) @ np.arange(28) / weights.sum()
    column = weights.sum(0) @ np.arange(28) / weights.sum()
    assert abs(row - 14) <= 0.5
    assert abs(column - 14) <= 0.5
    assert pixels.max() == 255
    assert np.median(pixels) == 0


def test_the_centre_of_mass_counts_and_not_the_box() -> None:
    columns = np.nonzero((canonical(rgb(draw(SEVEN))) > 64).any(0))[0]
    assert (columns.min() + columns.max()) / 2 != pytest.approx(14, abs=0.4)


@pytest.mark.parametrize("pen", [2, 4, 12])
def test_chalk_on_a_board_equals_ink_on_paper(pen: int) -> None:
    paper = np.asarray(draw(SEVEN, pen=pen))
    assert likeness(canonical(rgb(paper)), canonical(rgb(255 - paper))) > 0.99


def test_a_thin_pen_does_not_make_a_faint_digit() -> None:
    thin, medium = (canonical(rgb(draw(FOUR, pen=pen))) for pen in (2, 18))
    assert thin.sum() > 0.7 * medium.sum()
    assert likeness(thin, medium) > 0.8


def test_a_coloured_pen_on_coloured_paper() -> None:
    strokes = np.asarray(draw(SEVEN))[..., None] < 128
    picture = np.where(strokes, (170, 30, 40), (235, 225, 190)).astype(np.uint8)
    assert likeness(canonical(picture), canonical(rgb(draw(SEVEN)))) > 0.99


def photograph(drawn: Image.Image, light: NDArray[np.floating]) -> Picture:
    """The drawing on paper under that light, a little out of focus, with grain."""
    paper = np.asarray(drawn, float) / 255 * 0.8 + 0.15
    blur = ImageFilter.GaussianBlur(min(drawn.size) / 400)
    return np.asarray(Image.fromarray(noisy(paper * light)).filter(blur))


def shade(width: int, height: int) -> NDArray[np.floating]:
    """A hand's shadow on the left, with a soft edge."""
    return np.tile(230 * (0.35 + 0.65 / (1 + np.exp(-(np.arange(width) - width * 0.45) / (width * 0.06)))), (height, 1))


@pytest.mark.parametrize("size", [(600, 450), (3000, 4000)])
@pytest.mark.parametrize("paths", [FOUR, EIGHT], ids=["4", "8"])
@pytest.mark.parametrize("pen", [2, 5, 10])
def test_a_photograph_with_a_shadow(size: tuple[int, int], paths: list[list[tuple[float, float]]], pen: int) -> None:
    height, width = size
    unit = min(size) // 100
    drawn = draw(
        paths, box=(20 * unit, 20 * unit, 55 * unit), pen=pen * unit, canvas=Image.new("L", (width, height), 255)
    )
    plain = draw(paths, box=(60, 60, 165), pen=pen * 3)
    assert likeness(canonical(rgb(photograph(drawn, shade(width, height)))), canonical(rgb(plain))) > 0.95


@pytest.mark.parametrize("pen", [45, 60])
def test_a_marker_s_stroke_keeps_its_middle(pen: int) -> None:
    """By the light of a lamp, on grey paper; wider than what the local estimate of the ground takes for ink."""
    drawn = np.asarray(draw(SEVEN, box=(60, 60, 180), pen=pen), np.float64)
    down, across = np.mgrid[0 : 1 : drawn.shape[0] * 1j, 0 : 1 : drawn.shape[1] * 1j]
    photograph = drawn * (0.6 + 0.25 * across - 0.1 * down**2) + 20
    plain = canonical(rgb(draw(SEVEN, box=(60, 60, 180), pen=pen)))
    assert likeness(canonical(rgb(Image.fromarray(photograph.astype(np.uint8)))), plain) > 0.95


def test_a_shadow_is_not_the_digit() -> None:
    rows, columns = np.mgrid[:400, :400]
    spot = 1 - 0.7 / (1 + np.exp((np.hypot(rows - 300, columns - 300) - 40) / 8))
    drawn = draw(FOUR, side=400, box=(40, 40, 150), pen=10)
    assert likeness(canonical(rgb(photograph(drawn, 230 * spot))), canonical(rgb(drawn))) > 0.95


def test_specks_are_dropped() -> None:
    clean = draw(FOUR)
    dusty = clean.copy()
    for x, y in ((12, 15), (280, 20), (25, 270), (285, 285), (60, 130)):
        ImageDraw.Draw(dusty).ellipse((x, y, x + 5, y + 5), fill=0)
    assert np.array_equal(canonical(rgb(dusty)), canonical(rgb(clean)))


def test_ruled_lines_are_paper() -> None:
    ruled = Image.new("L", (300, 300), 255)
    for y in range(10, 300, 30):
        ImageDraw.Draw(ruled).line((0, y, 300, y), fill=190, width=2)
    assert likeness(canonical(rgb(draw(FOUR, canvas=ruled))), canonical(rgb(draw(FOUR)))) > 0.97


@pytest.mark.parametrize("pen", [4, 12])
def test_a_sheet_on_a_table_is_not_the_digit(pen: int) -> None:
    sheet = Image.fromarray(photograph(draw(FOUR, pen=pen), 60 + shade(300, 300) * 0.7))
    table = Image.new("L", (420, 420), 20)
    table.paste(sheet, (70, 50))
    photo = table.rotate(6, Image.Resampling.BICUBIC, fillcolor=20)
    upright = draw(FOUR, pen=pen).rotate(6, Image.Resampling.BICUBIC, fillcolor=255)
    assert likeness(canonical(rgb(noisy(np.asarray(photo, float)))), canonical(rgb(upright))) > 0.95


@pytest.mark.parametrize(
    "picture",
    [
        np.full((300, 300), 255),
        np.zeros((28, 28)),
        np.full((40, 90), 128),
        np.linspace(100, 240, 400)[None].repeat(300, axis=0),
        noisy(np.full((300, 300), 235.0), 8),
        noisy(np.full((28, 28), 20.0), 8),
        noisy(np.full((100, 80), 128.0), 40),
        np.full((1, 1), 77),
        np.zeros((1, 20_000)),
        np.full((20_000, 1), 255),
        np.asarray(draw([[(0.5, 0.5), (0.5, 0.51)]], pen=7)),
    ],
    ids=[
        "white",
        "black",
        "grey",
        "gradient",
        "grain",
        "dark grain",
        "coarse grain",
        "1x1",
        "1x20000",
        "20000x1",
        "dot",
    ],
)
def test_nothing_drawn_is_blank(picture: Picture) -> None:
    found = canonical_digit(rgb(picture.astype(np.uint8)))
    assert found.pixels is None
    assert found.reason is Reason.BLANK


def test_of_several_digits_the_largest_is_kept() -> None:
    both = draw(SEVEN, box=(190, 100, 90), canvas=draw(FOUR, box=(10, 60, 170)))
    found = canonical_digit(rgb(both))
    assert found.reason is Reason.SEVERAL_DIGITS
    assert found.pixels is not None
    assert np.array_equal(found.pixels[..., 0], canonical(rgb(draw(FOUR, box=(10, 60, 170)))))


def lights(count: int, width: float) -> Picture:
    """Soft spots of different brightness on a dark ground, as in many a photograph."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:240, :240]
    spots = [
        random.uniform(60, 230) * np.exp(-((y - top) ** 2 + (x - left) ** 2) / (2 * width**2))
        for top, left in random.uniform(20, 220, (count, 2))
    ]
    return rgb(np.clip(20 + np.sum(spots, axis=0), 0, 255).astype(np.uint8))


@pytest.mark.parametrize("count", [5, 8, 12])
@pytest.mark.parametrize("width", [6, 9, 12])
def test_what_no_pen_has_drawn_is_unfamiliar(count: int, width: float) -> None:
    assert canonical_digit(lights(count, width)).reason is Reason.UNFAMILIAR


def test_a_stroke_among_many_edges_is_no_drawing() -> None:
    """As a bright strip in an X-ray: the same stroke alone is a one."""
    one = draw([[(0.5, 0.05), (0.5, 0.95)]], box=(200, 60, 120), pen=9)
    assert canonical_digit(rgb(one)).reason is None
    drawn = np.asarray(one, np.float64)
    down, across = np.mgrid[0 : 1 : drawn.shape[0] * 1j, 0 : 1 : drawn.shape[1] * 1j]
    ribs = 28 * np.sign(np.sin(90 * down + 6 * across**2)) * (across < 0.6)
    found = canonical_digit(rgb(Image.fromarray((0.75 * drawn + 30 + ribs).clip(0, 255).astype(np.uint8))))
    assert found.pixels is not None, "the stroke is found"
    assert found.reason is Reason.UNFAMILIAR


def test_a_single_soft_stroke_may_be_chalk() -> None:
    assert canonical_digit(lights(1, 12)).reason is None


def test_a_broken_digit_is_one_digit() -> None:
    whole = canonical(rgb(draw(FIVE_WITH_ITS_BAR_OFF)))
    assert whole[:8].sum() > 255 * 4  # the bar is there


def test_the_picture_given_is_not_changed() -> None:
    picture = rgb(draw(FOUR))
    before = picture.copy()
    picture.flags.writeable = False  # as decoding gives it
    canonical(picture)
    assert np.array_equal(picture, before)
