"""`python -m train evaluate`."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from models.cli import Debug
from train import exported_model
from train.evaluation import evaluate, report, tables


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="An exported run, or a bundle.")],
    split: Annotated[
        Literal["test", "val", "train"],
        typer.Option(help="The split to measure on. Choose nothing by the results on the test split."),
    ] = "test",
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="The pictures are in DATA_DIR/TASK. Default: the directory that the run was trained on; for a bundle, "
            "data."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            file_okay=False,
            help="Directory of the report. Default: RUN/report-SPLIT; for a bundle, runs/report-NAME-SPLIT.",
        ),
    ] = None,
    pictures: Annotated[
        bool,
        typer.Option("--pictures/--no-pictures", help="Show pictures of the data in the report and list their files."),
    ] = True,
    _debug: Debug = False,
) -> None:
    """Measure an exported model on its pictures. Prints the metrics and the path of the HTML report."""
    evaluation = evaluate.evaluate_model(exported_model.load_exported_model(run, data_dir), split)
    tables.show(evaluation, Console(markup=False, highlight=False, emoji=False))
    directory = output or report.default_directory(run, evaluation)
    typer.echo(report.write(evaluation, directory, pictures))
