import dataclasses

import keras
import numpy as np
import pytest

from tests.helpers.small_task import RECIPE
from train.learning.batches import Batches
from train.learning.weight_averaging import StochasticWeightAveraging


@pytest.fixture
def batches() -> Batches:
    pictures = np.random.default_rng(0).integers(0, 256, (64, 4, 4, 1)).astype(np.uint8)
    return Batches(pictures, np.arange(64) % 3, 3, 16, seed=0)


def test_the_last_epochs_are_averaged_with_statistics_of_their_own(batches: Batches) -> None:
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            keras.layers.Flatten(),
            keras.layers.BatchNormalization(momentum=0.9, name="norm"),
            keras.layers.Dense(3, name="logits"),
        ]
    )
    network.compile(keras.optimizers.SGD(1e-3), "mse")
    recipe = dataclasses.replace(RECIPE, epochs=4, swa=0.5)
    averaged = StochasticWeightAveraging(network, batches, recipe, {})
    own: list[np.ndarray] = []
    kept: list[list[np.ndarray]] = []

    def note(_epoch: int, _logs: object) -> None:
        own.append((averaged._last_weights or network.get_weights())[4])
        kept.append(network.get_weights())

    after = keras.callbacks.LambdaCallback(on_epoch_end=note)
    network.fit(batches, validation_data=batches, epochs=4, shuffle=False, verbose=0, callbacks=[averaged, after])

    np.testing.assert_array_equal(kept[1][4], own[1])
    np.testing.assert_array_equal(kept[2][4], own[2])
    np.testing.assert_allclose(kept[3][4], (own[2] + own[3]) / 2, rtol=1e-5)
    assert np.abs(own[3] - own[2]).max() > 1e-3

    flat = np.concatenate([batches[number][0] for number in range(4)]).reshape(64, 16)
    np.testing.assert_allclose(kept[3][2], flat.mean(axis=0), rtol=1e-3)
    within = np.mean([batches[number][0].reshape(16, 16).var(axis=0) for number in range(4)], axis=0)
    np.testing.assert_allclose(kept[3][3], within, rtol=1e-2)
    assert network.get_layer("norm").momentum == 0.9


def test_learning_goes_on_from_the_networks_own_weights(batches: Batches) -> None:
    network = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    averaged = StochasticWeightAveraging(network, batches, dataclasses.replace(RECIPE, epochs=3, swa=1.0), {})
    averaged.set_model(network)
    for epoch, value in enumerate((1.0, 4.0)):
        averaged.on_epoch_begin(epoch)
        network.set_weights([np.full_like(weight, value) for weight in network.get_weights()])
        averaged.on_test_begin()
    assert network.get_weights()[0][0, 0] == 2.5
    averaged.on_epoch_begin(2)
    assert network.get_weights()[0][0, 0] == 4.0

    later = StochasticWeightAveraging(
        network, batches, dataclasses.replace(RECIPE, epochs=3, swa=1.0), averaged.arrays()
    )
    later.set_model(network)
    later.on_epoch_begin(2)
    network.set_weights([np.full_like(weight, 10.0) for weight in network.get_weights()])
    later.on_test_begin()
    assert network.get_weights()[0][0, 0] == 5.0, "three epochs, of which two came from the state"
