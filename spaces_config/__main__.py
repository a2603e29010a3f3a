"""`python -m spaces_config`: run the Space on this machine, and deploy it."""

import platform
import re
import sys
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from models import settings
from models.cli import Debug, command_line
from models.hub.source import Repository
from spaces_config import card, folder, local, smoke_test
from spaces_config.errors import SpaceError
from spaces_config.smoke_test import Figures

NAMED = 5  # changed files that a refusal names

app = command_line()


@app.callback()
def space() -> None:
    """Run the Space on this machine, and deploy it to Hugging Face. VISTAZO_MODELS says which models it serves."""
    settings.export_hub_settings()


@app.command()
def serve(_debug: Debug = False) -> None:
    """Run the Space on http://127.0.0.1:7860 as Hugging Face would, say what it took, and serve until Ctrl-C.

    It is built from the files that git knows, in .space/.
    """
    sources = settings.named_models()
    made = card.card(sources)
    if unknown := [name for name in folder.unknown() if name.startswith(folder.PARTS)]:
        typer.echo(f"Not in git, hence not in the Space: {', '.join(unknown)}", err=True)
    built = local.build(made, card.variables(sources))
    with local.running(built) as running:
        _say(smoke_test.prove(running))
        typer.echo(f"The Space runs on {smoke_test.URL} until Ctrl-C; what it writes is in {built.log}")
        with suppress(KeyboardInterrupt):  # how it is meant to end
            running.process.wait()


@app.command()
def deploy(
    space: Annotated[str, typer.Option(metavar="USER/NAME", help="The Space: it is created if there is none.")],
    private: Annotated[bool, typer.Option("--private", help="Create it for yourself only.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the files and the front matter; no network.")
    ] = False,
    allow_dirty: Annotated[bool, typer.Option("--allow-dirty", help="Deploy changes that are not committed.")] = False,
    untested: Annotated[bool, typer.Option("--untested", help="Do not run the Space here first.")] = False,
    _debug: Debug = False,
) -> None:
    """Make a Space of Hugging Face hold exactly what is needed, in one commit. Needs HF_TOKEN, with the right to write.

    First the very same files run here, alone, and have to answer about a real picture of each task.
    """
    if Repository.parse(space).repo_id != space:
        raise SpaceError(f"{space} names a revision, which a Space does not have: write USER/NAME alone")
    sources = settings.named_models()
    made = card.card(sources, host=re.sub("[^a-z0-9]+", "-", space.lower()))
    variables = card.variables(sources)
    files = folder.contents(made)
    changed = folder.changes()
    if dry_run:
        _show(files, str(made), variables)
    if changed and not allow_dirty:
        more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
        _refuse(
            f"the working tree differs from the last commit ({', '.join(changed[:NAMED])}{more}): "
            f"commit first, or deploy it as it is with --allow-dirty",
            dry_run,
        )
    if dry_run:
        return
    if not untested:
        built = local.build(made, variables)
        with local.running(built) as running:
            _say(smoke_test.prove(running))
    # Here and not above: the Hub's library reads its settings when it is imported, and they may be in `.env`.
    from spaces_config.deploy import deploy as send  # noqa: PLC0415

    commit = folder.commit() + ("+changes" if changed else "")
    done = send(space, files, variables, f"Vistazo {commit}", private)
    said = "now holds" if done.changed else "holds already, and nothing was changed:"
    typer.echo(f"{done.url} {said} {len(files)} files, commit {done.commit}")


def _refuse(sentence: str, dry_run: bool) -> None:
    if not dry_run:
        raise SpaceError(sentence)
    typer.echo(f"A deployment would be refused: {sentence}", err=True)


def _show(files: dict[str, bytes], readme: str, variables: dict[str, str]) -> None:
    table = Table("file", "bytes", box=None)
    table.columns[1].justify = "right"
    for name, content in files.items():
        table.add_row(name, f"{len(content):,}")
    table.add_row(f"{len(files)} files", f"{sum(map(len, files.values())):,}")
    Console(markup=False, highlight=False, emoji=False).print(table)
    typer.echo(f"\n{readme.rpartition('---')[0]}---")
    for name, value in variables.items():
        typer.echo(f"\nvariable {name}={value}")


def _say(took: Figures) -> None:
    cores = f"{local.CORES} cores of {platform.machine()}, Python {'.'.join(map(str, sys.version_info[:2]))}"
    typer.echo(f"Ready {took.ready_s:.1f} s after the start; first answer after {took.first_answer_s:.1f} s ({cores}).")
    typer.echo(f"Installed: {took.installed_mb:,.0f} MB.", nl=took.resident_mb is None)
    if took.resident_mb is not None and took.peak_mb is not None:
        typer.echo(f" Memory after an answer of each task: {took.resident_mb:,.0f} MB, at most {took.peak_mb:,.0f} MB.")


if __name__ == "__main__":
    app(prog_name="python -m spaces_config")
