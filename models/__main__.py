"""The commands of `python -m models`: list, pull and verify models, classify files and folders."""

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
from models.settings import MODELS, export_hub_settings, named_models

MAX_LABELS = 10  # in a row of the list
PULL_LIMIT_S = 3600  # for a person, who can press Ctrl-C

app = command_line()


@app.callback()
def models() -> None:
    """Use trained models on this machine."""
    export_hub_settings()


@app.command(name="list")
def list_models(_debug: Debug = False) -> None:
    """List the models with their test accuracy. Exits with 1 when one is not available."""
    table = Table("task", "version", "labels", "MB", "test accuracy (95 %)", "source and revision")
    entries = Catalog.load(named_models(), workers=1, runs=RUNS).entries
    for entry in entries:
        if entry.classifier is None:
            table.add_row(entry.task, "", "", "", "not available", entry.error)
            continue
        info = entry.classifier.info
        accuracy = info.metrics["test"].metrics["accuracy"]
        size = info.files[bundle.MODEL_NAME].size
        shown_accuracy = f"{accuracy.value:.2%} ({accuracy.low:.2%} to {accuracy.high:.2%})"
        labels = ", ".join(info.label_ids[:MAX_LABELS])
        if len(info.labels) > MAX_LABELS:
            labels += f" and {len(info.labels) - MAX_LABELS} more"
        table.add_row(entry.task, info.version, labels, f"{size / 1e6:.1f}", shown_accuracy, entry.source)
    Console().print(table)
    for entry in entries:
        if entry.fallback:
            typer.echo(f"{entry.task}: {entry.fallback.wanted} is not in use: {entry.fallback.error}")
    if any(entry.classifier is None for entry in entries):
        raise typer.Exit(FAILED)


@app.command()
def pull(
    task: Annotated[str, typer.Argument(help="Task of the model: digit, flower, pneumonia, or another.")],
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="USER/NAME[@REVISION]", help=f"Default: the one in {MODELS}."),
    ] = None,
    _debug: Debug = False,
) -> None:
    """Pull a model from the Hugging Face Hub into its cache, verify it, and print the setting that pins it."""
    wanted = Repository.parse(source) if source else named_models().get(task)
    if not isinstance(wanted, Repository):
        raise SourceError(f"{MODELS} names no repository for {task!r}: name one with --from USER/NAME@REVISION")
    copy = pulling.pull(wanted, task, PULL_LIMIT_S, progress=sys.stderr.isatty())
    pulling.remember(copy)
    typer.echo(f"{wanted} is commit {copy.repository.revision}, verified: {copy.directory}")
    typer.echo(f"{MODELS}={task}={copy.repository}")


@app.command()
def verify(
    directory: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle's directory.")],
    _debug: Debug = False,
) -> None:
    """Verify a bundle: schema, labels, and the size and SHA-256 of every file.

    Lists the missing files: a copy for serving needs only vistazo.json and model.tflite.
    """
    info = bundle.load(directory)
    absent = bundle.missing_files(directory, info)
    here = f"{len(info.files) - len(absent)} of" if absent else "all"
    typer.echo(f"{directory}: {info.task} {info.version}, {here} {len(info.files)} files are unchanged")
    if absent:
        typer.echo(f"  missing: {', '.join(absent)}")


@app.command()
def classify(
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
    named = named_models()
    classifier = Catalog.load({task: named[task]} if task in named else {}, runs=RUNS).get(task)
    verdicts: Counter[str] = Counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        Progress(*columns, console=Console(stderr=True)) as progress,
        batch.open_results(output, classifier.info.label_ids) as write,
    ):
        for result in progress.track(batch.classify_files(classifier, pictures), len(pictures), description=task):
            write(result)
            verdicts[str(result.prediction.verdict) if result.prediction else "error"] += 1
    typer.echo(", ".join(f"{count:,} {verdict}" for verdict, count in verdicts.most_common()), err=True)
    if verdicts["error"]:
        raise typer.Exit(FAILED)


if __name__ == "__main__":
    app(prog_name="python -m models")
