"""`python -m spaces_config deploy`."""

import re
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from models import settings
from models.cli import Debug
from models.hub.source import Repository
from spaces_config import card, deployment, folder, local, smoke_test
from spaces_config.errors import SpaceError

LISTED_CHANGES = 5  # names of changed files in the error message


def command(
    space: Annotated[str, typer.Option(metavar="USER/NAME", help="The Space. Created if it does not exist.")],
    private: Annotated[bool, typer.Option("--private", help="Create the Space as private.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show the files and the front matter. Needs no network.")
    ] = False,
    allow_dirty: Annotated[
        bool, typer.Option("--allow-dirty", help="Deploy changes that are not committed, too.")
    ] = False,
    untested: Annotated[bool, typer.Option("--untested", help="Skip the smoke test on this machine.")] = False,
    _debug: Debug = False,
) -> None:
    """Deploy the Space to Hugging Face in one commit. Needs an HF_TOKEN with write permission.

    Before that, the same files run on this machine in an environment of their own, and have to classify a sample
    picture of each task.
    """
    if Repository.parse(space).repo_id != space:
        raise SpaceError(
            f"{space} names a revision, but a Space is always deployed as a whole: write USER/NAME without it"
        )
    sources = settings.named_models()
    space_card = card.build_card(sources, host=re.sub("[^a-z0-9]+", "-", space.lower()))
    variables = card.variables(sources)
    files = folder.space_files(space_card)
    changed = folder.changed_files()
    if dry_run:
        _show(files, str(space_card), variables)
    if changed and not allow_dirty:
        more = f" and {len(changed) - LISTED_CHANGES} more" if len(changed) > LISTED_CHANGES else ""
        _refuse(
            f"the working tree differs from the last commit ({', '.join(changed[:LISTED_CHANGES])}{more}): "
            f"commit the changes, or deploy them with --allow-dirty",
            dry_run,
        )
    if dry_run:
        return
    if not untested:
        built = local.build(space_card, variables)
        with local.running(built) as running:
            typer.echo(smoke_test.run_smoke_test(running).summary)
    commit = folder.head_commit() + ("+changes" if changed else "")
    deployed = deployment.deploy(space, files, variables, f"Vistazo {commit}", private)
    outcome = "now holds" if deployed.changed else "is up to date, nothing was changed:"
    typer.echo(f"{deployed.url} {outcome} {len(files)} files, commit {deployed.commit}")


def _refuse(reason: str, dry_run: bool) -> None:
    if not dry_run:
        raise SpaceError(reason)
    typer.echo(f"A deployment would be refused: {reason}", err=True)


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
