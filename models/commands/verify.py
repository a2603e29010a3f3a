"""`python -m models verify`."""

from pathlib import Path
from typing import Annotated

import typer

from models import bundle
from models.cli import Debug
from models.loading import load_classifier


def command(
    directory: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle's directory.")],
    _debug: Debug = False,
) -> None:
    """Verify a bundle: schema, labels, numbers, the size and SHA-256 of every file, and the network's outputs.

    Lists the missing files: a copy for serving needs only vistazo.json and model.tflite.
    """
    info = load_classifier(directory, workers=1).info
    missing = bundle.missing_files(directory, info)
    count = f"{len(info.files) - len(missing)} of" if missing else "all"
    typer.echo(f"{directory}: {info.task} {info.version}, {count} {len(info.files)} files are unchanged")
    if missing:
        typer.echo(f"  missing: {', '.join(missing)}")
