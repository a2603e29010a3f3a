"""`python -m models list`."""

import typer
from rich.console import Console
from rich.table import Table

from models import bundle
from models.catalog import RUNS, Catalog
from models.cli import FAILED, Debug
from models.settings import named_models

MAX_LABELS = 10  # in a row of the table


def command(_debug: Debug = False) -> None:
    """List the models with their test accuracy. Exits with 1 when one is not available."""
    table = Table("task", "version", "labels", "MB", "test accuracy (95 %)", "source and revision")
    entries = Catalog.load(named_models(), runs=RUNS).entries
    for entry in entries:
        if entry.loaded is None:
            table.add_row(entry.task, "", "", "", "not available", entry.error)
            continue
        info = entry.loaded.info
        accuracy = info.metrics["test"].metrics["accuracy"]
        labels = ", ".join(info.label_ids[:MAX_LABELS])
        if len(info.labels) > MAX_LABELS:
            labels += f" and {len(info.labels) - MAX_LABELS} more"
        table.add_row(
            entry.task,
            info.version,
            labels,
            f"{info.files[bundle.MODEL_NAME].size / 1e6:.1f}",
            f"{accuracy.value:.2%} ({accuracy.low:.2%} to {accuracy.high:.2%})",
            entry.source,
        )
    Console().print(table)
    for entry in entries:
        if entry.fallback:
            typer.echo(f"{entry.task}: {entry.fallback.wanted} is not in use: {entry.fallback.error}")
    if any(entry.loaded is None for entry in entries):
        raise typer.Exit(FAILED)
