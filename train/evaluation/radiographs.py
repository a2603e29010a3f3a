"""Corruptions of X-rays that imitate another hospital, and the box of the lungs.

Networks take a hospital's borders, exposure and letters as shortcuts. Each corruption takes a decoded picture,
`(H, W, 3)` uint8 RGB, before any preprocessing, and returns another.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Box = tuple[float, float, float, float]  # left, top, right, bottom, as fractions of width and height

CROP = 0.08  # of the width and of the height, on each side

# A fixed box around both lungs, with the heart and spine between them: their mean position in the training pictures of
# this project (children, anterior-posterior view). It is not a segmentation.
THORAX: Box = (0.12, 0.15, 0.88, 0.85)
THORAX_CROPPED: Box = (
    (THORAX[0] - CROP) / (1 - 2 * CROP),
    (THORAX[1] - CROP) / (1 - 2 * CROP),
    (THORAX[2] - CROP) / (1 - 2 * CROP),
    (THORAX[3] - CROP) / (1 - 2 * CROP),
)

STROKE = 0.05  # of the longer side: wider than the strokes of letters
CONTRAST = 45  # grey levels by which letters are brighter than their surroundings
SIDE_STRIP = 0.09  # of the width: letters may be anywhere along the sides
CORNER = (0.3, 0.2)  # of the width and of the height: the upper corners


def crop_borders(rgb: Picture) -> Picture:
    """Remove 8 % of the width and of the height on each side."""
    height, width = rgb.shape[:2]
    rows, columns = round(CROP * height), round(CROP * width)
    return rgb[rows : height - rows, columns : width - columns]


def match_histogram_to(reference: Picture) -> Callable[[Picture], Picture]:
    """Return a corruption that gives a picture the grey-level distribution of the reference, as grey RGB."""
    target = _cumulative_histogram(_grey(reference))
    levels_in_reference = np.flatnonzero(np.diff(target, prepend=0))

    def match(rgb: Picture) -> Picture:
        grey = _grey(rgb)
        levels = np.interp(_cumulative_histogram(grey), target[levels_in_reference], levels_in_reference)
        return _as_rgb(np.rint(levels).astype(np.uint8)[grey])

    return match


def blank_letters(rgb: Picture) -> Picture:
    """Paint over the letters at the sides and in the upper corners with their surroundings; return grey RGB.

    A letter is a bright, compact spot. Its pixels are connected and at least CONTRAST levels brighter than the
    morphological opening of the picture (white top-hat, wider than the stroke of a letter). Its height is 1.5 to 10 %
    of the picture's, its width 1 to 10 %. It is up to twice as wide as tall, up to three times as tall as wide, and
    fills at least a fifth of its bounding box. Its centre lies in the outer 9 % of the width on either side, or in an
    upper corner. Some electrodes, buckles and bits of collar bone are removed too, and a letter over bright tissue
    may remain. Spots are widened by 1 % and inpainted (Telea 2004, Journal of Graphics Tools 9).
    """
    grey = _grey(rgb)
    spots = _letters(grey).astype(np.uint8)
    widened = cv2.dilate(spots, np.ones((_odd(0.02 * max(grey.shape)),) * 2, np.uint8))
    return _as_rgb(np.asarray(cv2.inpaint(grey, widened, 3, cv2.INPAINT_TELEA), np.uint8))


def share_in_box(cam: NDArray[np.float32], box: Box) -> float:
    """Return the share of a class activation map, `(h, w)`, inside a box; NaN for a map of zeros.

    Cells on the edge of the box count in proportion.
    """
    total = float(cam.sum())
    left, top, right, bottom = box
    inside = _overlap(cam.shape[0], top, bottom) @ cam @ _overlap(cam.shape[1], left, right)
    return float(inside) / total if total > 0 else float("nan")


def box_area(box: Box) -> float:
    """Return the share of the picture that the box covers."""
    left, top, right, bottom = box
    return (right - left) * (bottom - top)


def _letters(grey: Picture) -> NDArray[np.bool_]:
    """Return the mask of the letters, `(H, W)`."""
    height, width = grey.shape
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_odd(STROKE * max(grey.shape)),) * 2)
    bright = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, kernel) > CONTRAST
    _, spots, boxes, _ = cv2.connectedComponentsWithStats(bright.astype(np.uint8), connectivity=8)
    letters = [
        spot
        for spot, (left, top, box_width, box_height, pixels) in enumerate(boxes[1:], start=1)
        if _in_margin((left + box_width / 2) / width, (top + box_height / 2) / height)
        and 0.015 <= box_height / height <= 0.1
        and 0.01 <= box_width / width <= 0.1
        and box_width <= 2 * box_height <= 6 * box_width
        and pixels >= 0.2 * box_width * box_height
    ]
    return np.isin(spots, letters)


def _in_margin(x: float, y: float) -> bool:
    from_side = min(x, 1 - x)
    return from_side < SIDE_STRIP or (from_side < CORNER[0] and y < CORNER[1])


def _overlap(cells: int, start: float, end: float) -> NDArray[np.float64]:
    """Return the share of each of the equal cells of 0..1 that lies between `start` and `end`, `(cells,)`."""
    edges = np.clip(np.linspace(0, 1, cells + 1), start, end)
    return np.diff(edges) * cells


def _cumulative_histogram(grey: Picture) -> NDArray[np.float64]:
    """Return the share of pixels up to each grey level, `(256,)`."""
    return np.asarray(np.cumsum(np.bincount(grey.ravel(), minlength=256)) / grey.size, dtype=np.float64)


def _grey(rgb: Picture) -> Picture:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def _as_rgb(grey: Picture) -> Picture:
    return np.repeat(grey[..., np.newaxis], 3, axis=-1)


def _odd(pixels: float) -> int:
    return max(3, round(pixels) | 1)
