"""A task's pictures as the network takes them: held as uint8 arrays when they fit in memory, else streamed."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from models.cores import available_cores
from models.errors import PictureError
from models.images.decoding import decode
from models.images.preprocessing import preprocess
from train.errors import DataError
from train.manifest import Row, picture_file, read_picture
from train.parallel import parallel_map
from train.recipe import Recipe

NOTHING = -1  # in place of a label: the picture shows none of the classes, and the network should be unsure
Loader = Callable[[int], NDArray[np.uint8]]


def loader(task_dir: Path, rows: Sequence[Row], recipe: Recipe) -> Loader:
    """A function from an index into `rows` to that picture as the network takes it, `(H, W, C)` uint8."""

    def load(index: int) -> NDArray[np.uint8]:
        row = rows[index]
        try:
            prepared = preprocess(decode(read_picture(task_dir, row.path)), recipe.preprocessing, recipe.input)
        except PictureError as error:
            raise DataError(f"{picture_file(task_dir, row.path)}: {error}") from error
        if prepared.pixels is None:
            return np.zeros((recipe.height, recipe.width, recipe.channels), np.uint8)
        return prepared.pixels

    return load


def held(load: Loader, count: int, description: str) -> NDArray[np.uint8]:
    """All pictures in memory, `(N, H, W, C)` uint8."""
    return np.stack(list(parallel_map(load, range(count), description)))


def targets(rows: Sequence[Row], labels: Sequence[str]) -> NDArray[np.int64]:
    """The index of each row's label, `(N,)`. Raises DataError for a label that the recipe does not name."""
    index = {label: number for number, label in enumerate(labels)}
    unknown = {row.label for row in rows} - set(index)
    if unknown:
        raise DataError(f"the pictures have labels {sorted(unknown)} that the recipe does not name: correct either")
    return np.array([index[row.label] for row in rows])


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras ships no types
    """Shuffled batches of pictures and one-hot labels, from an array or read one by one.

    `pictures` is `(N, H, W, C)` uint8, or a Loader for sets that do not fit in memory. The order of an epoch follows
    from `seed` and the epoch's number alone, so that a resumed run sees what an uninterrupted one would have seen;
    without a seed the order stays. With `balanced`, an epoch has each class equally often; with `mixup`, each picture
    is blended with another of its batch, and so are their labels.
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
        # The last row is that of NOTHING, which is -1.
        self._one_hot = np.vstack([np.eye(classes), np.full((1, classes), 1 / classes)]).astype(np.float32)
        self._seed, self._balanced, self._mixup = seed, balanced, mixup
        self._epoch = 0
        self._order = np.arange(len(truth))
        self.count = len(truth)  # pictures in an epoch
        self.parts = 1  # that each batch is delivered in, where memory is scarce

    def __len__(self) -> int:
        return self.parts * math.ceil(len(self._truth) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        batch, part = divmod(index, self.parts)
        chosen = self._order[batch * self._batch_size : (batch + 1) * self._batch_size]
        if len(chosen) < self.parts:  # the last batch of an epoch: no part may be empty
            chosen = np.resize(chosen, self.parts)
        chosen = np.array_split(chosen, self.parts)[part]
        if isinstance(self._pictures, np.ndarray):
            pixels = self._pictures[chosen]
        else:
            pixels = np.stack([self._pictures(int(index)) for index in chosen])
        values, targets = pixels.astype(np.float32), self._one_hot[self._truth[chosen]]
        if self._mixup:
            return _mixed(values, targets, self._mixup, np.random.default_rng((self._seed or 0, self._epoch, index)))
        return values, targets

    def begin(self, epoch: int) -> None:
        """Choose the order of this epoch, counted from 0."""
        self._epoch = epoch
        if self._seed is None:
            return
        random = np.random.default_rng((self._seed, epoch))
        count, classes = len(self._truth), len(self._one_hot) - 1
        if self._balanced:  # each class as often, its pictures in turn
            nothing = np.flatnonzero(self._truth < 0)
            each = math.ceil((count - len(nothing)) / classes)
            drawn = [random.permutation(np.flatnonzero(self._truth == label)) for label in range(classes)]
            order = np.concatenate([nothing, *(np.resize(indices, each) for indices in drawn)])
            self._order = random.permutation(order)[:count]
        else:
            self._order = random.permutation(count)


def _mixed(
    pixels: NDArray[np.float32], targets: NDArray[np.float32], alpha: float, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mixup (Zhang et al. 2018, arXiv 1710.09412): shares from a beta distribution, partners within the batch."""
    share, partner = random.beta(alpha, alpha, len(pixels)).astype(np.float32), random.permutation(len(pixels))
    of_pixels, of_targets = share[:, None, None, None], share[:, None]
    return (
        of_pixels * pixels + (1 - of_pixels) * pixels[partner],
        of_targets * targets + (1 - of_targets) * targets[partner],
    )
