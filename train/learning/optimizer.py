"""The optimizer: AdamW, the schedule of its learning rate, gradient accumulation, and the loss."""

from typing import TypeAlias

import keras

from train.learning.precision import mixed_precision_policy
from train.recipe import Recipe

PLATEAU_FACTOR = 0.5  # the learning rate is multiplied by it after each plateau
LearningRate: TypeAlias = keras.optimizers.schedules.LearningRateSchedule | float


def learning_rate_schedule(recipe: Recipe, steps: int) -> LearningRate:
    """Return the recipe's learning rate over `steps` steps.

    cosine     linear warmup from 1/25 of the rate during `warmup` of the steps, then cosine decay to 1/100 of it
               (Loshchilov and Hutter 2017, arXiv 1608.03983)
    one_cycle  warmup during the first 30 % of the steps, then cosine decay to 4e-6 of the rate (Smith and Topin 2018,
               arXiv 1708.07120); unlike in the paper, the momentum is constant
    plateau    constant; `EarlyStopping` in checkpoint.py halves it when the validation loss stops improving
    """
    if recipe.schedule == "plateau":
        return recipe.learning_rate
    warmup_share, final_share = (0.3, 4e-6) if recipe.schedule == "one_cycle" else (recipe.warmup, 0.01)
    warmup_steps = min(round(warmup_share * steps), steps - 1)
    schedule: LearningRate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.learning_rate / 25,
        decay_steps=steps - warmup_steps,
        alpha=final_share,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup_steps,
    )
    return schedule


def plateau_patience(recipe: Recipe) -> int:
    """Return the epochs without improvement before the rate is reduced, in time to help before early stopping."""
    return max(1, recipe.patience // 2)


def build_optimizer(recipe: Recipe, rate: LearningRate, accumulation_steps: int) -> keras.optimizers.Optimizer:
    """Return the recipe's AdamW, which updates the weights once per `accumulation_steps` partial batches.

    Keras advances the schedule and the EMA once per partial batch. So `rate` has to span as many steps, and the EMA
    momentum is the root that gives the recipe's momentum per full batch.
    """
    ema_momentum = recipe.ema ** (1 / accumulation_steps) if recipe.ema else 0.99
    optimizer = keras.optimizers.AdamW(
        rate,
        weight_decay=recipe.weight_decay,
        use_ema=recipe.ema > 0,
        ema_momentum=ema_momentum,
        global_clipnorm=1.0,
        gradient_accumulation_steps=accumulation_steps if accumulation_steps > 1 else None,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return _with_loss_scaling(optimizer, recipe)


def build_head_optimizer(recipe: Recipe, rate: LearningRate, accumulation_steps: int) -> keras.optimizers.Optimizer:
    """Return AdamW for the head phase: Keras' default weight decay, no clipping, no EMA."""
    optimizer = keras.optimizers.AdamW(
        rate, gradient_accumulation_steps=accumulation_steps if accumulation_steps > 1 else None
    )
    return _with_loss_scaling(optimizer, recipe)


def _with_loss_scaling(optimizer: keras.optimizers.Optimizer, recipe: Recipe) -> keras.optimizers.Optimizer:
    # In float16, small gradients become zero unless the loss is scaled up. bfloat16 has the range of float32.
    float16 = recipe.mixed_precision and mixed_precision_policy() == "mixed_float16"
    return keras.optimizers.LossScaleOptimizer(optimizer) if float16 else optimizer


def compile_model(model: keras.Model, recipe: Recipe, optimizer: keras.optimizers.Optimizer) -> None:
    """Compile the model with the cross-entropy loss and the accuracy metric."""
    model.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing),
        # By the name "accuracy", Keras would create the metric in the first step, and TensorFlow trace that step again.
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        steps_per_execution=recipe.steps_per_execution,
        # XLA is faster on a GPU. On a CPU, EfficientNet-Lite0 became 16 times slower (444 against 28 ms per picture).
        jit_compile="auto" if keras.backend.backend() != "tensorflow" else False,
    )
