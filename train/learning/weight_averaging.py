"""Averages of the weights, which generalize better than the weights of any one step.

The moving average (EMA) is kept by the optimizer and swapped in by Keras' own callback. The equal average (SWA,
Izmailov et al. 2018, arXiv 1803.05407) is here.
"""

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from train.learning.batches import Batches
from train.recipe import Recipe

STATISTICS_BATCHES = 100  # thousands of pictures give mean and variance of a channel to two digits


class Averaged(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """From a given epoch on, validates and keeps the equal average of the weights at the ends of the epochs.

    The statistics of batch norms belong to the weights they were gathered under, and an average has none: they are
    gathered anew by sending training pictures through the averaged network, as the paper does, here as many as
    STATISTICS_BATCHES batches. The batch norms of a backbone do not learn and need none of it.
    Learning goes on from the network's own weights, which are put back when the next epoch begins.
    """

    def __init__(self, learner: keras.Model, train_set: Batches, recipe: Recipe, arrays: dict[str, Any]) -> None:
        super().__init__()
        self._learner, self._train_set = learner, train_set
        self._first = min(math.floor(recipe.epochs * (1 - recipe.swa)), recipe.epochs - 1)
        self._count = int(arrays.get("average.count", 0))
        self._mean: list[NDArray[Any]] = [
            arrays[f"average.{number}"] for number in range(len(learner.weights)) if self._count
        ]
        self._own: list[NDArray[Any]] | None = None
        self._epoch = 0

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The average so far, for the state that is written."""
        return {f"average.{number}": value for number, value in enumerate(self._mean)} | {
            "average.count": np.array(self._count)
        }

    def on_epoch_begin(self, epoch: int, _logs: dict[str, float] | None = None) -> None:
        """Put the network's own weights back."""
        self._epoch = epoch
        if self._own is not None:
            self._learner.set_weights(self._own)
            self._own = None

    def on_test_begin(self, _logs: dict[str, float] | None = None) -> None:
        """Take these weights into the average, and exchange them for it."""
        if self._epoch < self._first:
            return
        self._own = self._learner.get_weights()
        self._count += 1
        before = self._mean or self._own
        self._mean = [mean + (new - mean) / self._count for mean, new in zip(before, self._own, strict=True)]
        self._learner.set_weights(self._mean)
        self._gather_statistics()

    def _gather_statistics(self) -> None:
        norms = [
            layer
            for layer in self._learner.layers
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        ]
        if not norms:
            return
        momenta = [layer.momentum for layer in norms]
        for number in range(min(len(self._train_set), STATISTICS_BATCHES)):
            for layer in norms:
                layer.momentum = number / (number + 1)  # so that every batch counts as much
            self.model(self._train_set[number][0], training=True)
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum
