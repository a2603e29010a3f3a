"""Where the ink is: strokes told from paper, board, light, shadow and table.

`views` says where to look and `ink_on` what is drawn there; `models.digits.mnist` makes a digit of it.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

COARSE = 64  # pixels of the longer side while the ground is estimated: noise and thin strokes average out
WIDEST_STROKE = 0.25  # of the longer side; what is wider is a shadow, a sheet or a table
FAINTEST = 12.0  # grey levels between ink and ground
SQUARE = np.ones((3, 3), np.uint8)

Grey = NDArray[np.uint8]
Ink = NDArray[np.float32]
Mask = NDArray[np.bool_]


class View(NamedTuple):
    """A picture `(H, W)`, and which of its pixels count."""

    grey: Grey
    where: Mask


class Drawing(NamedTuple):
    """How much ink is on each pixel `(H, W)`, 0 to 1, and how steeply the brightness changes there, in grey levels."""

    ink: Ink
    steep: Ink


def shrink(picture: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """Average `(H, W)` or `(H, W, C)` down until the longer side is at most `longest` pixels."""
    height, width = picture.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return picture
    return as_uint8(
        cv2.resize(picture, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
    )


def as_uint8(array: Any) -> NDArray[np.uint8]:
    """Say to the type checker what OpenCV returns."""
    return np.asarray(array, np.uint8)


def border(grey: Grey) -> NDArray[np.uint8]:
    """The outermost pixels of `(H, W)`, in one row."""
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def views(grey: Grey) -> list[View]:
    """Where to look for ink, in this order: on the sheet that lies on a table, if there is one; everywhere."""
    everywhere = View(grey, np.ones(grey.shape, np.bool_))
    sheet = _sheet(grey)
    if sheet is None or not sheet.any():
        return [everywhere]
    left, top, width, height = cv2.boundingRect(sheet.astype(np.uint8))
    cut = np.s_[top : top + height, left : left + width]
    # The table takes the sheet's colour, so that the sheet's edge is no ink.
    alone = np.where(sheet, grey, np.median(grey[sheet])).astype(np.uint8)
    return [View(alone[cut], sheet[cut]), everywhere]


def _sheet(grey: Grey) -> Mask | None:
    """A large area unlike the picture's border, nearly rectangular, and, unlike light and shadow, sharp at its edge."""
    small = shrink(grey, COARSE)
    smooth = as_uint8(cv2.medianBlur(small, _odd(0.2 * max(small.shape))))  # without strokes, its edges kept
    unlike = cv2.absdiff(smooth, np.full_like(smooth, np.median(border(smooth))))
    inside = unlike > 0.2 * np.percentile(unlike, 95)  # low, as a sheet half in the shade is still one sheet
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


def ink_on(view: View) -> Drawing | None:
    """What is drawn, dark on light or light on dark; None where nothing stands out from ground and noise."""
    grey, where = view
    edge = border(shrink(grey, COARSE))
    if where.all() and _spread(edge) <= 1:  # drawn on a computer, or cut close: the ground is what the border is
        dark_ground = light_ground = np.full(grey.shape, np.median(edge), np.float32)
        noise = _spread(border(grey))
    else:
        dark_ground, light_ground = _even_ground(grey) or _grounds(grey)
        step = 1 + max(grey.shape) // 100
        noise = _spread((grey - dark_ground)[::step, ::step])
    steep: Ink = np.asarray(cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, SQUARE), np.float32)
    dark: Ink = np.where(where, np.maximum(dark_ground - grey, 0), 0)
    light: Ink = np.where(where, np.maximum(grey - light_ground, 0), 0)
    is_dark = (steep * dark**2).sum() >= (steep * light**2).sum()
    contrast = dark if is_dark else light
    if _strongest(contrast) < max(FAINTEST, 5 * noise):
        return None
    signal = contrast >= 3 * noise
    if is_dark:
        # Paper in the shade sends less light, and so do the strokes on it: a ratio gives both the same ink.
        lit = (255 / np.maximum(dark_ground, 48)).astype(np.float32)
        contrast, steep = contrast * lit, steep * lit
    ink = np.where(signal, np.minimum(contrast / np.float32(_strongest(contrast)), 1), np.float32(0))
    return Drawing(ink, steep)


def _even_ground(grey: Grey) -> tuple[Ink, Ink] | None:
    """The ground where light changes slowly over it, whatever the width of the strokes; None where it does not.

    Otsu's threshold tells ground from ink at first, and a quadratic surface through the ground sharpens both.
    """
    small = shrink(grey, COARSE).astype(np.float32)
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
    if contrast < 2 * FAINTEST or uneven > 0.3 * contrast:
        return None
    ground = _enlarge(surface.astype(np.float32), grey.shape)
    return ground, ground


def _grounds(grey: Grey) -> tuple[Ink, Ink]:
    """The picture without its strokes, lit as it is: for dark and for light strokes.

    Ink stands out from two things: from what is around it (a wide median), and from what is left when all that is
    narrow is filled in (a closing or opening). Neither shadows nor the insides of loops stand out from both.
    """
    small = shrink(grey, COARSE)
    around = as_uint8(cv2.medianBlur(small, _odd(0.5 * max(small.shape))))
    width = _odd(WIDEST_STROKE * max(small.shape))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    dark = np.minimum(as_uint8(cv2.morphologyEx(small, cv2.MORPH_CLOSE, disc)), around)
    light = np.maximum(as_uint8(cv2.morphologyEx(small, cv2.MORPH_OPEN, disc)), around)
    return _enlarge(dark, grey.shape), _enlarge(light, grey.shape)


def _spread(values: NDArray[Any]) -> float:
    """The standard deviation of most of the values, whatever the others are."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _enlarge(ground: Grey, shape: tuple[int, ...]) -> Ink:
    soft = cv2.GaussianBlur(ground.astype(np.float32), (0, 0), 1)
    return np.asarray(cv2.resize(soft, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def _strongest(contrast: Ink) -> float:
    """The contrast of full ink: a small digit in thin pen covers more than the pixels left out, specks cover less."""
    counts = np.bincount(contrast.ravel().astype(np.intp))  # np.percentile sorts, and takes ten times as long
    return float(np.searchsorted(counts.cumsum(), contrast.size * 0.9995))
