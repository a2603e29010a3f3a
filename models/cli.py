"""Shared behaviour of the command lines: one-sentence errors, tracebacks only with `--debug`, lazy commands."""

import ast
import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

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


class LazyCommand(TyperCommand):
    """A command whose module is imported only when the command runs or shows its own help.

    The module defines the Typer function `command`. The group's list of commands shows the first sentence of that
    function's docstring, which is read from the source file without importing it.
    """

    def __init__(self, name: str, module: str) -> None:
        super().__init__(name)
        self._module = module

    def load(self) -> Any:
        """Import the module and return its command."""
        single = command_line()
        single.command(self.name)(importlib.import_module(self._module).command)
        return get_command(single)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Parse the arguments with the command that the module defines."""
        return self.load().make_context(info_name, args, parent, **extra)

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first sentence of the command's help, cut to `limit` characters."""
        self.help = _docstring_of_command(self._module)
        return super().get_short_help_str(limit)


class LazyCommands(Commands):
    """A group of commands that are imported on first use. Subclasses set `modules`: command name → module."""

    modules: ClassVar[Mapping[str, str]]

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, module in self.modules.items():
            self.add_command(LazyCommand(name, module))


def _docstring_of_command(module: str) -> str | None:
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"there is no module {module}", name=module)
    statements = ast.parse(Path(found.origin).read_text(encoding="utf-8")).body
    (function,) = (each for each in statements if isinstance(each, ast.FunctionDef) and each.name == "command")
    return ast.get_docstring(function)


def _remember_debug(context: typer.Context, debug: bool) -> bool:
    context.meta[_DEBUG] = debug
    return debug


Debug = Annotated[
    bool,
    typer.Option("--debug", help="Show the traceback of an error.", callback=_remember_debug, is_eager=True),
]


def command_line(cls: type[Commands] = Commands) -> typer.Typer:
    """Return an empty Typer application whose group of commands is a `cls`."""
    return typer.Typer(
        cls=cls, add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
    )
