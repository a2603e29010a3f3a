"""`python -m train publish`."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from huggingface_hub.utils.tqdm import disable_progress_bars

from models.cli import Debug
from models.settings import MODELS
from train.publishing import hub
from train.publishing.package import load_package


def command(
    bundle: Annotated[
        Path, typer.Argument(metavar="BUNDLE_FOLDER", help="The directory that `export` printed, or its run.")
    ],
    repo_id: Annotated[
        str,
        typer.Option(metavar="USER/NAME", help="The model repository on the Hugging Face Hub. Created if missing."),
    ],
    private: Annotated[bool, typer.Option("--private", help="Create the repository as private.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show the files and the card. Needs no network and no token.")
    ] = False,
    _debug: Debug = False,
) -> None:
    """Publish a bundle on the Hugging Face Hub in one commit, tagged with its version. Prints the line that pins it.

    Publishing the same bundle again makes no commit. Log in with `hf auth login`, or set HF_TOKEN.
    """
    hub.check_repo_id(repo_id)
    package = load_package(bundle)
    if dry_run:
        kind = "private" if private else "public"
        typer.echo(f"would publish {package.info.task} {package.info.version} as {repo_id}, {kind} if it is new:")
        typer.echo(package.describe())
        return
    if not sys.stderr.isatty():
        disable_progress_bars()
    published = hub.publish(package, repo_id, private)
    typer.echo(f"{repo_id} {package.info.version}: {published.summary}")
    typer.echo(f"{published.commit}  {published.url}")
    typer.echo(f"{MODELS}={package.info.task}={repo_id}@{published.commit}")
