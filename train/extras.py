"""Pictures that training adds to the task's own: the same digits in other hands, and what is no digit at all."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.prediction import Reason
from models.preprocess import preprocess
from train.clutter import clutter
from train.data import NOTHING
from train.errors import RecipeError
from train.handwriting import TRAINED, render
from train.recipe import Recipe
from train.side_by_side import side_by_side

Pixels = NDArray[np.uint8]
Truth = NDArray[np.int64]


def with_extras(pixels: Pixels, truth: Truth, recipe: Recipe) -> tuple[Pixels, Truth]:
    """The pictures `(N, H, W, C)` and labels `(N,)`, and after them what the recipe adds.

    `recipe.handwriting` adds a share of the digits as drawings and photographs, brought back into the canonical
    form as a person's would be. `recipe.clutter` adds made-up pictures whose label is `NOTHING`.
    Raises RecipeError where the pictures are not held in memory, or are no digits.
    """
    if not (recipe.handwriting or recipe.clutter):
        return pixels, truth
    if not isinstance(pixels, np.ndarray):
        raise RecipeError(
            f"{recipe.task} does not fit in memory_gb = {recipe.memory_gb}: handwriting and clutter need it"
        )
    if recipe.handwriting and recipe.preprocessing != "mnist":
        raise RecipeError(
            f"handwriting is for digits, {recipe.task} is prepared as {recipe.preprocessing}: set it to 0"
        )
    chosen = np.random.default_rng(recipe.seed).permutation(len(truth))[: round(recipe.handwriting * len(truth))]

    def drawn(number: int) -> Pixels | None:
        random = np.random.default_rng((recipe.seed, 1, number))
        style = TRAINED[random.integers(len(TRAINED))]
        return _prepared(render(pixels[chosen[number], ..., 0], style, random), recipe)

    def nothing(number: int) -> Pixels | None:
        random = np.random.default_rng((recipe.seed, 2, number))
        made_up = (_prepared(clutter(random), recipe) for _ in range(100))
        return next((picture for picture in made_up if picture is not None), None)

    handwritten = _all(drawn, len(chosen), "handwriting")
    clutters = _all(nothing, round(recipe.clutter * len(truth)), "clutter")
    kept = [number for number, picture in enumerate(handwritten) if picture is not None]
    added = [picture for picture in (*handwritten, *clutters) if picture is not None]
    nothings = len(added) - len(kept)
    return (
        np.concatenate([pixels, np.stack(added)]),
        np.concatenate([truth, truth[chosen[kept]], np.full(nothings, NOTHING)]),
    )


def _all(make: Callable[[int], Pixels | None], count: int, description: str) -> list[Pixels | None]:
    return list(side_by_side(make, range(count), description)) if count else []


def _prepared(rgb: Pixels, recipe: Recipe) -> Pixels | None:
    """As the network sees it; None where it will not get to see it."""
    prepared = preprocess(rgb, recipe.preprocessing, recipe.input)
    return None if prepared.reason is Reason.UNFAMILIAR else prepared.pixels
