"""`python -m spaces_config serve`."""

from contextlib import suppress

import typer

from models import settings
from models.cli import Debug
from spaces_config import card, folder, local, smoke_test


def command(_debug: Debug = False) -> None:
    """Run the Space on http://127.0.0.1:7860 as Hugging Face does, until Ctrl-C. Prints start time and memory.

    The Space is built in .space/ from the files that are tracked by git.
    """
    sources = settings.named_models()
    space_card = card.build_card(sources)
    if untracked := [name for name in folder.untracked_files() if name.startswith(folder.PARTS)]:
        typer.echo(f"Not tracked by git, so not in the Space: {', '.join(untracked)}", err=True)
    space = local.build(space_card, card.variables(sources))
    with local.running(space) as running:
        typer.echo(smoke_test.run_smoke_test(running).summary)
        typer.echo(f"The Space runs on {smoke_test.URL} until Ctrl-C. Its output goes to {space.log}")
        with suppress(KeyboardInterrupt):  # the usual way to stop it
            running.process.wait()
