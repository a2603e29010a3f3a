"""`python -m train explore`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from models.cli import Debug
from train.exploration import explore, page, tables


def command(
    task_or_folder: Annotated[
        str,
        typer.Argument(
            metavar="TASK|FOLDER", help="A fetched task, or a folder with one subfolder of pictures a class."
        ),
    ],
    data_dir: Annotated[Path, typer.Option(help="The directory that `fetch` wrote the data to.")] = Path("data"),
    output: Annotated[
        Path | None,
        typer.Option(metavar="PATH", dir_okay=False, help="Path of the HTML page. Default: runs/explore-NAME.html."),
    ] = None,
    _debug: Debug = False,
) -> None:
    """Count pictures, find duplicates and unreadable files. Prints the tables and the path of an HTML page."""
    collection = explore.collect_files(task_or_folder, data_dir)
    found = explore.explore_collection(collection)
    tables.show(found, Console(markup=False, highlight=False, emoji=False))
    path = output or Path("runs") / f"explore-{collection.name}.html"
    page.write(found, path)
    typer.echo(path)
