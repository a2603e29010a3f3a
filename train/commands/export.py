"""`python -m train export`."""

from pathlib import Path
from typing import Annotated

import typer

from models.cli import Debug


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory that `fit` printed.")],
    _debug: Debug = False,
) -> None:
    """Convert a run into a bundle, check it against Keras and measure it. Prints the bundle's directory."""
    # Keras takes seconds to import: options are checked first.
    from train.bundling.exporter import export  # noqa: PLC0415

    typer.echo(export(run))
