"""Segmentation of ink: strokes separated from paper, board, light, shadow and table.

`views` returns the regions to search and `find_ink` the ink in one of them. `models.digits.mnist` extracts the digit.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

COARSE_SIDE = 64  # longer side, in pixels, for the estimate of the background: averages noise and thin strokes
MAX_STROKE = 0.25  # of the longer side; wider things are shadows, sheets or tables
MIN_CONTRAST = 12.0  # grey levels between ink and background
SQUARE = np.ones((3, 3), np.uint8)

Grey = NDArray[np.uint8]
Ink = NDArray[np.float32]
Mask = NDArray[np.bool_]


class View(NamedTuple):
    """A region of a picture: grey values `(H, W)`, and the mask of the pixels that belong to it."""

    grey: Grey
    mask: Mask


class Drawing(NamedTuple):
    """The amount of ink on each pixel `(H, W)`, 0 to 1, and the gradient of the brightness there, in grey levels."""

    ink: Ink
    gradient: Ink


def shrink(picture: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """Reduce `(H, W)` or `(H, W, C)` by averaging until the longer side is at most `longest` pixels."""
    height, width = picture.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return picture
    return as_uint8(
        cv2.resize(picture, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
    )


def as_uint8(array: Any) -> NDArray[np.uint8]:
    """Return the array as uint8: OpenCV's own return types are unknown to the type checker."""
    return np.asarray(array, np.uint8)


def border(grey: Grey) -> NDArray[np.uint8]:
    """Return the outermost pixels of `(H, W)` as `(N,)`."""
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def views(grey: Grey) -> list[View]:
    """Return the regions to search, in order: a sheet of paper on a table, if there is one; the whole picture."""
    everywhere = View(grey, np.ones(grey.shape, np.bool_))
    sheet = _sheet(grey)
    if sheet is None or not sheet.any():
        return [everywhere]
    left, top, width, height = cv2.boundingRect(sheet.astype(np.uint8))
    cut = np.s_[top : top + height, left : left + width]
    # The table gets the sheet's colour: the edge of the sheet must not look like ink.
    filled = np.where(sheet, grey, np.median(grey[sheet])).astype(np.uint8)
    return [View(filled[cut], sheet[cut]), everywhere]


def _sheet(grey: Grey) -> Mask | None:
    """Return the mask of a sheet of paper: large, unlike the border, nearly rectangular, with sharp edges; or None."""
    small = shrink(grey, COARSE_SIDE)
    smooth = as_uint8(cv2.medianBlur(small, _odd(0.2 * max(small.shape))))  # removes strokes, keeps edges
    unlike = cv2.absdiff(smooth, np.full_like(smooth, np.median(border(smooth))))
    inside = unlike > 0.2 * np.percentile(unlike, 95)  # low: a sheet half in the shade is one sheet
    _, labels, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=4)
    if len(stats) == 1:
        return None
    sheet = (labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8)
    _, (width, height), _ = cv2.minAreaRect(np.argwhere(sheet).astype(np.float32))
    if sheet.mean() < 0.15 or sheet.sum() < 0.87 * (width + 1) * (height + 1) or np.median(unlike[sheet > 0]) < 40:
        return None
    edge = cv2.morphologyEx(sheet, cv2.MORPH_GRADIENT, SQUARE) > 0
    step = as_uint8(cv2.morphologyEx(smooth, cv2.MORPH_GRADIENT, SQUARE))[edge]
    full_step = as_uint8(cv2.dilate(unlike, np.ones((5, 5), np.uint8)))[edge]
    if np.median(step / np.maximum(full_step, 1)) < 0.65:
        return None
    inner = as_uint8(cv2.erode(sheet, np.ones((5, 5), np.uint8), borderType=cv2.BORDER_REPLICATE))
    return as_uint8(cv2.resize(inner, grey.shape[::-1], interpolation=cv2.INTER_NEAREST)) > 0


def _odd(size: float) -> int:
    return 2 * round(size / 2) + 1


