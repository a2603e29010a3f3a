"""`python -m models`: what there is, whether a bundle is sound, and answers for files and folders of pictures."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from models import bundle, report
from models.catalog import RUNS, Catalog
from models.commands import FAILED, Debug, command_line

LABELS = 10  # that the list names before it counts the others

app = command_line()


@app.callback()
def models() -> None:
    """Use trained models on this machine."""


@app.command(name="list")
def list_models(_debug: Debug = False) -> None:
    """Show the models there are and what each reaches on its test pictures. Exits 1 when one is not available."""
    table = Table("task", "version", "labels", "MB", "test accuracy (95 %)", "source")
    entries = Catalog.load(workers=1, runs=RUNS).entries
    for entry in entries:
        if entry.classifier is None:
            table.add_row(entry.task, "", "", "", "not available", entry.error)
            continue
        manifest = entry.classifier.manifest
        accuracy = manifest.metrics["test"].metrics["accuracy"]
        size = sum(file.size for file in manifest.files.values())
        figure = f"{accuracy.value:.2%} ({accuracy.low:.2%} to {accuracy.high:.2%})"
        labels = ", ".join(manifest.label_ids[:LABELS])
        if len(manifest.labels) > LABELS:
            labels += f" and {len(manifest.labels) - LABELS} more"
        table.add_row(entry.task, manifest.version, labels, f"{size / 1e6:.1f}", figure, entry.source)
    Console().print(table)
    if any(entry.classifier is None for entry in entries):
        raise typer.Exit(FAILED)


@app.command()
def verify(
    directory: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle's directory.")],
    _debug: Debug = False,
) -> None:
    """Check a bundle: schema, labels, and the size and SHA-256 of every file."""
    manifest = bundle.load(directory)
    typer.echo(f"{directory}: {manifest.task} {manifest.version}, all {len(manifest.files)} files as exported")


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
    pictures = report.find_pictures(paths)
    classifier = Catalog.load(runs=RUNS).get(task)
    verdicts: Counter[str] = Counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        Progress(*columns, console=Console(stderr=True)) as progress,
        report.open_report(output, classifier.manifest.label_ids) as write,
    ):
        for answer in progress.track(report.classify_files(classifier, pictures), len(pictures), description=task):
            write(answer)
            verdicts[str(answer.prediction.verdict) if answer.prediction else "error"] += 1
    typer.echo(", ".join(f"{count:,} {verdict}" for verdict, count in verdicts.most_common()), err=True)
    if verdicts["error"]:
        raise typer.Exit(FAILED)


if __name__ == "__main__":
    app(prog_name="python -m models")
