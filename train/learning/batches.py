"""Batches of a task's pictures, as Keras trains on them: from memory if they fit, else read from disk."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from models.cores import available_cores
from models.errors import PictureError
from models.images.preprocessing import prepare
from train.errors import DataError
from train.manifest import Row, picture_file, read_picture
from train.parallel import parallel_map
from train.recipe import Recipe

OUTLIER = -1  # the class index of pictures without a class; their target is the uniform distribution
Loader = Callable[[int], NDArray[np.uint8]]


def picture_loader(task_dir: Path, rows: Sequence[Row], recipe: Recipe) -> Loader:
    """Return a function from an index into `rows` to the preprocessed picture, `(H, W, C)` uint8.

    A picture that preprocessing rejects, such as an empty one, becomes black. The function raises DataError for files
    that cannot be decoded.
    """

    def load(index: int) -> NDArray[np.uint8]:
        row = rows[index]
        try:
            prepared = prepare(read_picture(task_dir, row.path), recipe.preprocessing, recipe.input)
        except PictureError as error:
            raise DataError(f"{picture_file(task_dir, row.path)}: {error}") from error
        if prepared.pixels is None:
            return np.zeros((recipe.height, recipe.width, recipe.channels), np.uint8)
        return prepared.pixels

    return load


def load_all(load: Loader, count: int, description: str) -> NDArray[np.uint8]:
    """Load `count` pictures into memory, `(N, H, W, C)` uint8. `description` is for the progress bar."""
    return np.stack(list(parallel_map(load, range(count), description)))


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras ships no types
    """Batches of pictures `(B, H, W, C)` float32 in 0..255 and one-hot targets `(B, K)`.

    `pictures` is `(N, H, W, C)` uint8, or a `Loader` for sets that do not fit in memory. `truth` has the class index of
    each picture, `(N,)`, or OUTLIER. With a `seed`, pictures are shuffled; the order depends only on the seed and the
    epoch, so a resumed run gets the same batches as an uninterrupted one. With `balanced`, each class is drawn equally
    often. `mixup` is the alpha of the beta distribution, 0 switches it off.

    Set `accumulation_steps` to split each batch into that many partial batches when memory is scarce.
    """

    def __init__(
        self,
        pictures: NDArray[np.uint8] | Loader,
        truth: NDArray[np.int64],
        classes: int,
        batch_size: int,
        seed: int | None,
        balanced: bool = False,
        mixup: float = 0.0,
    ) -> None:
        super().__init__(workers=1 if isinstance(pictures, np.ndarray) else available_cores(), max_queue_size=8)
        self._pictures, self._truth, self._batch_size = pictures, truth, batch_size
        # The last row is the target of OUTLIER, because index -1 selects it.
        self._targets = np.vstack([np.eye(classes), np.full((1, classes), 1 / classes)]).astype(np.float32)
        self._seed, self._balanced, self._mixup = seed, balanced, mixup
        self._epoch = 0
        self._order = np.arange(len(truth))
        self.count = len(truth)  # pictures in an epoch
        self.accumulation_steps = 1

    def __len__(self) -> int:
        return self.accumulation_steps * math.ceil(len(self._truth) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        batch, part = divmod(index, self.accumulation_steps)
        chosen = self._order[batch * self._batch_size : (batch + 1) * self._batch_size]
        if len(chosen) < self.accumulation_steps:  # the last batch of an epoch: no partial batch may be empty
            chosen = np.resize(chosen, self.accumulation_steps)
        chosen = np.array_split(chosen, self.accumulation_steps)[part]
        if isinstance(self._pictures, np.ndarray):
            pixels = self._pictures[chosen]
        else:
            pixels = np.stack([self._pictures(int(index)) for index in chosen])
        values, targets = pixels.astype(np.float32), self._targets[self._truth[chosen]]
        if self._mixup:
            return _mixup(values, targets, self._mixup, np.random.default_rng((self._seed or 0, self._epoch, index)))
        return values, targets

    def set_epoch(self, epoch: int) -> None:
        """Shuffle for this epoch, counted from 0."""
        self._epoch = epoch
        if self._seed is None:
            return
        random = np.random.default_rng((self._seed, epoch))
        count, classes = len(self._truth), len(self._targets) - 1
        if self._balanced:
            # Every class fills an equal share of the epoch; a small class repeats its pictures.
            outliers = np.flatnonzero(self._truth == OUTLIER)
            share = math.ceil((count - len(outliers)) / classes)
            by_class = [random.permutation(np.flatnonzero(self._truth == label)) for label in range(classes)]
            order = np.concatenate([outliers, *(np.resize(indices, share) for indices in by_class)])
            self._order = random.permutation(order)[:count]
        else:
            self._order = random.permutation(count)


def _mixup(
    pixels: NDArray[np.float32], targets: NDArray[np.float32], alpha: float, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Blend each picture and its target with another one of the batch (Zhang et al. 2018, arXiv 1710.09412)."""
    share, partner = random.beta(alpha, alpha, len(pixels)).astype(np.float32), random.permutation(len(pixels))
    of_pixels, of_targets = share[:, None, None, None], share[:, None]
    return (
        of_pixels * pixels + (1 - of_pixels) * pixels[partner],
        of_targets * targets + (1 - of_targets) * targets[partner],
    )
