"""Renderings of MNIST digits as drawings and photographs, with other pens, papers, backgrounds, light and cameras.

A digit is enlarged to smooth strokes, redrawn with another pen on another background, and photographed. Training never
uses such pictures. They show how much of the accuracy on MNIST remains on pictures taken by users.
"""

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
Ink = NDArray[np.float32]  # opacity (H, W), 0..1
Random = np.random.Generator

SIDE = 280  # of the pictures, in pixels


def render(digit: NDArray[np.uint8], style: str, random: Random) -> Rgb:
    """Render an MNIST digit, `(28, 28)` uint8 light on dark, in one of STYLES as `(SIDE, SIDE, 3)` uint8."""
    return STYLES[style](digit, random)


def _canvas(digit: NDArray[np.uint8], random: Random, pen: float) -> Rgb:
    """Render a drawing with a finger or a mouse: uniform background and ink, any position and size."""
    ink = _place(_strokes(digit, pen), random, tilt=0.02)
    background, colour = _two_colours(random)
    return _paint(np.broadcast_to(background, (SIDE, SIDE, 3)), ink, colour)


def _thick(digit: NDArray[np.uint8], random: Random) -> Rgb:
    return _canvas(digit, random, random.uniform(1.1, 1.5))


def _thin(digit: NDArray[np.uint8], random: Random) -> Rgb:
    return _canvas(digit, random, random.uniform(0.25, 0.6))


def _phone(digit: NDArray[np.uint8], random: Random) -> Rgb:
    """Render pen on paper, photographed at an angle in room light, with a shadow."""
    return _photograph(_on_paper(digit, random, random.uniform(0.4, 1.2)), random)


def _marker(digit: NDArray[np.uint8], random: Random) -> Rgb:
    return _photograph(_on_paper(digit, random, random.uniform(1.1, 1.5)), random)


def _pencil(digit: NDArray[np.uint8], random: Random) -> Rgb:
    """Render a thin, grey and grainy pencil."""
    ink = _place(_strokes(digit, random.uniform(0.3, 0.6)), random) * (0.6 + 0.4 * _grain(random, 1.0))
    paper = np.full((SIDE, SIDE, 3), random.uniform(200, 245), np.float32)
    return _photograph(_paint(paper, ink, np.full(3, random.uniform(60, 120))), random)


def _squared(digit: NDArray[np.uint8], random: Random) -> Rgb:
    """Render pen on squared paper."""
    sheet = np.full((SIDE, SIDE, 3), random.uniform(225, 250), np.float32)
    step, offset = int(random.uniform(18, 34)), int(random.uniform(0, 18))
    line = np.array([170, 190, 215], np.float32) + random.uniform(0, 30)
    sheet[offset::step], sheet[:, offset::step] = line, line
    ink = _place(_strokes(digit, random.uniform(0.5, 1.1)), random)
    return _photograph(_paint(sheet, ink, _pen_colour(random)), random)


def _blackboard(digit: NDArray[np.uint8], random: Random) -> Rgb:
    """Render light, grainy chalk on a smeared board."""
    ink = _place(_strokes(digit, random.uniform(0.6, 1.2)), random) * (0.45 + 0.55 * _grain(random, 0.8))
    board = np.array([[40, 40, 42], [35, 62, 48], [50, 58, 64]][random.integers(3)], np.float32)
    smeared = board + 22 * _grain(random, 14.0)[..., None]
    return _photograph(_paint(smeared, ink, random.uniform(215, 250, 3)), random)


STYLES: dict[str, Callable[[NDArray[np.uint8], Random], Rgb]] = {
    "thick": _thick,
    "thin": _thin,
    "phone": _phone,
    "marker": _marker,
    "pencil": _pencil,
    "squared": _squared,
    "blackboard": _blackboard,
}


