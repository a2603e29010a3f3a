import dataclasses
from typing import Any

import keras
import numpy as np
import pytest

from tests.helpers.small_task import RECIPE
from train.learning.batches import Batches
from train.learning.optimizer import build_optimizer, compile_model, learning_rate_schedule
from train.recipe import Recipe

STEPS = 1000


def course(recipe: Recipe) -> list[float]:
    rate: Any = learning_rate_schedule(recipe, STEPS)
    return [float(rate(step)) for step in range(0, STEPS + 1, 50)]


@pytest.mark.parametrize(("schedule", "top", "end"), [("cosine", 0.2, 1 / 100), ("one_cycle", 0.3, 1 / 250_000)])
def test_the_rate_rises_and_then_falls(schedule: Any, top: float, end: float) -> None:
    rates = course(dataclasses.replace(RECIPE, schedule=schedule, learning_rate=0.5, warmup=0.2))
    highest = int(np.argmax(rates))
    assert highest == top * 20
    assert rates[0] == pytest.approx(0.5 / 25)
    assert rates[highest] == pytest.approx(0.5)
    assert rates[-1] == pytest.approx(0.5 * end, rel=0.01)
    assert np.all(np.diff(rates[: highest + 1]) > 0)
    assert np.all(np.diff(rates[highest:]) < 0)


def test_a_plateau_is_met_with_a_constant_rate() -> None:
    assert learning_rate_schedule(dataclasses.replace(RECIPE, schedule="plateau", learning_rate=0.5), STEPS) == 0.5


def learnt(parts: int) -> tuple[list[Any], list[Any]]:
    """The weights, and their moving average, of a small network that gets its batches in so many parts."""
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (64, 4, 4, 1)).astype(np.uint8)
    batches = Batches(pictures, random.integers(0, 3, 64), 3, 16, seed=0)
    batches.accumulation_steps = parts
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    recipe = dataclasses.replace(RECIPE, schedule="plateau", learning_rate=0.05, ema=0.8)
    chosen = build_optimizer(recipe, learning_rate_schedule(recipe, 5 * len(batches)), parts)
    compile_model(model, recipe, chosen)
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    kept: list[list[Any]] = []
    keep = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: kept.append(model.get_weights()))
    order = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: batches.set_epoch(epoch))
    own = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: kept.append(model.get_weights()))
    model.fit(batches, epochs=5, shuffle=False, callbacks=[own, swap, keep, order], verbose=0)
    return kept[-2], kept[-1]


def test_batches_in_parts_teach_the_same() -> None:
    (weights, _), (average, _) = learnt(parts=1)
    (in_parts, _), (average_in_parts, _) = learnt(parts=4)
    np.testing.assert_allclose(in_parts, weights, rtol=1e-4, atol=1e-5)
    # The average moves a little at every part, so it lags by less than one step.
    assert np.abs(average_in_parts - average).max() < 0.25 * np.abs(average - weights).max()
