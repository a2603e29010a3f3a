"""Outlier exposure (Hendrycks et al. 2019, arXiv 1812.04606): train for low confidence on synthetic outliers.

Synthetic pictures such as dead leaves are enough to learn what pictures look like (Baradad et al. 2021, arXiv
2106.05963). So no photographs are needed, and those of other tasks remain unseen and measure the rejection of outliers.
"""

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from models.images.preprocessing import preprocess
from models.prediction import Reason
from train.errors import RecipeError
from train.learning.batches import OUTLIER, Loader
from train.parallel import parallel_map
from train.recipe import Recipe

Rgb = NDArray[np.uint8]  # (H, W, 3)
Random = np.random.Generator
Pictures = TypeVar("Pictures", NDArray[np.uint8], Loader)

SIDE = 280  # pixels, of the synthetic pictures
LETTERS = "AEFHKMNRWX&%@#?"  # none of them looks like a digit


def add_outliers(pictures: Pictures, truth: NDArray[np.int64], recipe: Recipe) -> tuple[Pictures, NDArray[np.int64]]:
    """Append the recipe's share of synthetic outliers to the pictures `(N, H, W, C)` and class indices `(N,)`.

    Their class index is OUTLIER. Raises RecipeError if there are outliers to add and the pictures are not in memory.
    """
    count = round(recipe.outlier_exposure * len(truth))
    if not count:
        return pictures, truth
    if not isinstance(pictures, np.ndarray):
        raise RecipeError(
            f"{recipe.task} does not fit in memory_gb = {recipe.memory_gb}, and outlier_exposure needs the pictures in "
            "memory: raise memory_gb, or set outlier_exposure to 0"
        )

    def generate(number: int) -> NDArray[np.uint8]:
        random = np.random.default_rng((recipe.seed, number))
        while True:
            prepared = preprocess(synthetic_outlier(random), recipe.preprocessing, recipe.input)
            # Preprocessing rejects some outliers by itself, and the network will never see those.
            if prepared.pixels is not None and prepared.reason is not Reason.UNFAMILIAR:
                return prepared.pixels

    outliers = np.stack(list(parallel_map(generate, range(count), "synthetic outliers")))
    return np.concatenate([pictures, outliers]), np.concatenate([truth, np.full(count, OUTLIER)])


def synthetic_outlier(random: Random) -> Rgb:
    """Return a picture `(SIDE, SIDE, 3)` uint8 of dead leaves, stripes, scribbles or a letter."""
    kind = random.choice(4, p=(0.45, 0.25, 0.2, 0.1))
    picture = (_dead_leaves, _stripes, _scribble, _letter)[kind](random)
    soft = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.3, 2))
    noisy = soft + random.normal(0, random.uniform(0, 8), (SIDE, SIDE, 1))
    if random.random() < 0.3:
        noisy = np.repeat(noisy.mean(axis=2, keepdims=True), 3, axis=2)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _dead_leaves(random: Random) -> Rgb:
    """Draw overlapping opaque shapes, most of them small (the dead leaves model, Lee et al. 2001)."""
    picture = np.full((SIDE, SIDE, 3), random.uniform(0, 255, 3), np.uint8)
    palette = random.uniform(0, 255, (5, 3))
    smallest = random.uniform(5, 40)
    for _ in range(int(random.uniform(3, 250))):
        radius = min(smallest * random.uniform(0.02, 1) ** -0.6, 0.6 * SIDE)
        centre = random.uniform(-20, SIDE + 20, 2)
        colour = tuple(np.clip(palette[random.integers(5)] + random.normal(0, 18, 3), 0, 255).tolist())
        if random.random() < 0.6:
            axes = (int(radius), int(radius * random.uniform(0.3, 1)))
            cv2.ellipse(picture, centre.astype(int).tolist(), axes, random.uniform(0, 180), 0, 360, colour, -1)
        else:
            angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(3, 7)))
            corners = centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
            cv2.fillPoly(picture, [corners.astype(np.int32)], colour)
    return picture


def _stripes(random: Random) -> Rgb:
    """Draw curved stripes under uneven light, as in ribs, fences and fabrics."""
    down, across = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    bend = random.uniform(-1, 1, 4)
    phase = down * (1 + bend[0] * across) + bend[1] * across + bend[2] * across**2 + bend[3] * np.abs(across)
    stripes = np.sin(2 * np.pi * random.uniform(1, 7) * phase + random.uniform(0, 6))
    light = np.exp(
        -random.uniform(0, 3) * ((down - random.uniform(-1, 1)) ** 2 + (across - random.uniform(-1, 1)) ** 2)
    )
    grey = random.uniform(60, 180) + random.uniform(15, 70) * stripes * light + random.uniform(-90, 90) * light
    levels: Rgb = np.clip(grey[..., None] + random.uniform(-25, 25, 3), 0, 255).astype(np.uint8)
    return levels


def _scribble(random: Random) -> Rgb:
    """Draw more pen strokes than a digit has."""
    ground, ink = random.uniform(0, 255, 3), random.uniform(0, 255, 3)
    picture = np.full((SIDE, SIDE, 3), ground, np.uint8)
    width = int(random.uniform(2, 14))
    for _ in range(int(random.uniform(4, 14))):
        knots = random.uniform(20, SIDE - 20, 2) + np.cumsum(random.normal(0, 45, (random.integers(2, 6), 2)), axis=0)
        line = cv2.resize(knots.astype(np.float32), (2, 30), interpolation=cv2.INTER_CUBIC)
        cv2.polylines(picture, [line.astype(np.int32)], random.random() < 0.3, ink.tolist(), width, cv2.LINE_AA)
    return picture


def _letter(random: Random) -> Rgb:
    """Draw a letter or a sign that is not a digit."""
    ground, ink = random.uniform(0, 255, 3), random.uniform(0, 255, 3)
    picture = np.full((SIDE, SIDE, 3), ground, np.uint8)
    letter, font = LETTERS[random.integers(len(LETTERS))], int(random.choice([0, 2, 3, 4, 6, 7]))
    scale, width = random.uniform(2, 8), int(random.uniform(2, 20))
    where = (int(random.uniform(10, 100)), int(random.uniform(150, 260)))
    cv2.putText(picture, letter, where, font, scale, ink.tolist(), width, cv2.LINE_AA)
    return picture
