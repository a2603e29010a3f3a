"""How a network learns: AdamW, the course of its learning rate, and what a step is."""

from typing import TypeAlias

import keras

from train.learning.precision import policy
from train.recipe import Recipe

PLATEAU_FACTOR = 0.5  # what is left of the learning rate after each plateau
Rate: TypeAlias = keras.optimizers.schedules.LearningRateSchedule | float


def learning_rate(recipe: Recipe, steps: int) -> Rate:
    """The course of the learning rate over `steps` steps.

    cosine     up in a line from 1/25 during `warmup` of the steps, then down along a cosine (Loshchilov and Hutter
               2017, arXiv 1608.03983) to 1/100
    one_cycle  up for the first 30 %, then down to almost nothing (Smith and Topin 2018, arXiv 1708.07120); the
               momentum, which they let sink and rise against the rate, stays as it is
    plateau    constant; `best_checkpoint.py` halves it whenever the validation loss has not improved for a while
    """
    if recipe.schedule == "plateau":
        return recipe.learning_rate
    rise, floor = (0.3, 4e-6) if recipe.schedule == "one_cycle" else (recipe.warmup, 0.01)
    warmup = min(round(rise * steps), steps - 1)
    cosine: Rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.learning_rate / 25,
        decay_steps=steps - warmup,
        alpha=floor,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup,
    )
    return cosine


def patience_of_plateau(recipe: Recipe) -> int:
    """Epochs without improvement after which the rate is lowered, in time to help before training stops."""
    return max(1, recipe.patience // 2)


def optimizer(recipe: Recipe, rate: Rate, parts: int) -> keras.optimizers.Optimizer:
    """AdamW as the recipe asks for, for batches that arrive in `parts`, whose gradients are added up to one step.

    Keras calls a schedule, and moves the average of the weights, once a part: `rate` has to span so many steps, and
    the momentum is the root that gives the recipe's after a whole batch.
    """
    ema = recipe.ema ** (1 / parts) if recipe.ema else 0.99
    chosen = keras.optimizers.AdamW(
        rate,
        weight_decay=recipe.weight_decay,
        use_ema=recipe.ema > 0,
        ema_momentum=ema,
        global_clipnorm=1.0,
        gradient_accumulation_steps=parts if parts > 1 else None,
    )
    chosen.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return _scaled(chosen, recipe)


def head_optimizer(recipe: Recipe, rate: Rate, parts: int) -> keras.optimizers.Optimizer:
    """AdamW for the new head of a backbone, alone."""
    return _scaled(
        keras.optimizers.AdamW(rate, gradient_accumulation_steps=parts if parts > 1 else None),
        recipe,
    )


def _scaled(optimizer: keras.optimizers.Optimizer, recipe: Recipe) -> keras.optimizers.Optimizer:
    # Small gradients vanish in float16 unless the loss is scaled up; bfloat16 has the range of float32.
    half = recipe.mixed_precision and policy() == "mixed_float16"
    return keras.optimizers.LossScaleOptimizer(optimizer) if half else optimizer


def compile_for(model: keras.Model, recipe: Recipe, optimizer: keras.optimizers.Optimizer) -> None:
    """Make the model ready to learn with cross-entropy, and accuracy to look at."""
    model.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
        steps_per_execution=recipe.steps_per_execution,
        # XLA pays on a GPU; on a CPU it made EfficientNet-Lite0 16 times slower (444 against 28 ms a picture).
        jit_compile="auto" if keras.backend.backend() != "tensorflow" else False,
    )
