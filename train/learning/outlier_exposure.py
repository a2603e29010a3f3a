"""Made-up pictures of nothing in particular: what a network should not recognise.

Made-up pictures such as dead leaves are enough to teach what pictures look like (Baradad et al. 2021, arXiv
2106.05963), so no photograph is needed, and the photographs of the other tasks stay unseen for measuring.
The network learns to be unsure of them (outlier exposure, Hendrycks et al. 2019, arXiv 1812.04606).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.images.preprocessing import preprocess
from models.prediction import Reason
from train.errors import RecipeError
from train.learning.batches import NOTHING
from train.parallel import parallel_map
from train.recipe import Recipe

Rgb = NDArray[np.uint8]
Random = np.random.Generator

SIDE = 280  # of the pictures, in pixels
LETTERS = "AEFHKMNRWX&%@#?"  # those that nobody would read as a digit


def with_clutter(
    pixels: NDArray[np.uint8], truth: NDArray[np.int64], recipe: Recipe
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The pictures `(N, H, W, C)` and labels `(N,)`, and after them the recipe's share of clutter, as `NOTHING`.

    Raises RecipeError where the pictures are not held in memory.
    """
    count = round(recipe.outlier_exposure * len(truth))
    if not count:
        return pixels, truth
    if not isinstance(pixels, np.ndarray):
        raise RecipeError(
            f"{recipe.task} does not fit in memory_gb = {recipe.memory_gb}, which clutter needs: raise it"
        )

    def one(number: int) -> NDArray[np.uint8]:
        random = np.random.default_rng((recipe.seed, number))
        while True:
            prepared = preprocess(clutter(random), recipe.preprocessing, recipe.input)
            if prepared.pixels is not None and prepared.reason is not Reason.UNFAMILIAR:  # else no network will see it
                return prepared.pixels

    added = np.stack(list(parallel_map(one, range(count), "clutter")))
    return np.concatenate([pixels, added]), np.concatenate([truth, np.full(count, NOTHING)])


def clutter(random: Random) -> Rgb:
    """A picture `(SIDE, SIDE, 3)` of leaves, stripes, scribbles or a letter."""
    kind = random.choice(4, p=(0.45, 0.25, 0.2, 0.1))
    picture = (_leaves, _stripes, _scribble, _letter)[kind](random)
    soft = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.3, 2))
    noisy = soft + random.normal(0, random.uniform(0, 8), (SIDE, SIDE, 1))
    if random.random() < 0.3:
        noisy = np.repeat(noisy.mean(axis=2, keepdims=True), 3, axis=2)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _leaves(random: Random) -> Rgb:
    """Opaque shapes that cover one another, small ones far more often (Lee et al. 2001, the dead leaves model)."""
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
    """Bent stripes under uneven light, as ribs, fences and fabrics have."""
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
    """Many strokes of a pen, too many for a digit."""
    ground, ink = random.uniform(0, 255, 3), random.uniform(0, 255, 3)
    picture = np.full((SIDE, SIDE, 3), ground, np.uint8)
    width = int(random.uniform(2, 14))
    for _ in range(int(random.uniform(4, 14))):
        knots = random.uniform(20, SIDE - 20, 2) + np.cumsum(random.normal(0, 45, (random.integers(2, 6), 2)), axis=0)
        line = cv2.resize(knots.astype(np.float32), (2, 30), interpolation=cv2.INTER_CUBIC)
        cv2.polylines(picture, [line.astype(np.int32)], random.random() < 0.3, ink.tolist(), width, cv2.LINE_AA)
    return picture


def _letter(random: Random) -> Rgb:
    ground, ink = random.uniform(0, 255, 3), random.uniform(0, 255, 3)
    picture = np.full((SIDE, SIDE, 3), ground, np.uint8)
    letter, font = LETTERS[random.integers(len(LETTERS))], int(random.choice([0, 2, 3, 4, 6, 7]))
    scale, width = random.uniform(2, 8), int(random.uniform(2, 20))
    where = (int(random.uniform(10, 100)), int(random.uniform(150, 260)))
    cv2.putText(picture, letter, where, font, scale, ink.tolist(), width, cv2.LINE_AA)
    return picture
