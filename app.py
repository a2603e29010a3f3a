"""Serve Vistazo: settings → catalogue → server. Also what a Hugging Face Space runs."""

import logging
import os
import sys
from typing import Annotated

import typer

from models.catalog import RUNS, Catalog
from models.errors import UnknownTask, VistazoError
from serving import settings as configuration

ON_A_SPACE = "SPACE_ID" in os.environ
HOST, PORT = ("0.0.0.0", 7860) if ON_A_SPACE else ("127.0.0.1", 5000)  # noqa: S104  (a Space is reached from outside)


def main(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = HOST,
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = PORT,
    task: Annotated[str, typer.Option(help="The model that answers POST /predict.")] = "digit",
) -> None:
    """Serve the page and the API until Ctrl-C."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("vistazo").setLevel(logging.INFO)
    try:
        run(host, port, task)
    except VistazoError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(1)


def run(host: str, port: int, task: str) -> None:
    """Start the server; returns when it has stopped. Raises VistazoError when it cannot start."""
    settings = configuration.load()
    catalog = Catalog.load(settings.models, runs=RUNS, limit_s=settings.hub_timeout_s)
    known = [entry.task for entry in catalog.entries]
    if task not in known:
        raise UnknownTask(f"no model is called {task!r}: choose one of {', '.join(known)}")
    for entry in catalog.entries:
        if entry.error:
            typer.echo(f"Warning: {entry.task} is not available: {entry.error}", err=True)
        elif entry.fallback:
            instead = f"{entry.source} is served instead of {entry.fallback.wanted}"
            typer.echo(f"Warning: {entry.task}: {instead}: {entry.fallback.error}", err=True)

    # Here and not above: Gradio takes seconds to import, and what is wrong until here is told at once.
    from serving import server  # noqa: PLC0415

    listener = server.listen(host, port)
    address = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104
    if ON_A_SPACE:
        address = f"https://{os.environ.get('SPACE_HOST', host)}"
    app = server.build_app(catalog, settings, task, address, lambda: typer.echo(f"Vistazo is ready: {address}"))
    server.serve(app, listener)


if __name__ == "__main__":
    typer.run(main)
