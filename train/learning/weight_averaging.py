"""Stochastic weight averaging (SWA, Izmailov et al. 2018, arXiv 1803.05407).

Averaged weights generalize better than the weights of a single step. The other average, the exponential moving average
(EMA), needs no code here: Keras' optimizer computes it and Keras' callback `SwapEMAWeights` applies it.
"""

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from train.learning.batches import Batches
from train.recipe import Recipe

STATISTICS_BATCHES = 100  # thousands of pictures give a channel's mean and variance to two digits


class StochasticWeightAveraging(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """During the last `recipe.swa` of the epochs, validate and save the mean of the weights at the ends of the epochs.

    The averaged weights need new batch norm statistics. As in the paper, training pictures are passed through the
    averaged network to compute them, here in up to STATISTICS_BATCHES batches. The batch norms of a backbone are frozen
    and keep theirs. When the next epoch begins, training continues from the last weights, not from the average.

    `arrays` are those of a stored training state; `{}` starts a new average.
    """

    def __init__(self, network: keras.Model, train_set: Batches, recipe: Recipe, arrays: dict[str, Any]) -> None:
        super().__init__()
        self._network, self._train_set = network, train_set
        self._first_epoch = min(math.floor(recipe.epochs * (1 - recipe.swa)), recipe.epochs - 1)
        self._count = int(arrays.get("average.count", 0))
        self._mean: list[NDArray[Any]] = [
            arrays[f"average.{number}"] for number in range(len(network.weights)) if self._count
        ]
        self._last_weights: list[NDArray[Any]] | None = None
        self._epoch = 0

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the average so far, to store in the training state."""
        return {f"average.{number}": value for number, value in enumerate(self._mean)} | {
            "average.count": np.array(self._count)
        }

    def on_epoch_begin(self, epoch: int, _logs: dict[str, float] | None = None) -> None:
        """Restore the last weights."""
        self._epoch = epoch
        if self._last_weights is not None:
            self._network.set_weights(self._last_weights)
            self._last_weights = None

    def on_test_begin(self, _logs: dict[str, float] | None = None) -> None:
        """Add the epoch's weights to the average, and replace them by it for validation."""
        if self._epoch < self._first_epoch:
            return
        self._last_weights = self._network.get_weights()
        self._count += 1
        before = self._mean or self._last_weights
        self._mean = [mean + (new - mean) / self._count for mean, new in zip(before, self._last_weights, strict=True)]
        self._network.set_weights(self._mean)
        self._update_batch_norms()

    def _update_batch_norms(self) -> None:
        norms = [
            layer
            for layer in self._network.layers
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        ]
        if not norms:
            return
        momenta = [layer.momentum for layer in norms]
        for number in range(min(len(self._train_set), STATISTICS_BATCHES)):
            for layer in norms:
                layer.momentum = number / (number + 1)  # gives every batch the same weight
            self.model(self._train_set[number][0], training=True)
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum
