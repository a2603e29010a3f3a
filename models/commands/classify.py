"""`python -m models classify`."""

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models import batch
from models.catalog import RUNS, Catalog
from models.cli import FAILED, Debug
from models.settings import named_models
from models.workers.start import start_workers
from models.workers.stored_model import StoredModel

PICTURE_S, MEMORY_MB = 60.0, 1500  # limits of one picture


def command(
    task: Annotated[str, typer.Argument(help="digit, flower, pneumonia, or a task of your own in runs/.")],
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Pictures, and folders of pictures.")],
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A .csv or .jsonl file. Default: CSV on the standard output."),
    ] = None,
    _debug: Debug = False,
) -> None:
    """Classify pictures. Exits with 1 when one cannot be read; its row in the output has the error."""
    pictures = batch.find_pictures(paths)
    sources = named_models()
    with closing(start_workers(None, PICTURE_S, MEMORY_MB)) as workers:
        catalog = Catalog.load({task: sources[task]} if task in sources else {}, runs=RUNS, load_model=workers.load)
        model = cast(StoredModel, catalog.entry(task).model)  # the workers loaded it
        outcomes: Counter[str] = Counter()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with (
            Progress(*columns, console=Console(stderr=True), refresh_per_second=4) as progress,
            batch.open_results(output, model.info.label_ids) as write,
        ):
            for result in progress.track(
                batch.classify_files(workers, model, pictures), len(pictures), description=task
            ):
                write(result)
                outcomes[str(result.prediction.verdict) if result.prediction else "error"] += 1
    typer.echo(", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.most_common()), err=True)
    if outcomes["error"]:
        raise typer.Exit(FAILED)
