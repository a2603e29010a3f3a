"""`python -m models`: what there is, whether a bundle is sound, and answers for files and folders of pictures."""

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from models import batch, bundle
from models.catalog import RUNS, Catalog
from models.cli import FAILED, Debug, command_line
from models.errors import SourceError
from models.hub import pulling
from models.hub.source import Repository
from models.settings import MODELS, hand_over_hub_settings, named_models

LABELS = 10  # that the list names before it counts the others
PATIENCE_S = 3600  # of a person who pulls a model, and may press Ctrl-C

app = command_line()


@app.callback()
def models() -> None:
    """Use trained models on this machine."""
    hand_over_hub_settings()


@app.command(name="list")
def list_models(_debug: Debug = False) -> None:
    """Show the models there are and what each reaches on its test pictures. Exits 1 when one is not available."""
    table = Table("task", "version", "labels", "MB", "test accuracy (95 %)", "source and revision")
    entries = Catalog.load(named_models(), workers=1, runs=RUNS).entries
    for entry in entries:
        if entry.classifier is None:
            table.add_row(entry.task, "", "", "", "not available", entry.error)
            continue
        info = entry.classifier.info
        accuracy = info.metrics["test"].metrics["accuracy"]
        size = info.files[bundle.MODEL_NAME].size
        figure = f"{accuracy.value:.2%} ({accuracy.low:.2%} to {accuracy.high:.2%})"
        labels = ", ".join(info.label_ids[:LABELS])
        if len(info.labels) > LABELS:
            labels += f" and {len(info.labels) - LABELS} more"
        table.add_row(entry.task, info.version, labels, f"{size / 1e6:.1f}", figure, entry.source)
    Console().print(table)
    for entry in entries:
        if entry.fallback:
            typer.echo(f"{entry.task}: not {entry.fallback.asked}, since {entry.fallback.error}")
    if any(entry.classifier is None for entry in entries):
        raise typer.Exit(FAILED)


@app.command()
def pull(
    task: Annotated[str, typer.Argument(help="What the model is for: digit, flower, pneumonia, or another.")],
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="USER/NAME[@REVISION]", help=f"Default: what {MODELS} names for the task."),
    ] = None,
    _debug: Debug = False,
) -> None:
    """Fetch a model from the Hugging Face Hub into its cache, verified, and print the line that pins it."""
    asked = Repository.parse(source) if source else named_models().get(task)
    if not isinstance(asked, Repository):
        raise SourceError(f"{MODELS} names no repository for {task!r}: say which with --from USER/NAME@REVISION")
    copy = pulling.pull(asked, task, PATIENCE_S, progress=sys.stderr.isatty())
    pulling.remember(copy)
    typer.echo(f"{asked} is commit {copy.repository.revision}, verified: {copy.directory}")
    typer.echo(f"{MODELS}={task}={copy.repository}")


@app.command()
def verify(
    directory: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle's directory.")],
    _debug: Debug = False,
) -> None:
    """Check a bundle: schema, labels, and the size and SHA-256 of every file that is there.

    Names the files that this copy does not have: a copy to serve from needs vistazo.json and model.tflite alone.
    """
    info = bundle.load(directory)
    absent = bundle.missing(directory, info)
    here = f"{len(info.files) - len(absent)} of" if absent else "all"
    typer.echo(f"{directory}: {info.task} {info.version}, {here} {len(info.files)} files are as exported")
    if absent:
        typer.echo(f"  not here: {', '.join(absent)}")


@app.command()
def classify(
    task: Annotated[str, typer.Argument(help="digit, flower, pneumonia, or one of your own in runs/.")],
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Pictures, and folders to search for them.")],
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Ends in .csv or .jsonl. Default: CSV on the standard output."),
    ] = None,
    _debug: Debug = False,
) -> None:
    """Classify pictures. Exits 1 when one could not be read; the output has its error."""
    pictures = batch.find_pictures(paths)
    named = named_models()
    classifier = Catalog.load({task: named[task]} if task in named else {}, runs=RUNS).get(task)
    verdicts: Counter[str] = Counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        Progress(*columns, console=Console(stderr=True)) as progress,
        batch.open_report(output, classifier.info.label_ids) as write,
    ):
        for answer in progress.track(batch.classify_files(classifier, pictures), len(pictures), description=task):
            write(answer)
            verdicts[str(answer.prediction.verdict) if answer.prediction else "error"] += 1
    typer.echo(", ".join(f"{count:,} {verdict}" for verdict, count in verdicts.most_common()), err=True)
    if verdicts["error"]:
        raise typer.Exit(FAILED)


if __name__ == "__main__":
    app(prog_name="python -m models")
