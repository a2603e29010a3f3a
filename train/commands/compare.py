"""`python -m train compare`."""

import time
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from models.cli import Debug
from train.comparison import comparison, report, tables


def command(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", help="Exported runs, or bundles. Differences are relative to the first."),
    ],
    split: Annotated[
        Literal["val", "test"],
        typer.Option(help="The split to compare on. Choose nothing by the results on the test split."),
    ] = "val",
    altered: Annotated[
        bool,
        typer.Option("--altered", help="Compare also on corrupted copies, as other cameras or hospitals produce them."),
    ] = False,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="The pictures are in DATA_DIR/TASK. Default: the directory that the first run was trained on."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            file_okay=False,
            help="Directory of the tables and the chart. Default: runs/compare-TASK-DATE-TIME.",
        ),
    ] = None,
    _debug: Debug = False,
) -> None:
    """Compare runs of one task: metrics, paired differences, size, speed, seeds. Prints the report's directory."""
    result = comparison.compare(runs, split, data_dir, altered)
    tables.show(result, Console(markup=False, highlight=False, emoji=False))
    directory = output or Path("runs") / f"compare-{result.task}-{time.strftime('%Y%m%d-%H%M%S')}"
    report.write(result, directory)
    typer.echo(directory)
