"""The MNIST canonical form of a picture of a handwritten digit.

MNIST's makers fitted each digit into 20 by 20 pixels keeping its aspect, anti-aliased, and placed it in 28 by 28 by
the centre of mass of its grey values, light on dark (LeCun et al. 1998, http://yann.lecun.com/exdb/mnist/). A network
trained on MNIST reads photographs and drawings once they are brought into that form.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.digits.segmentation import SQUARE, Drawing, Grey, Ink, View, as_uint8, border, ink_on, shrink, views
from models.prediction import Reason

SIDE = 28  # of the canonical form, in pixels
BOX = 20  # the longer side of the digit in it
WORKING = 10 * SIDE  # the longer side of the picture while the digit is looked for; enlarged MNIST divides evenly
STRONG, WEAK, FAINT = 0.6, 0.35, 0.2  # ink that every stroke has somewhere; that makes a stroke; that is its edge
SPECK = 0.04  # of the picture's longer side: whatever is shorter is no digit; nor are 4 pixels
GAP = 0.065  # of the digit's longer side; half the gap over which strokes are one digit
EDGE = 0.015  # of the same: how far a blurred stroke fades out
SOFT, LEFT_OVER = 0.6, 0.25  # shares of the ink; beyond both, this is a photograph of something else
LEAST_EDGES = 0.45  # share of the picture's edges that belong to the digits; with less, this is no drawing
THINNEST_STROKE = 2.2  # canonical pixels; most of MNIST is wider, and much thinner strokes are not recognised


@dataclass(frozen=True, slots=True)
class CanonicalDigit:
    """`pixels` is `(28, 28, 1)` uint8, light on dark, or None where nothing is drawn."""

    pixels: NDArray[np.uint8] | None
    reason: Reason | None


def canonical_digit(rgb: NDArray[np.uint8]) -> CanonicalDigit:
    """Bring a picture `(H, W, 3)` uint8 into the MNIST canonical form.

    A picture that has the form already comes out as it is (dark on light is inverted). The reason is BLANK where
    nothing is drawn, SEVERAL_DIGITS where there is more than one digit: then the largest is in `pixels`, and
    UNFAMILIAR where what stands out from the ground was not drawn with a pen.
    """
    grey = as_uint8(cv2.cvtColor(shrink(rgb, WORKING), cv2.COLOR_RGB2GRAY))
    finished = _already_canonical(grey)
    if finished is not None:
        return CanonicalDigit(finished[..., None], None)
    for view in views(grey):
        drawing = ink_on(view)
        digits = [] if drawing is None else _digits(drawing)
        if drawing is not None and digits:
            return CanonicalDigit(_fit(digits[0])[..., None], _doubt(drawing.ink, digits, view))
    return CanonicalDigit(None, Reason.BLANK)


def _already_canonical(grey: Grey) -> Grey | None:
    """The picture at `(28, 28)`, if it has the form there: black ground, box of 20, mass in the middle.

    By this all but a handful of MNIST's own pictures, and enlargements of them, pass untouched.
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
    """Row and column, weighted by the grey values."""
    values = grey.astype(np.float64)
    rows, columns = values.sum(1), values.sum(0)
    return float(rows @ np.arange(rows.size) / rows.sum()), float(columns @ np.arange(columns.size) / columns.sum())


