"""A task's pictures as the network takes them: held as uint8 arrays when they fit in memory, else streamed."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from models.classifier import default_workers
from models.decode import decode
from models.errors import PictureError
from models.preprocess import preprocess
from train.errors import DataError
from train.pictures import Row, read_picture
from train.recipe import Recipe
from train.side_by_side import side_by_side

NOTHING = -1  # in place of a label: the picture shows none of the classes, and the network should be unsure
Loader = Callable[[int], NDArray[np.uint8]]


def loader(task_dir: Path, rows: Sequence[Row], recipe: Recipe, margin: float) -> Loader:
    """A function from an index into `rows` to that picture as the network takes it, `(H, W, C)` uint8.

    `margin` is cut off first: the recipe's to see pictures as serving does, 0 to train on the whole of them.
    """

    def load(index: int) -> NDArray[np.uint8]:
        row = rows[index]
        try:
            picture = decode(read_picture(task_dir, row.path))
            prepared = preprocess(picture, recipe.preprocessing, recipe.input, margin)
        except PictureError as error:
            raise DataError(f"{task_dir / row.path}: {error}") from error
        if prepared.pixels is None:
            return np.zeros((recipe.height, recipe.width, recipe.channels), np.uint8)
        return prepared.pixels

    return load


def held(load: Loader, count: int, description: str) -> NDArray[np.uint8]:
    """All pictures in memory, `(N, H, W, C)` uint8."""
    return np.stack(list(side_by_side(load, range(count), description)))


def targets(rows: Sequence[Row], labels: Sequence[str]) -> NDArray[np.int64]:
    """The index of each row's label, `(N,)`. Raises DataError for a label that the recipe does not name."""
    index = {label: number for number, label in enumerate(labels)}
    unknown = {row.label for row in rows} - set(index)
    if unknown:
        raise DataError(f"the pictures have labels {sorted(unknown)} that the recipe does not name: correct either")
    return np.array([index[row.label] for row in rows])


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras ships no types
    """Shuffled batches of pictures and one-hot labels, from an array or read one by one.

    `pictures` is `(N, H, W, C)` uint8, or a Loader for sets that do not fit in memory.
    """

    def __init__(
        self,
        pictures: NDArray[np.uint8] | Loader,
        truth: NDArray[np.int64],
        classes: int,
        batch_size: int,
        seed: int | None,
    ) -> None:
        super().__init__(workers=1 if isinstance(pictures, np.ndarray) else default_workers(), max_queue_size=8)
        self._pictures, self._truth, self._batch_size = pictures, truth, batch_size
        # The last row is that of NOTHING, which is -1.
        self._one_hot = np.vstack([np.eye(classes), np.full((1, classes), 1 / classes)]).astype(np.float32)
        self._random = None if seed is None else np.random.default_rng(seed)
        self._order = np.arange(len(truth))
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self._truth) / self._batch_size)

    def __getitem__(self, batch: int) -> tuple[Any, Any]:
        chosen = self._order[batch * self._batch_size : (batch + 1) * self._batch_size]
        if isinstance(self._pictures, np.ndarray):
            pixels = self._pictures[chosen]
        else:
            pixels = np.stack([self._pictures(int(index)) for index in chosen])
        return pixels.astype(np.float32), self._one_hot[self._truth[chosen]]

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch; validation sets, without a seed, keep their order."""
        if self._random is not None:
            self._random.shuffle(self._order)