def find_ink(view: View) -> Drawing | None:
    """Return the ink, dark on light or light on dark; None when nothing stands out from background and noise."""
    grey, mask = view
    edge = border(shrink(grey, COARSE_SIDE))
    if mask.all() and _spread(edge) <= 1:  # drawn on a computer, or tightly cropped: the border is the background
        dark_ground = light_ground = np.full(grey.shape, np.median(edge), np.float32)
        noise = _spread(border(grey))
    else:
        dark_ground, light_ground = _even_ground(grey) or _grounds(grey)
        step = 1 + max(grey.shape) // 100
        noise = _spread((grey - dark_ground)[::step, ::step])
    gradient: Ink = np.asarray(cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, SQUARE), np.float32)
    dark: Ink = np.where(mask, np.maximum(dark_ground - grey, 0), 0)
    light: Ink = np.where(mask, np.maximum(grey - light_ground, 0), 0)
    is_dark = (gradient * dark**2).sum() >= (gradient * light**2).sum()
    contrast = dark if is_dark else light
    if _full_contrast(contrast) < max(MIN_CONTRAST, 5 * noise):
        return None
    signal = contrast >= 3 * noise
    if is_dark:
        # Paper in the shade is darker, and so are the strokes on it: a ratio gives both the same amount of ink.
        lit = (255 / np.maximum(dark_ground, 48)).astype(np.float32)
        contrast, gradient = contrast * lit, gradient * lit
    ink = np.where(signal, np.minimum(contrast / np.float32(_full_contrast(contrast)), 1), np.float32(0))
    return Drawing(ink, gradient)


def _even_ground(grey: Grey) -> tuple[Ink, Ink] | None:
    """Estimate a background with slowly changing light, for strokes of any width; None when there is none.

    Otsu's threshold gives a first mask of the background. A quadratic surface fitted to it refines the mask.
    """
    small = shrink(grey, COARSE_SIDE).astype(np.float32)
    threshold, _ = cv2.threshold(small.astype(np.uint8), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    is_ground = small > threshold
    if is_ground.mean() < 0.5:
        is_ground = ~is_ground
    down, across = (axis.ravel() for axis in np.mgrid[-1 : 1 : small.shape[0] * 1j, -1 : 1 : small.shape[1] * 1j])
    terms = np.stack([np.ones_like(down), down, across, down * across, down**2, across**2], axis=1)
    for _ in range(3):
        if is_ground.sum() < 0.4 * small.size:
            return None
        surface = (terms @ np.linalg.lstsq(terms[is_ground.ravel()], small[is_ground], rcond=None)[0]).reshape(
            small.shape
        )
        off = np.abs(small - surface)
        if is_ground.all():
            return None
        contrast = float(np.median(off[~is_ground]))
        is_ground = off < contrast / 2
    uneven = float(np.percentile(off[is_ground], 98))
    if contrast < 2 * MIN_CONTRAST or uneven > 0.3 * contrast:
        return None
    ground = _enlarge(surface.astype(np.float32), grey.shape)
    return ground, ground


def _grounds(grey: Grey) -> tuple[Ink, Ink]:
    """Estimate the background without the strokes, for dark and for light strokes.

    Ink stands out from two estimates: the surroundings (a wide median) and the picture without narrow shapes (a
    morphological closing or opening). Shadows and the insides of loops do not stand out from both.
    """
    small = shrink(grey, COARSE_SIDE)
    around = as_uint8(cv2.medianBlur(small, _odd(0.5 * max(small.shape))))
    width = _odd(MAX_STROKE * max(small.shape))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    dark = np.minimum(as_uint8(cv2.morphologyEx(small, cv2.MORPH_CLOSE, disc)), around)
    light = np.maximum(as_uint8(cv2.morphologyEx(small, cv2.MORPH_OPEN, disc)), around)
    return _enlarge(dark, grey.shape), _enlarge(light, grey.shape)


def _spread(values: NDArray[Any]) -> float:
    """Return a robust standard deviation (the scaled median absolute deviation)."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _enlarge(ground: Grey, shape: tuple[int, ...]) -> Ink:
    soft = cv2.GaussianBlur(ground.astype(np.float32), (0, 0), 1)
    return np.asarray(cv2.resize(soft, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def _full_contrast(contrast: Ink) -> float:
    """Return the contrast of full ink: the 99.95th percentile. A small digit has more pixels, specks have fewer."""
    counts = np.bincount(contrast.ravel().astype(np.intp))  # np.percentile sorts, which is ten times slower
    return float(np.searchsorted(counts.cumsum(), contrast.size * 0.9995))