def _digits(drawing: Drawing) -> list[Ink]:
    """The ink `(H, W)` of each digit alone, the one with most ink first; empty where there are only specks.

    A digit is a cluster of strokes: the bar of a 5 may be off its body, but is nearer to it than the next digit.
    """
    ink, steep = drawing
    _, labels, stats, _ = cv2.connectedComponentsWithStats((ink > WEAK).astype(np.uint8), connectivity=8)
    longest = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    stroke = np.bincount(labels[ink > STRONG], minlength=len(stats)) > 0
    stroke[0] = False  # the ground
    if longest[stroke].max(initial=0) < max(SPECK * max(ink.shape), 5):
        return []
    # The steepness of each one's edges; a shadow's are soft beside a pen's.
    edges = _sums(labels, np.square(steep)) / np.maximum(_sums(labels, steep), 1)
    stroke &= edges >= 0.35 * edges[stroke & (longest >= 0.3 * longest[stroke].max())].max()
    size = int(longest[stroke].max())
    stroke &= longest >= 0.1 * size
    kept = stroke[labels]
    reach = 2 * max(1, round(GAP * size)) + 1
    _, clusters = cv2.connectedComponents(cv2.dilate(kept.astype(np.uint8), np.ones((reach, reach), np.uint8)))
    clusters = np.where(kept, clusters, 0)
    mass = _sums(clusters, ink)
    edge = np.ones((2 * round(EDGE * size) + 3,) * 2, np.uint8)
    return [
        np.where(cv2.dilate((clusters == number).astype(np.uint8), edge) > 0, ink, np.float32(0))
        for number in np.argsort(-mass)
        if mass[number] > 0.3 * mass.max()
    ]


def _doubt(ink: Ink, digits: list[Ink], view: View) -> Reason | None:
    """What speaks against the first of `digits`, which were found in the `ink` of `view`.

    A pen leaves full ink but for the edges of its strokes. Faint chalk is softer, but there is nothing else on the
    board; a photograph of something else is soft and all over the place.
    """
    digit = digits[0][digits[0] > 0.1]
    soft = float(np.mean((digit > 0.2) & (digit < 0.8)))
    left_over = 1 - float(digits[0].sum() / ink.sum())
    if _edges_of(digits, view) < LEAST_EDGES or (soft > SOFT and (len(digits) > 1 or left_over > LEFT_OVER)):
        return Reason.UNFAMILIAR
    return Reason.SEVERAL_DIGITS if len(digits) > 1 else None


def _edges_of(digits: list[Ink], view: View) -> float:
    """How much of the strength of all edges in the picture is at the digits, 0 to 1.

    On paper, boards and canvases nearly all: 0.58 was the least of 1,400 rendered drawings and photographs of training
    digits. In X-rays that seem to have a digit somewhere it is 0.1 to 0.4.
    """
    calm = as_uint8(cv2.medianBlur(view.grey, 5))  # without the noise of a sensor
    strength = np.square(cv2.morphologyEx(calm, cv2.MORPH_GRADIENT, SQUARE).astype(np.float32))
    margin = 2 * round(0.01 * max(calm.shape)) + 5
    drawn = np.max(digits, axis=0) > FAINT
    near = cv2.dilate(drawn.astype(np.uint8), np.ones((margin, margin), np.uint8)) > 0
    return float(strength[near].sum() / max(float(strength[near | view.where].sum()), 1.0))


def _sums(labels: NDArray[Any], values: Ink) -> NDArray[np.float64]:
    """The sum of the values under each label; 0 for the ground, which has label 0."""
    some = labels > 0
    return np.bincount(labels[some], weights=values[some], minlength=int(labels.max()) + 1).astype(np.float64)


def _fit(ink: Ink) -> Grey:
    """Fit the box of the ink into 20 by 20 and place it in `(28, 28)` by its centre of mass."""
    ink = _thicken(ink)
    left, top, width, height = cv2.boundingRect((ink > FAINT).astype(np.uint8))
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
    """Widen strokes that would be thinner than MNIST's once the digit is fitted."""
    mask = (ink > 0.5).astype(np.uint8)
    # Across a stroke the distance to its edge grows from 0 to half its width: it is a quarter of it on average.
    width = 4 * float(np.mean(np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 3), np.float32)[mask > 0]))
    missing = THINNEST_STROKE * max(cv2.boundingRect(mask)[2:]) / BOX - width
    if missing <= 0:
        return ink
    padded = np.pad(ink, int(missing) + 1)
    distance = np.asarray(cv2.distanceTransform((padded <= 0.5).astype(np.uint8), cv2.DIST_L2, 3), np.float32)
    thick: Ink = np.maximum(padded, np.clip(missing / 2 + 1 - distance, 0, 1)).astype(np.float32)
    return thick
