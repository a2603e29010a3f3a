"""`python -m train fit`."""

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from models.cli import INTERRUPTED, Debug
from train import recipe
from train.errors import RecipeError
from train.learning import unfinished_run
from train.recipe import Recipe
from train.sources import folder


def command(
    task: Annotated[
        str | None,
        typer.Argument(help="digit, flower or pneumonia: its recipe and its data are used.", show_default=False),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Instead of a task: a folder with one subfolder of pictures a class."),
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="With --data: the name of the new task.")] = None,
    arch: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Architecture: cnn, mnist_cnn, or a name from keras.applications. Default: the recipe's.",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="File with the backbone's weights (.keras, or .h5 of keras.applications). Default: download.",
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Maximum number of epochs. Default: the recipe's.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Pictures per step. Default: the recipe's.")] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            min=1, help="Early stopping: epochs without a lower validation loss before it stops. Default: the recipe's."
        ),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=0, help="Highest learning rate. Default: the recipe's.")
    ] = None,
    schedule: Annotated[
        Literal["cosine", "plateau", "one_cycle"] | None,
        typer.Option(help="Learning-rate schedule. Default: the recipe's."),
    ] = None,
    balance: Annotated[
        Literal["none", "weights", "sampling"] | None,
        typer.Option(
            help="Class imbalance: weight the loss by class, or sample the classes equally often. "
            "Default: the recipe's."
        ),
    ] = None,
    ema: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Momentum of the weights' moving average (EMA). Default: the recipe's."),
    ] = None,
    swa: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Share of the last epochs whose weights are averaged (SWA). Default: the recipe's."
        ),
    ] = None,
    label_smoothing: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Share of the target probability that is spread over all classes. Default: the recipe's."
        ),
    ] = None,
    mixed_precision: Annotated[
        bool, typer.Option("--mixed-precision", help="Half precision, for GPUs. It does not make a CPU faster.")
    ] = False,
    steps_per_execution: Annotated[
        int | None,
        typer.Option(min=1, help="Steps between two updates of the progress bar. Default: the recipe's."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Seed of the initial weights, the order of pictures and augmentation. Default: the recipe's."
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Change another value of the recipe, such as augmentation.flip=true. Can be repeated.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Resume the task's newest unfinished run, with that run's own recipe and data."),
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write TensorBoard logs to the run's directory.")
    ] = False,
    data_dir: Annotated[Path, typer.Option(help="The directory that `fetch` wrote the data to.")] = Path("data"),
    runs_dir: Annotated[Path, typer.Option(help="The run is written to RUNS_DIR/TASK-DATE-TIME.")] = Path("runs"),
    _debug: Debug = False,
) -> None:
    """Train a network and keep the epoch with the lowest validation loss. Prints the run's directory."""
    overrides = {
        "arch": arch,
        "epochs": epochs,
        "batch_size": batch_size,
        "patience": patience,
        "learning_rate": learning_rate,
        "schedule": schedule,
        **recipe.balance_overrides(balance),
        **recipe.averaging_overrides(ema, swa),
        "label_smoothing": label_smoothing,
        "mixed_precision": mixed_precision or None,
        "steps_per_execution": steps_per_execution,
        "seed": seed,
        **recipe.parse_assignments(assignments or ()),
    }
    if resume:
        task_name = task or name
        if task_name is None:
            raise RecipeError("--resume got no task: name the task, or give --name NAME")
        directory = unfinished_run.newest_unfinished(runs_dir, task_name)
        unfinished_run.check_same_choices(directory, overrides, tensorboard)
    else:
        chosen = _compose_recipe(task, data, name, data_dir, overrides)
        task_name = chosen.task
        directory = runs_dir / f"{task_name}-{time.strftime('%Y%m%d-%H%M%S')}"

    # Keras takes seconds to import: options, recipe and data are checked first.
    from train.learning import training  # noqa: PLC0415

    try:
        if resume:
            run = training.resume(directory, weights)
        else:
            run = training.fit(chosen, data_dir / task_name, directory, weights, tensorboard)
    except KeyboardInterrupt:
        typer.echo(unfinished_run.interruption_message(directory, runs_dir, task_name), err=True)
        raise typer.Exit(INTERRUPTED) from None
    metrics = ", ".join(f"{name} {value:.4f}" for name, value in run.validation.items())
    typer.echo(f"best epoch {run.best_epoch + 1}, validation: {metrics}; {run.minutes:g} minutes")
    typer.echo(directory)


def _compose_recipe(
    task: str | None, data: Path | None, name: str | None, data_dir: Path, overrides: dict[str, Any]
) -> Recipe:
    """Return the recipe of a task, or of a folder of pictures, which is then also read and split."""
    if task is not None and data is None and name is None:
        return recipe.load(task, **overrides)
    if task is not None or data is None or name is None:
        raise RecipeError("fit takes either a task, or --data FOLDER and --name NAME: give one of the two")
    prepared = folder.prepare(data, name, data_dir)
    for line in folder.describe(prepared):
        typer.echo(line)
    return folder.recipe_for(prepared, **overrides)
