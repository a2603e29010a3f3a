"""The MNIST canonical form of a picture of a handwritten digit.

MNIST's makers fitted each digit into 20 by 20 pixels keeping its aspect, anti-aliased, and placed it in 28 by 28 by
the centre of mass of its grey values, light on dark (LeCun et al. 1998, http://yann.lecun.com/exdb/mnist/). A network
trained on MNIST reads photographs and drawings once they are brought into that form.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from models.prediction import Reason

SIDE = 28  # of the canonical form, in pixels
SH=.6
RF=.8
TH=.3
BOX = 20  # the longer side of the digit in it
WORKING = 320  # the longer side of the picture while the digit is looked for, in pixels
COARSE = 64  # the longer side while the ground is estimated: noise and thin strokes average out
WIDEST_STROKE = 0.25  # of the longer side; what is wider is a shadow, a sheet or a table
THINNEST_STROKE = 2.2  # canonical pixels; nine in ten digits of MNIST are wider, and thinner ones are not recognised
WEAK, STRONG = 0.35, 0.6  # of the strongest ink: what may belong to a stroke, and what a stroke must have somewhere
FAINTEST = 12.0  # grey levels between ink and ground

Grey = NDArray[np.uint8]
Ink = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CanonicalDigit:
    """`pixels` is `(28, 28, 1)` uint8, light on dark, or None where nothing is drawn."""

    pixels: NDArray[np.uint8] | None
    reason: Reason | None


def canonical_digit(rgb: NDArray[np.uint8]) -> CanonicalDigit:
    """Bring a picture `(H, W, 3)` uint8 into the MNIST canonical form.

    A picture that has the form already comes out as it is (dark on light is inverted). The reason is BLANK where
    nothing is drawn, SEVERAL_DIGITS where there is more than one digit: then the largest is in `pixels`.
    """
    grey = _working_grey(rgb)
    finished = _already_canonical(grey)
    if finished is not None:
        return CanonicalDigit(finished[..., None], None)
    for view, where in _views(grey):
        ink = _ink(view, where)
        found = None if ink is None else _largest_digit(*ink)
        if found is not None:
            return CanonicalDigit(_fit(found.ink)[..., None], Reason.SEVERAL_DIGITS if found.several else None)
    return CanonicalDigit(None, Reason.BLANK)


def _working_grey(rgb: NDArray[np.uint8]) -> Grey:
    return _uint8(cv2.cvtColor(_shrink(rgb, WORKING), cv2.COLOR_RGB2GRAY))


def _shrink(picture: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """Average down until the longer side is at most `longest`."""
    height, width = picture.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return picture
    return _uint8(
        cv2.resize(picture, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
    )


def _uint8(array: Any) -> NDArray[np.uint8]:
    return np.asarray(array, np.uint8)


def _already_canonical(grey: Grey) -> Grey | None:
    """The picture at `(28, 28)`, if it has the form there: black ground, box of 20, mass in the middle.

    By this all but a handful of MNIST's own pictures, and enlargements of them, pass untouched.
    """
    if grey.shape[0] != grey.shape[1] or grey.shape[0] < SIDE:
        return None
    small = _shrink(grey, SIDE)
    ground = np.median(_border(small))
    if ground > 127:
        small, ground = 255 - small, 255 - ground
    if ground > 3 or small.max() < 200:
        return None
    rows, columns = np.nonzero(small > 32)
    box = max(np.ptp(rows), np.ptp(columns)) + 1
    off_centre = max(abs(centre - SIDE / 2) for centre in _centre_of_mass(small))
    return small if BOX - 1 <= box <= BOX and off_centre <= 0.51 else None


def _border(grey: Grey) -> NDArray[np.uint8]:
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def _centre_of_mass(grey: NDArray[Any]) -> tuple[float, float]:
    """Row and column, weighted by the grey values."""
    values = grey.astype(np.float64)
    rows, columns = values.sum(1), values.sum(0)
    return float(rows @ np.arange(rows.size) / rows.sum()), float(columns @ np.arange(columns.size) / columns.sum())


def _views(grey: Grey) -> list[tuple[Grey, Mask]]:
    """Where to look for the digit, in this order: on the sheet that lies on a table, and on the whole picture.

    Each is a picture and the part of it that counts. A sheet is large, of another brightness than the picture's
    border, four-sided, and, unlike light and shadow, sharp at its edge.
    """
    whole = [(grey, np.ones(grey.shape, np.bool_))]
    small = _shrink(grey, COARSE)
    smooth = _uint8(cv2.medianBlur(small, _odd(0.2 * max(small.shape))))  # without strokes, its edges kept
    table = int(np.median(_border(smooth)))
    unlike = cv2.absdiff(smooth, np.full_like(smooth, table))
    inside = unlike > TH * np.percentile(unlike, 95)  # a sheet half in the shade is still one sheet
    _, labels, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=4)
    if len(stats) == 1 or inside.all():
        return whole
    sheet = (labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8)
    (_, (width, height), _) = cv2.minAreaRect(cv2.findNonZero(sheet))
    if sheet.mean() < 0.15 or sheet.sum() < RF * (width + 1) * (height + 1):
        return whole
    square = np.ones((3, 3), np.uint8)
    edge = cv2.morphologyEx(sheet, cv2.MORPH_GRADIENT, square) > 0
    step = cv2.morphologyEx(smooth, cv2.MORPH_GRADIENT, square)[edge]
    height_of_step = np.maximum(cv2.dilate(unlike, np.ones((5, 5), np.uint8))[edge], 1)
    if np.median(unlike[sheet > 0]) < 40 or np.median(step / height_of_step) < SH:
        return whole
    inner = cv2.erode(sheet, np.ones((5, 5), np.uint8), borderValue=0)
    mask = cv2.resize(inner, grey.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    cut = np.s_[top : top + height, left : left + width]
    return (
        [(np.where(mask, grey, np.uint8(np.median(grey[mask])))[cut], mask[cut]), *whole] if width and height else whole
    )


def _odd(size: float) -> int:
    return 2 * round(size / 2) + 1


def _ink(grey: Grey, where: Mask) -> tuple[Ink, Ink] | None:
    """How much ink is on each pixel, 0 to 1, and how steep it is there; None where nothing stands out."""
    dark_ground, light_ground = _grounds(grey)
    steep = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).astype(np.float32)
    dark = cv2.subtract(dark_ground, grey).astype(np.float32) * where
    light = cv2.subtract(grey, light_ground).astype(np.float32) * where
    residual = light
    if (steep * dark**2).sum() >= (steep * light**2).sum():
        # Paper in the shade sends less light, and so do the strokes on it: a ratio gives both the same ink.
        lit = 255 / np.maximum(dark_ground, 48).astype(np.float32)
        residual, steep = dark * lit, steep * lit
    noise = 1.4826 * float(np.median(cv2.absdiff(grey, dark_ground)[:: 1 + grey.shape[0] // 100]))
    level = _percentile(residual, 99.95)  # a thin small digit covers more than the rest; specks cover less
    if level < max(FAINTEST, 5 * noise):
        return None
    ink = np.minimum(residual / level, 1)
    ink[residual < 3 * noise] = 0
    return ink, steep


def _percentile(values: Ink, percent: float) -> float:
    counts = np.bincount(values.ravel().astype(np.int64))
    return float(np.searchsorted(counts.cumsum(), values.size * percent / 100))


def _grounds(grey: Grey) -> tuple[Grey, Grey]:
    """The picture without its strokes, lit as it is: for dark and for light strokes.

    Ink stands out from two things: from what is around it (a wide median), and from what is left when all that is
    narrow is filled in (a closing or opening). Neither shadows nor the insides of loops stand out from both.
    """
    small = _shrink(grey, COARSE)
    wide = _uint8(cv2.medianBlur(small, _odd(0.5 * max(small.shape))))
    width = _odd(WIDEST_STROKE * max(small.shape))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    dark = np.minimum(_uint8(cv2.morphologyEx(small, cv2.MORPH_CLOSE, disc)), wide)
    light = np.maximum(_uint8(cv2.morphologyEx(small, cv2.MORPH_OPEN, disc)), wide)
    return _enlarge(dark, grey.shape), _enlarge(light, grey.shape)


def _enlarge(ground: Grey, shape: tuple[int, ...]) -> Grey:
    return _uint8(cv2.resize(cv2.GaussianBlur(ground, (0, 0), 1), (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR))


class _Found(NamedTuple):
    ink: Ink  # of the largest digit alone
    several: bool


def _largest_digit(ink: Ink, steep: Ink) -> _Found | None:
    """Keep the strokes of the largest digit; None where there are only specks."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((ink > WEAK).astype(np.uint8), connectivity=8)
    strong = np.bincount(labels[ink > STRONG], minlength=len(stats))
    longest = np.where(strong > 0, stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1), 0)
    longest[0] = 0  # the ground
    size = int(longest.max())
    if size < 0.04 * max(ink.shape):
        return None
    edges = np.bincount(labels.ravel(), weights=(steep**2).ravel()) / np.bincount(
        labels.ravel(), weights=steep.ravel() + 1e-6
    )
    sharp = edges >= 0.35 * edges[longest >= 0.3 * size].max()
    size = int(longest[sharp].max())
    kept = (sharp & (longest >= 0.1 * size))[labels]
    gap = max(1, round(0.08 * size))
    near = cv2.dilate(kept.astype(np.uint8), np.ones((2 * gap + 1, 2 * gap + 1), np.uint8))
    _, clusters = cv2.connectedComponents(near, connectivity=8)
    clusters = np.where(kept, clusters, 0)
    mass = np.bincount(clusters.ravel(), weights=ink.ravel())
    mass[0] = 0
    main = int(mass.argmax())
    several = bool(np.count_nonzero(mass > 0.3 * mass[main]) > 1)
    digit = cv2.dilate((clusters == main).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0  # with its soft edge
    return _Found(np.where(digit, ink, 0).astype(np.float32), several)


def _fit(ink: Ink) -> Grey:
    """Fit the box of the ink into 20 by 20 and place it in `(28, 28)` by its centre of mass."""
    ink = _thicken(ink)
    rows, columns = np.nonzero(ink > WEAK)
    crop = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = BOX / max(crop.shape)
    size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
    fitted = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR))
    fitted = fitted / fitted.max()
    # MNIST's centres of mass lie within half a pixel of (14, 14), not of the geometric centre (13.5, 13.5).
    offsets = [round(SIDE / 2 - centre) for centre in _centre_of_mass(fitted)]
    top, left = (min(max(offset, 0), SIDE - side) for offset, side in zip(offsets, fitted.shape, strict=True))
    canvas = np.zeros((SIDE, SIDE), np.float32)
    canvas[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    return _uint8(np.rint(canvas * 255))


def _thicken(ink: Ink) -> Ink:
    """Widen strokes that would be thinner than MNIST's once the digit is fitted."""
    mask = (ink > 0.5).astype(np.uint8)
    longest = max(cv2.boundingRect(mask)[2:])
    # Across a stroke the distance to its edge grows from 0 to half its width, and is a quarter of it on average.
    width = 4 * float(np.mean(np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 3))[mask > 0]))
    missing = THINNEST_STROKE * longest / BOX - width
    if missing <= 0:
        return ink
    pad = int(missing) + 1
    padded = np.pad(ink, pad)
    distance = np.asarray(cv2.distanceTransform((padded <= 0.5).astype(np.uint8), cv2.DIST_L2, 3), np.float32)
    return np.maximum(padded, np.clip(missing / 2 + 1 - distance, 0, 1))
