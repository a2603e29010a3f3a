"""The commands of `python -m train`. Each imports what it needs when it runs, so that `--help` is quick."""

import time
from pathlib import Path
from typing import Annotated

import typer

from models.commands import INTERRUPTED, Debug, command_line

app = command_line()
Backbone = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="The backbone's file (.keras, or a keras.applications .h5). Default: download."),
]


@app.callback()
def train() -> None:
    """Make an image classifier, from the data to the bundle that is served."""


@app.command()
def fetch(
    task: Annotated[str, typer.Argument(help="What to fetch the data of: digit, flower or pneumonia.")],
    source: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|URL",
            help="An address, an archive or an unpacked folder in upstream's layout. Default: upstream.",
        ),
    ] = None,
    data_dir: Annotated[Path, typer.Option(help="The data go to DATA_DIR/TASK.")] = Path("data"),
    seed: Annotated[int, typer.Option(help="Chooses the split; the same seed gives the same split anywhere.")] = 0,
    _debug: Debug = False,
) -> None:
    """Download, verify, unpack and split the data of a task. A broken download is resumed."""
    from rich.console import Console  # noqa: PLC0415 (as all below: quick --help)
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    from train import fetch as fetching  # noqa: PLC0415
    from train.datasets import dataset_for  # noqa: PLC0415
    from train.pictures import SPLITS  # noqa: PLC0415

    dataset = dataset_for(task)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(stderr=True))
    fetched = fetching.fetch(dataset, data_dir, progress, source, seed)
    counts = fetched.counts()
    typer.echo(f"{fetched.directory} {'was already there' if fetched.already else 'is ready'}:")
    for split in SPLITS:
        by_label = ", ".join(f"{label} {counts[split, label]:,}" for label in dataset.labels)
        typer.echo(f"  {split:5} {sum(counts[split, label] for label in dataset.labels):6,}  ({by_label})")
    if fetched.left_out:
        typer.echo(f"  left out {fetched.left_out} whose copies contradict them or are in another split")


@app.command()
def explore(
    task_or_folder: Annotated[
        str,
        typer.Argument(metavar="TASK|FOLDER", help="A fetched task, or a folder with one folder of pictures a class."),
    ],
    data_dir: Annotated[Path, typer.Option(help="Where `fetch` put the data.")] = Path("data"),
    output: Annotated[
        Path | None,
        typer.Option(metavar="PATH", dir_okay=False, help="The HTML page. Default: runs/explore-NAME.html."),
    ] = None,
    _debug: Debug = False,
) -> None:
    """Count what there is, find duplicates and unreadable files. Prints the tables and the HTML page's path."""
    from rich.console import Console  # noqa: PLC0415

    from train import explore as exploring  # noqa: PLC0415
    from train import explore_page, explore_tables  # noqa: PLC0415

    collection = exploring.collect(task_or_folder, data_dir)
    found = exploring.explore(collection)
    explore_tables.show(found, Console(markup=False, highlight=False, emoji=False))
    path = output or Path("runs") / f"explore-{collection.name}.html"
    explore_page.write(found, path)
    typer.echo(path)


@app.command()
def fit(
    task: Annotated[str, typer.Argument(help="digit, flower or pneumonia: its recipe and its data.")],
    arch: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="cnn, mnist_cnn, or a name of keras.applications. Default: the recipe's."),
    ] = None,
    weights: Backbone = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="At most so many. Default: the recipe's.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Pictures a step. Default: the recipe's.")] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Epochs without a better validation loss. Default: the recipe's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and augmentation. Default: the recipe's.")] = None,
    data_dir: Annotated[Path, typer.Option(help="Where `fetch` put the data.")] = Path("data"),
    runs_dir: Annotated[Path, typer.Option(help="The run goes to RUNS_DIR/TASK-DATE-TIME.")] = Path("runs"),
    _debug: Debug = False,
) -> None:
    """Train a network and keep the epoch with the lowest validation loss. Prints the run's directory."""
    from train import recipe as recipes  # noqa: PLC0415

    recipe = recipes.load(task, arch=arch, epochs=epochs, batch_size=batch_size, patience=patience, seed=seed)
    directory = runs_dir / f"{task}-{time.strftime('%Y%m%d-%H%M%S')}"

    from train.fit import fit as train_network  # noqa: PLC0415 (Keras takes seconds: a typing error is told at once)
    from train.run import RUN_NAME  # noqa: PLC0415

    try:
        run = train_network(recipe, data_dir / task, directory, weights)
    except KeyboardInterrupt:
        if not (directory / RUN_NAME).exists():
            raise
        typer.echo(f"interrupted: the best epoch so far is in {directory} and can be exported", err=True)
        raise typer.Exit(INTERRUPTED) from None
    figures = ", ".join(f"{name} {value:.4f}" for name, value in run.validation.items())
    typer.echo(f"best epoch {run.best_epoch + 1}, validation: {figures}; {run.minutes:g} minutes")
    typer.echo(directory)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory that `fit` printed.")],
    _debug: Debug = False,
) -> None:
    """Turn a run into the bundle that is served, checked against Keras and measured. Prints the bundle's directory."""
    from train.export import export as write_bundle  # noqa: PLC0415

    typer.echo(write_bundle(run))


if __name__ == "__main__":
    app(prog_name="python -m train")
