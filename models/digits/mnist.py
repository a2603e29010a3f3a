"""The MNIST canonical form of a picture of a handwritten digit.

In MNIST each digit is light on dark, fitted into 20 x 20 pixels with its aspect ratio kept, anti-aliased, and placed in
28 x 28 pixels by its centre of mass (LeCun et al. 1998, http://yann.lecun.com/exdb/mnist/). A network trained on MNIST
reads photographs and drawings after they are converted to that form.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.digits.segmentation import SQUARE, Drawing, Grey, Ink, View, as_uint8, border, find_ink, shrink, views
from models.prediction import Reason

SIDE = 28  # of the canonical form, in pixels
BOX = 20  # the longer side of the digit in it
SEARCH_SIDE = 10 * SIDE  # the longer side of the picture during the search for digits; a multiple of MNIST's
STRONG_INK = 0.6  # every stroke has some pixel above it
WEAK_INK = 0.35  # the threshold of a stroke
FAINT_INK = 0.2  # the threshold of a stroke's blurred edge
MIN_DIGIT = 0.04  # of the picture's longer side; shorter marks are specks
MIN_DIGIT_PX = 5
HALF_GAP = 0.065  # of the digit's longer side; strokes closer than twice this belong to one digit
BLUR = 0.015  # of the digit's longer side; width of a blurred edge
MAX_SOFT_INK, MAX_OTHER_INK = 0.6, 0.25  # shares of the ink; above both, the picture is a photograph of something else
MIN_EDGE_SHARE = 0.45  # share of the picture's edges that belong to the digits; below, it is not a drawing
MIN_STROKE = 2.2  # canonical pixels; most of MNIST is wider, and much thinner strokes are not recognised


@dataclass(frozen=True, slots=True)
class CanonicalDigit:
    """A digit in canonical form: `pixels` `(28, 28, 1)` uint8, light on dark, or None when nothing is drawn."""

    pixels: NDArray[np.uint8] | None
    reason: Reason | None


def canonical_digit(rgb: NDArray[np.uint8]) -> CanonicalDigit:
    """Convert a picture `(H, W, 3)` uint8 to the MNIST canonical form.

    A picture in that form passes unchanged (dark on light is inverted). The reason is BLANK when nothing is drawn,
    SEVERAL_DIGITS when there is more than one digit (`pixels` has the largest), and UNFAMILIAR when the marks were not
    drawn with a pen.
    """
    grey = as_uint8(cv2.cvtColor(shrink(rgb, SEARCH_SIDE), cv2.COLOR_RGB2GRAY))
    unchanged = _already_canonical(grey)
    if unchanged is not None:
        return CanonicalDigit(unchanged[..., None], None)
    for view in views(grey):
        drawing = find_ink(view)
        digits = [] if drawing is None else _split_digits(drawing)
        if drawing is not None and digits:
            return CanonicalDigit(_fit(digits[0])[..., None], _doubt(drawing.ink, digits, view))
    return CanonicalDigit(None, Reason.BLANK)


def _already_canonical(grey: Grey) -> Grey | None:
    """Return the picture at `(28, 28)` when it is canonical: black ground, box of 20, centre of mass in the middle.

    All but a few of MNIST's own pictures pass this test, enlarged ones too.
    """
    if grey.shape[0] != grey.shape[1] or grey.shape[0] < SIDE:
        return None
    small = shrink(grey, SIDE)
    ground = np.median(border(small))
    if ground > 127:
        small, ground = 255 - small, 255 - ground
    if ground > 3 or small.max() < 200:
        return None
    box = max(cv2.boundingRect((small > 32).astype(np.uint8))[2:])
    off_centre = max(abs(centre - SIDE / 2) for centre in _centre_of_mass(small))
    return small if BOX - 1 <= box <= BOX and off_centre <= 0.51 else None


def _centre_of_mass(grey: NDArray[Any]) -> tuple[float, float]:
    """Return the row and the column of the centre of mass."""
    values = grey.astype(np.float64)
    rows, columns = values.sum(1), values.sum(0)
    return float(rows @ np.arange(rows.size) / rows.sum()), float(columns @ np.arange(columns.size) / columns.sum())


def _split_digits(drawing: Drawing) -> list[Ink]:
    """Return the ink `(H, W)` of each digit, the one with most ink first; empty when there are only specks.

    A digit is a cluster of strokes: a detached bar of a 5 is nearer to its body than to the next digit.
    """
    ink, gradient = drawing
    _, labels, stats, _ = cv2.connectedComponentsWithStats((ink > WEAK_INK).astype(np.uint8), connectivity=8)
    longest = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    stroke = np.bincount(labels[ink > STRONG_INK], minlength=len(stats)) > 0
    stroke[0] = False  # the ground
    if longest[stroke].max(initial=0) < max(MIN_DIGIT * max(ink.shape), MIN_DIGIT_PX):
        return []
    # The mean gradient of each component's edges: a shadow has softer edges than a pen.
    edges = _sums(labels, np.square(gradient)) / np.maximum(_sums(labels, gradient), 1)
    stroke &= edges >= 0.35 * edges[stroke & (longest >= 0.3 * longest[stroke].max())].max()
    size = int(longest[stroke].max())
    stroke &= longest >= 0.1 * size
    kept = stroke[labels]
    reach = 2 * max(1, round(HALF_GAP * size)) + 1
    _, clusters = cv2.connectedComponents(cv2.dilate(kept.astype(np.uint8), np.ones((reach, reach), np.uint8)))
    clusters = np.where(kept, clusters, 0)
    mass = _sums(clusters, ink)
    edge = np.ones((2 * round(BLUR * size) + 3,) * 2, np.uint8)
    return [
        np.where(cv2.dilate((clusters == number).astype(np.uint8), edge) > 0, ink, np.float32(0))
        for number in np.argsort(-mass)
        if mass[number] > 0.3 * mass.max()
    ]


def _doubt(ink: Ink, digits: list[Ink], view: View) -> Reason | None:
    """Return the reason to doubt the first of `digits`, which were found in the `ink` of `view`, or None.

    A pen leaves full ink except at the edges of its strokes. Faint chalk is softer, but the board has nothing else on
    it. A photograph of something else is soft and has marks everywhere.
    """
    digit = digits[0][digits[0] > 0.1]
    soft = float(np.mean((digit > 0.2) & (digit < 0.8)))
    other = 1 - float(digits[0].sum() / ink.sum())
    if _edge_share(digits, view) < MIN_EDGE_SHARE or (
        soft > MAX_SOFT_INK and (len(digits) > 1 or other > MAX_OTHER_INK)
    ):
        return Reason.UNFAMILIAR
    return Reason.SEVERAL_DIGITS if len(digits) > 1 else None


def _edge_share(digits: list[Ink], view: View) -> float:
    """Return the share, 0 to 1, of the picture's edge strength that lies at the digits.

    On paper, boards and canvases it is nearly 1: the minimum of 1,400 rendered drawings and photographs of training
    digits was 0.58. In X-rays with a shape like a digit it is 0.1 to 0.4.
    """
    calm = as_uint8(cv2.medianBlur(view.grey, 5))  # removes sensor noise
    strength = np.square(cv2.morphologyEx(calm, cv2.MORPH_GRADIENT, SQUARE).astype(np.float32))
    margin = 2 * round(0.01 * max(calm.shape)) + 5
    drawn = np.max(digits, axis=0) > FAINT_INK
    near = cv2.dilate(drawn.astype(np.uint8), np.ones((margin, margin), np.uint8)) > 0
    return float(strength[near].sum() / max(float(strength[near | view.mask].sum()), 1.0))


def _sums(labels: NDArray[Any], values: Ink) -> NDArray[np.float64]:
    """Return the sum of the values of each label; 0 for the background, which has label 0."""
    some = labels > 0
    return np.bincount(labels[some], weights=values[some], minlength=int(labels.max()) + 1).astype(np.float64)


def _fit(ink: Ink) -> Grey:
    """Fit the bounding box of the ink into 20 x 20 and place it in `(28, 28)` by its centre of mass."""
    ink = _thicken(ink)
    left, top, width, height = cv2.boundingRect((ink > FAINT_INK).astype(np.uint8))
    scale = BOX / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    crop = ink[top : top + height, left : left + width]
    fitted = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR))
    fitted = fitted / fitted.max()
    # MNIST's centres of mass lie within half a pixel of (14, 14), not of the geometric centre (13.5, 13.5).
    offsets = [round(SIDE / 2 - centre) for centre in _centre_of_mass(fitted)]
    y, x = (min(max(offset, 0), SIDE - side) for offset, side in zip(offsets, fitted.shape, strict=True))
    canvas = np.zeros((SIDE, SIDE), np.float32)
    canvas[y : y + fitted.shape[0], x : x + fitted.shape[1]] = fitted
    return as_uint8(np.rint(canvas * 255))


def _thicken(ink: Ink) -> Ink:
    """Widen strokes that would be thinner than MNIST's after the fit."""
    mask = (ink > 0.5).astype(np.uint8)
    # Across a stroke, the distance to its edge goes from 0 to half its width: a quarter of its width on average.
    width = 4 * float(np.mean(np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 3), np.float32)[mask > 0]))
    missing = MIN_STROKE * max(cv2.boundingRect(mask)[2:]) / BOX - width
    if missing <= 0:
        return ink
    padded = np.pad(ink, int(missing) + 1)
    distance = np.asarray(cv2.distanceTransform((padded <= 0.5).astype(np.uint8), cv2.DIST_L2, 3), np.float32)
    thick: Ink = np.maximum(padded, np.clip(missing / 2 + 1 - distance, 0, 1)).astype(np.float32)
    return thick
