"""A stage of training: epoch after epoch from where its state is, with smaller batches when memory runs out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
from rich.progress import Progress

from train.errors import RunError
from train.learning import memory
from train.learning.batches import Batches
from train.learning.checkpoint import State, restore
from train.learning.optimizer import Rate, compile_for
from train.learning.progress import Extent, Watch
from train.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Stage:
    """What one stage of training does. With a backbone there are two: its new head alone, then the whole."""

    name: str
    epochs: int
    rate: Callable[[int], Rate]  # of the number of steps
    optimizer: Callable[[Rate, int], keras.optimizers.Optimizer]  # of the rate and the parts of a batch
    callbacks: Callable[[Watch], list[keras.callbacks.Callback]]  # in their order, with the watch among them
    val_set: Batches | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """What all stages of a training share."""

    recipe: Recipe
    trained: keras.Model  # the network with the augmentation before it
    train_set: Batches
    class_weight: dict[int, float] | None
    directory: Path
    progress: Progress


def learn(stage: Stage, session: Session, state: State) -> None:
    """Go on from `state` to the last epoch of the stage, or until a callback ends it.

    When the accelerator's memory runs out, the epoch begins again with each batch in twice as many parts, whose
    gradients are added up: the batch that a step is made from stays as large as it was. Only batch norms, which then
    see fewer pictures at a time, notice.
    Raises RunError when memory does not do for one picture.
    """
    recipe, trained, train_set = session.recipe, session.trained, session.train_set
    parts = state.parts
    while True:
        for batches in filter(None, (train_set, stage.val_set)):
            batches.parts = parts
        steps = len(train_set)
        rate = stage.rate(steps * stage.epochs)
        compile_for(trained, recipe, stage.optimizer(rate, parts))
        if keras.backend.backend() == "jax" and train_set.workers > 1:
            # Else Keras builds the loss from a look at streamed batches, and those that were read ahead for it, in
            # another order, come up again in the first epoch.
            trained.test_on_batch(*train_set[0])
        restore(trained, state, parts)
        state.parts = parts
        watch = Watch(session.progress, Extent(stage.name, stage.epochs, steps, train_set.count), rate)
        order = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: train_set.begin(epoch))
        try:
            trained.fit(
                train_set,
                validation_data=stage.val_set,
                initial_epoch=state.epoch,
                epochs=stage.epochs,
                class_weight=session.class_weight,
                shuffle=False,  # Keras' own order of the batches could not be taken up again; `begin` shuffles pictures
                callbacks=[*stage.callbacks(watch), order],
                verbose=0,
            )
            return
        except Exception as error:
            if not memory.ran_out(error):
                raise
            if 2 * parts > recipe.batch_size:
                raise RunError("memory does not do for one picture at a time: choose a smaller network") from error
        watch.close()
        state.reload(session.directory)
        parts *= 2
        session.progress.console.print(
            f"out of memory: batches of {recipe.batch_size // parts} from here on, {parts} to a step, so that a step "
            f"is still made from {recipe.batch_size} pictures; the epoch begins again"
        )