def _strokes(digit: NDArray[np.uint8], pen: float) -> Ink:
    """Redraw the digit, `(SIDE, SIDE)`, with a pen `pen` times as wide as MNIST's. Open loops stay open."""
    half = (SIDE // 2, SIDE // 2)
    large = cv2.resize(digit.astype(np.float32), half, interpolation=cv2.INTER_CUBIC)
    smooth = cv2.GaussianBlur(large, (0, 0), 2)
    solid = (smooth + 0.8 * (smooth - cv2.GaussianBlur(large, (0, 0), 8)) > 110).astype(
        np.uint8
    )  # sharpened, to keep narrow loops
    depth = cv2.distanceTransform(solid, cv2.DIST_L2, 5)
    line = _skeleton(solid)
    half_width = float(np.median(depth[line > 0])) if line.any() else 0.0
    distance = cv2.distanceTransform(1 - solid, cv2.DIST_L2, 5) - depth  # to MNIST's edge, negative inside
    wider = (pen - 1) * half_width
    reach = np.full(line.shape, wider, np.float32)
    _, components = cv2.connectedComponents(1 - solid, connectivity=4)
    for loop in np.setdiff1d(components[solid == 0], [components[0, 0]]):  # a 6 stays open with any pen
        reach[components == loop] = min(wider, 0.4 * float(distance[components == loop].max()))
    ink = np.clip(0.5 + reach - distance, 0, 1)
    if pen < 1:  # a thinner stroke would break where MNIST's is narrow
        line = _without_spurs(line, round(1.5 * half_width))
        centre = np.clip(0.5 + pen * half_width - cv2.distanceTransform(1 - line, cv2.DIST_L2, 5), 0, 1)
        ink = np.maximum(ink, centre)
    return np.asarray(cv2.resize(ink, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), np.float32)


def _skeleton(solid: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Thin a mask, `(H, W)` of 0 and 1, to connected lines one pixel wide (hit-or-miss with Golay's L)."""
    side = np.array([[-1, -1, -1], [0, 1, 0], [1, 1, 1]], np.int32)
    corner = np.array([[0, -1, -1], [1, 1, -1], [0, 1, 0]], np.int32)
    line, before = solid.copy(), -1
    while before != (before := int(line.sum())):
        for turn in range(4):
            for kernel in (side, corner):
                line = line - np.asarray(cv2.morphologyEx(line, cv2.MORPH_HITMISS, np.rot90(kernel, turn).copy()))
    return line


def _without_spurs(line: NDArray[np.uint8], length: int) -> NDArray[np.uint8]:
    """Remove side branches of up to `length` pixels: cut that much off all ends, then regrow the remaining ones."""
    ring = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.float32)

    def ends(of: NDArray[np.uint8]) -> NDArray[np.uint8]:
        neighbours = cv2.filter2D(of.astype(np.float32), -1, ring, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(of * (neighbours <= 1), np.uint8)

    cut = line.copy()
    for _ in range(length):
        cut -= ends(cut)
    grown = ends(cut)
    for _ in range(length):
        grown = np.minimum(np.asarray(cv2.dilate(grown, np.ones((3, 3), np.uint8))), line)
    return np.asarray(cut | grown, np.uint8) if cut.any() else line


def _place(ink: Ink, random: Random, tilt: float = 0.08) -> Ink:
    """Scale, rotate and shift the ink with a random perspective."""
    size, turn = random.uniform(0.45, 1.1), math.radians(random.uniform(-12, 12))
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
    rotated = corners @ np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]], np.float32)
    warped = size * (rotated + random.uniform(-tilt, tilt, (4, 2)))
    room = max(0.0, 1 - 0.75 * size)  # an MNIST digit fills 20 of 28 pixels
    warped = SIDE / 2 * (1 + warped + random.uniform(-room, room, 2))
    matrix = cv2.getPerspectiveTransform((SIDE / 2 * (1 + corners)).astype(np.float32), warped.astype(np.float32))
    return np.asarray(cv2.warpPerspective(ink, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA), np.float32)


def _two_colours(random: Random) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the colours of background and ink, at least 90 grey levels apart, in either order."""
    dark, light = random.uniform(0, 60, 3), random.uniform(150, 255, 3)
    if random.random() < 0.5:  # most canvases are black and white
        dark, light = np.zeros(3), np.full(3, 255.0)
    return (dark, light) if random.random() < 0.5 else (light, dark)


def _pen_colour(random: Random) -> NDArray[np.float64]:
    inks = np.array([[25, 25, 30], [25, 40, 130], [150, 30, 35], [20, 80, 50]], np.float64)
    colour: NDArray[np.float64] = inks[random.choice(4, p=(0.5, 0.35, 0.1, 0.05))] + random.uniform(-15, 25)
    return colour


def _on_paper(digit: NDArray[np.uint8], random: Random, pen: float) -> Rgb:
    paper = np.full((SIDE, SIDE, 3), random.uniform(195, 250), np.float32)
    tinted = paper * random.uniform(0.92, 1, 3) + 5 * _grain(random, 1.5)[..., None]
    return _paint(tinted, _place(_strokes(digit, pen), random), _pen_colour(random))


def _paint(background: NDArray[np.floating], ink: Ink, colour: NDArray[np.floating]) -> Rgb:
    cover = ink[..., None]
    return np.clip(background * (1 - cover) + colour * cover, 0, 255).astype(np.uint8)


def _grain(random: Random, softness: float) -> Ink:
    """Return noise in 0..1, smoothed over about `softness` pixels."""
    rough = cv2.GaussianBlur(random.random((SIDE, SIDE), np.float32), (0, 0), softness)
    low, high = float(rough.min()), float(rough.max())
    return np.asarray((rough - low) / (high - low), np.float32)


def _photograph(picture: Rgb, random: Random) -> Rgb:
    """Simulate a photograph: uneven light, sometimes a shadow, defocus, sensor noise, JPEG."""
    across, down = np.meshgrid(np.linspace(-1, 1, SIDE, dtype=np.float32), np.linspace(-1, 1, SIDE, dtype=np.float32))
    angle = random.uniform(0, 2 * math.pi)
    along = math.cos(angle) * across + math.sin(angle) * down
    light = random.uniform(0.65, 1.05) * (1 + random.uniform(0, 0.3) * along)
    if random.random() < 0.5:
        edge, softness = random.uniform(-0.8, 0.8), random.uniform(0.02, 0.3)
        light = light * (1 - random.uniform(0.15, 0.5) / (1 + np.exp(-(along - edge) / softness)))
    lit = picture * light[..., None] * random.uniform(0.94, 1.06, 3)
    blurred = cv2.GaussianBlur(lit, (0, 0), random.uniform(0.3, 1.8))
    noisy = blurred + random.normal(0, random.uniform(1, 9), blurred.shape)
    quality = int(random.uniform(35, 90))
    _, encoded = cv2.imencode(".jpg", np.clip(noisy, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
