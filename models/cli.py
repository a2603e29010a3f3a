"""Shared behaviour of the command lines: one-sentence errors, tracebacks only with `--debug`, exit codes."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from models.errors import VistazoError

FAILED = 1
INTERRUPTED = 130  # the exit code of shells for Ctrl-C
_DEBUG = "vistazo.debug"


class Commands(TyperGroup):
    """A group of commands that exits 1 with one sentence on an error, and 130 on Ctrl-C."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            typer.echo("interrupted: run the command again", err=True)
            raise typer.Exit(INTERRUPTED) from error
        except (VistazoError, OSError) as error:
            if ctx.meta.get(_DEBUG):
                raise
            advice = "" if isinstance(error, VistazoError) else ": check the free space and the permissions of the disk"
            typer.echo(f"error: {error}{advice}", err=True)
            raise typer.Exit(FAILED) from error


def _remember_debug(context: typer.Context, debug: bool) -> bool:
    context.meta[_DEBUG] = debug
    return debug


Debug = Annotated[
    bool,
    typer.Option("--debug", help="Show the traceback of an error.", callback=_remember_debug, is_eager=True),
]


def command_line() -> typer.Typer:
    """Return an empty command line with this behaviour."""
    return typer.Typer(
        cls=Commands, add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
    )
