"""The commands of `python -m train`. Each imports what it needs when it runs, so that `--help` is quick."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from models.errors import VistazoError

FAILED = 1
INTERRUPTED = 130  # as shells have it for Ctrl-C
_DEBUG = "vistazo.debug"


class _Commands(TyperGroup):
    """Commands whose errors are one sentence, with a traceback only where `--debug` asks for it."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; exit 1 on an error, 130 on Ctrl-C."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            typer.echo("interrupted: run the same command again to go on", err=True)
            raise typer.Exit(INTERRUPTED) from error
        except (VistazoError, OSError) as error:
            if ctx.meta.get(_DEBUG):
                raise
            advice = "" if isinstance(error, VistazoError) else ": check the disk's space and permissions"
            typer.echo(f"error: {error}{advice}", err=True)
            raise typer.Exit(FAILED) from error


def _remember_debug(context: typer.Context, debug: bool) -> bool:
    context.meta[_DEBUG] = debug
    return debug


Debug = Annotated[
    bool,
    typer.Option("--debug", help="Show the traceback of an error.", callback=_remember_debug, is_eager=True),
]

app = typer.Typer(
    cls=_Commands, add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)


@app.callback()
def train() -> None:
    """Make an image classifier, from the data to the bundle that is served."""


@app.command()
def fetch(
    task: Annotated[str, typer.Argument(help="What to fetch the data of: digit, flower or pneumonia.")],
    source: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|URL",
            help="An address, an archive or an unpacked folder in upstream's layout. Default: upstream.",
        ),
    ] = None,
    data_dir: Annotated[Path, typer.Option(help="The data go to DATA_DIR/TASK.")] = Path("data"),
    seed: Annotated[int, typer.Option(help="Chooses the split; the same seed gives the same split anywhere.")] = 0,
    _debug: Debug = False,
) -> None:
    """Download, verify, unpack and split the data of a task. A broken download is resumed."""
    from rich.console import Console  # noqa: PLC0415 (as all below: quick --help)
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    from train import fetch as fetching  # noqa: PLC0415
    from train.datasets import dataset_for  # noqa: PLC0415
    from train.pictures import SPLITS  # noqa: PLC0415

    dataset = dataset_for(task)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(stderr=True))
    fetched = fetching.fetch(dataset, data_dir, progress, source, seed)
    counts = fetched.counts()
    typer.echo(f"{fetched.directory} {'was already there' if fetched.already else 'is ready'}:")
    for split in SPLITS:
        by_label = ", ".join(f"{label} {counts[split, label]:,}" for label in dataset.labels)
        typer.echo(f"  {split:5} {sum(counts[split, label] for label in dataset.labels):6,}  ({by_label})")
    if fetched.left_out:
        typer.echo(f"  left out {fetched.left_out} whose copies contradict them or are in another split")


if __name__ == "__main__":
    app(prog_name="python -m train")
