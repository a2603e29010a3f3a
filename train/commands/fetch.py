"""`python -m train fetch`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from models.cli import Debug
from train.manifest import SPLITS
from train.sources import fetch
from train.sources.datasets import dataset_for


def command(
    task: Annotated[str, typer.Argument(help="Task to fetch the data of: digit, flower or pneumonia.")],
    source: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|URL",
            help="A URL, an archive or an extracted folder with the same layout as the original source. "
            "Default: the original source.",
        ),
    ] = None,
    data_dir: Annotated[Path, typer.Option(help="The data are written to DATA_DIR/TASK.")] = Path("data"),
    seed: Annotated[int, typer.Option(help="Seed of the split. The same seed gives the same split everywhere.")] = 0,
    _debug: Debug = False,
) -> None:
    """Download, verify, extract and split the data of a task. An interrupted download is resumed."""
    dataset = dataset_for(task)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(stderr=True))
    fetched = fetch.fetch_dataset(dataset, data_dir, progress, source, seed)
    counts = fetched.counts()
    typer.echo(f"{fetched.directory} {'was already there' if fetched.already_present else 'is ready'}:")
    for split in SPLITS:
        by_label = ", ".join(f"{label} {counts[split, label]:,}" for label in dataset.labels)
        typer.echo(f"  {split:5} {sum(counts[split, label] for label in dataset.labels):6,}  ({by_label})")
    if fetched.excluded:
        typer.echo(f"  excluded: {fetched.excluded} whose copies have another label or are in another split")
