"""`python -m models pull`."""

import sys
from typing import Annotated

import typer

from models.cli import Debug
from models.errors import SourceError
from models.hub import pulling
from models.hub.source import Repository
from models.settings import MODELS, named_models

LIMIT_S = 3600  # a person waits, and can press Ctrl-C


def command(
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
    copy = pulling.pull(wanted, task, LIMIT_S, progress=sys.stderr.isatty())
    pulling.remember(copy)
    typer.echo(f"{wanted} is commit {copy.repository.revision}, verified: {copy.directory}")
    typer.echo(f"{MODELS}={task}={copy.repository}")
