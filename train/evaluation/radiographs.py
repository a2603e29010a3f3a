"""X-rays as another hospital might have sent them, and where in them the lungs are.

A hospital's borders, exposure and letters are the shortcuts that a network takes. Each alteration takes a decoded
picture, `(H, W, 3)` uint8 RGB, before any preprocessing, and gives another.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Box = tuple[float, float, float, float]  # left, top, right, bottom, as fractions of width and height

CROP = 0.08  # of the width and of the height, on each side

# Where the lungs are on average in the training pictures of this project (children, anterior-posterior view): a fixed
# box around both lungs, with the heart and spine between them. It is a box and no segmentation.
THORAX: Box = (0.12, 0.15, 0.88, 0.85)
THORAX_CROPPED: Box = (
    (THORAX[0] - CROP) / (1 - 2 * CROP),
    (THORAX[1] - CROP) / (1 - 2 * CROP),
    (THORAX[2] - CROP) / (1 - 2 * CROP),
    (THORAX[3] - CROP) / (1 - 2 * CROP),
)

STROKE = 0.05  # of the longer side: wider than the strokes of letters
CONTRAST = 45  # grey levels that letters are brighter than what is around them
SIDE_STRIP = 0.09  # of the width: letters may be anywhere along the sides
CORNER = (0.3, 0.2)  # of the width and of the height: the upper corners


def cropped(rgb: Picture) -> Picture:
    """Without 8 % of the width and of the height on each side."""
    height, width = rgb.shape[:2]
    rows, columns = round(CROP * height), round(CROP * width)
    return rgb[rows : height - rows, columns : width - columns]


def matched_to(reference: Picture) -> Callable[[Picture], Picture]:
    """An alteration that gives a picture the reference's distribution of grey levels, in grey.

    Each grey level becomes the one below which the reference has as large a share of its pixels.
    """
    there = _shares_below(_grey(reference))
    occur = np.flatnonzero(np.diff(there, prepend=0))  # levels that the reference has

    def match(rgb: Picture) -> Picture:
        grey = _grey(rgb)
        levels = np.interp(_shares_below(grey), there[occur], occur)
        return _as_rgb(np.rint(levels).astype(np.uint8)[grey])

    return match


def without_letters(rgb: Picture) -> Picture:
    """With the letters at the sides and in the upper corners painted over by what surrounds them, in grey.

    A letter is a bright, compact spot: connected pixels at least CONTRAST levels brighter than the picture's
    morphological opening (a white top-hat, wider than a letter's stroke), 1.5 to 10 % of the height tall and 1 to
    10 % of the width wide, at most twice as wide and three times as tall as the other side, and filling a fifth of
    its box. Its centre lies in the outer 9 % of the width on either side, or in the upper corners. Some electrodes,
    buckles and bits of collar bone go with them; a letter over bright flesh may stay. Spots are widened by 1 % and
    filled from their surroundings (Telea 2004, Journal of Graphics Tools 9).
    """
    grey = _grey(rgb)
    spots = _letters(grey).astype(np.uint8)
    widened = cv2.dilate(spots, np.ones((_odd(0.02 * max(grey.shape)),) * 2, np.uint8))
    return _as_rgb(np.asarray(cv2.inpaint(grey, widened, 3, cv2.INPAINT_TELEA), np.uint8))


def share_inside(heat: NDArray[np.float32], box: Box) -> float:
    """The share of a heat map, `(h, w)`, that lies in a box, each cell evenly spread; NaN for a map without heat."""
    total = float(heat.sum())
    left, top, right, bottom = box
    inside = _overlap(heat.shape[0], top, bottom) @ heat @ _overlap(heat.shape[1], left, right)
    return float(inside) / total if total > 0 else float("nan")


def area(box: Box) -> float:
    """The share of the picture that the box covers: what a heat map that looks everywhere alike has in it."""
    left, top, right, bottom = box
    return (right - left) * (bottom - top)


def _letters(grey: Picture) -> NDArray[np.bool_]:
    """Which pixels, `(H, W)`, are letters."""
    height, width = grey.shape
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_odd(STROKE * max(grey.shape)),) * 2)
    bright = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, around) > CONTRAST
    _, spots, boxes, _ = cv2.connectedComponentsWithStats(bright.astype(np.uint8), connectivity=8)
    letters = [
        spot
        for spot, (left, top, wide, tall, pixels) in enumerate(boxes[1:], start=1)
        if _in_margin((left + wide / 2) / width, (top + tall / 2) / height)
        and 0.015 <= tall / height <= 0.1
        and 0.01 <= wide / width <= 0.1
        and wide <= 2 * tall <= 6 * wide
        and pixels >= 0.2 * wide * tall
    ]
    return np.isin(spots, letters)


def _in_margin(x: float, y: float) -> bool:
    from_side = min(x, 1 - x)
    return from_side < SIDE_STRIP or (from_side < CORNER[0] and y < CORNER[1])


def _overlap(cells: int, start: float, end: float) -> NDArray[np.float64]:
    """How much of each of the cells that divide 0..1 lies between `start` and `end`, `(cells,)`."""
    edges = np.clip(np.linspace(0, 1, cells + 1), start, end)
    return np.diff(edges) * cells


def _shares_below(grey: Picture) -> NDArray[np.float64]:
    """For each of the 256 levels the share of the pixels up to it."""
    return np.asarray(np.cumsum(np.bincount(grey.ravel(), minlength=256)) / grey.size, dtype=np.float64)


def _grey(rgb: Picture) -> Picture:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def _as_rgb(grey: Picture) -> Picture:
    return np.repeat(grey[..., np.newaxis], 3, axis=-1)


def _odd(pixels: float) -> int:
    return max(3, round(pixels) | 1)
